"""Which values of the manifest would say what somebody wrote into a file by hand. Pure.

Nothing is known of templates: each value is rendered as a mark, and where the mark comes out is its place.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from difflib import SequenceMatcher

Parameter = tuple[str, str]  # ("Configuration", "memory_limit"), ("Environment", "MODE")
Render = Callable[[Mapping[Parameter, object]], str]  # the file, with these values changed

WORD, NUMBER = "conpaasMARK", 70707071
_LOOSE = re.compile(r"[\s'\"]")  # a hand may leave quotes out; what they mean is the same


def values(found: str, parameters: Mapping[Parameter, object], render: Render) -> dict[Parameter, object]:
    """The values that render what was found, where that was edited; nothing where they cannot."""
    before = render({}).splitlines()
    edited = _edited(before, found.splitlines())
    wanted: dict[Parameter, object] = {}
    for parameter, value in parameters.items() if edited else ():
        for mark in _marks(value):
            probe = _rendered(render, parameter, mark)
            if len(probe) == len(before):
                changed = {number: text for number, text in edited.items() if probe[number] != before[number]}
                read = [_read(probe[number], mark, text) for number, text in changed.items()]
                if read and read[0] is not None:
                    wanted[parameter] = read[0]
    return wanted if wanted and _says(render(wanted).splitlines(), edited, len(before)) else {}


def feeding(parameters: Mapping[Parameter, object], render: Render) -> tuple[Parameter, ...]:
    """Those that the file is another one with."""
    before = render({}).splitlines()
    return tuple(
        parameter
        for parameter, value in parameters.items()
        if any(_rendered(render, parameter, mark) != before for mark in (*_marks(value), *_further(value)))
    )


def _edited(before: Sequence[str], after: Sequence[str]) -> dict[int, str]:
    """Line -> what it is now; nothing where lines came or went."""
    found: dict[int, str] = {}
    for kind, start, end, other, last in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind == "equal":
            continue
        if kind != "replace" or end - start != last - other:
            return {}
        found |= dict(zip(range(start, end), after[other:last], strict=True))
    return found


def _marks(value: object) -> tuple[object, ...]:
    if isinstance(value, bool):
        return (not value,)
    if isinstance(value, int):
        return (NUMBER,)
    return (WORD,) if isinstance(value, str) else ()


def _further(value: object) -> tuple[object, ...]:
    """What shows an effect, and cannot be read back: zero and nothing may be words of their own."""
    if isinstance(value, list):
        return ([*value, WORD], [])
    return ("",) if isinstance(value, str) and value else ()


def _rendered(render: Render, parameter: Parameter, value: object) -> list[str]:
    """Lines; what cannot be rendered depends on it, too."""
    try:
        return render({parameter: value}).splitlines()
    except Exception as error:  # a template may compute with it, whatever that raises
        return [f"cannot be rendered: {error}"]


def _read(line: str, mark: object, found: str) -> object | None:
    """The value that stands in the found line where the mark stands in the other."""
    if isinstance(mark, bool):
        return mark if _loose(line) == _loose(found) else None
    before, there, after = _loose(line).partition(str(mark))
    text = _LOOSE.sub("", found) if isinstance(mark, int) else found.strip()
    if not there:
        return None
    if isinstance(mark, int):
        match = re.fullmatch(rf"{re.escape(before)}(-?\d+){re.escape(after)}", text)
        return int(match[1]) if match else None
    head, _, tail = line.partition(str(mark))
    match = re.fullmatch(rf"\s*{_gap(head)}(.*?){_gap(tail)}\s*", found)
    return match[1].strip("'\"") if match else None


def _gap(text: str) -> str:
    """A pattern for a text whose quotes may be left out and whose spaces may be others."""
    return "".join(
        r"\s*" if each.isspace() else "['\"]?" if each in "'\"" else re.escape(each) for each in text.strip(" ")
    ) + r"\s*"


def _loose(line: str) -> str:
    return _LOOSE.sub("", line)


def _says(rendered: Sequence[str], edited: Mapping[int, str], length: int) -> bool:
    return len(rendered) == length and all(_loose(rendered[number]) == _loose(text) for number, text in edited.items())
