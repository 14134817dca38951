"""One edit of a JSON text: a value set, added or taken out where it stands, laid out as what is around it."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

from conpaas_iac.errors import UserError
from conpaas_iac.manifest.reader import Document
from conpaas_iac.manifest.source import Span, child

VALIDATE = "`conpaas validate` says what is wrong with the manifest"


@dataclass(frozen=True)
class Edit:
    """Another text for a stretch of it."""

    span: Span
    text: str

    def applied(self, text: str) -> str:
        """The text with it."""
        return text[: self.span[0]] + self.text + text[self.span[1] :]


def put(document: Document, steps: Sequence[str], value: object) -> Edit:
    """Another value at the end of these steps from the top, with all around it that is not there yet."""
    pointer = ""
    for number, name in enumerate(steps):
        if document.source.text[document.values[pointer][0]] not in "{[":
            raise UserError(f"{steps[number - 1]} is no object", VALIDATE)
        if child(pointer, name) not in document.values:
            inner = reduce(lambda inner, name: {name: inner}, reversed(steps[number + 1 :]), value)
            return _member(document, pointer, name, inner)
        pointer = child(pointer, name)
    return Edit(document.values[pointer], _json(value))


def _member(document: Document, pointer: str, key: str, value: object) -> Edit:
    """A member after the last one of an object, laid out as that one is."""
    text = document.source.text
    steps = _inside(document, pointer)
    if not steps:
        return Edit(document.values[pointer], f"{{{json.dumps(key)}: {_json(value)}}}")
    key_span, value_span = document.keys[steps[-1]], document.values[steps[-1]]
    colon = text[key_span[1] : value_span[0]]
    # a first member may be on the line of its bracket
    space = _before(text, key_span[0]) or (" " if colon.endswith(" ") else "")
    return Edit((value_span[1], value_span[1]), f",{space}{json.dumps(key)}{colon}{_json(value)}")


def append(document: Document, pointer: str, value: object) -> Edit:
    """An item after the last one of a list, on lines of its own where that one is."""
    text, steps = document.source.text, _inside(document, pointer)
    if not steps:
        return Edit(document.values[pointer], f"[{_json(value)}]")
    start, end = document.values[steps[-1]]
    space = _before(text, start)
    line = "\n" + space.rpartition("\n")[2]
    written = json.dumps(value, indent=2, ensure_ascii=False).replace("\n", line) if "\n" in space else _json(value)
    return Edit((end, end), f",{space or ' '}{written}")


def remove(document: Document, pointer: str) -> Edit:
    """Without a member or an item, and its comma."""
    steps = _inside(document, pointer.rpartition("/")[0])
    number = steps.index(pointer)
    start, end = _begin(document, pointer), document.values[pointer][1]
    if number + 1 < len(steps):
        return Edit((start, _begin(document, steps[number + 1])), "")
    return Edit((document.values[steps[number - 1]][1] if number else start, end), "")


def _inside(document: Document, pointer: str) -> list[str]:
    """Members or items, in the order written."""
    found = [each for each in document.values if each and each.rpartition("/")[0] == pointer]
    return sorted(found, key=lambda each: document.values[each])


def _begin(document: Document, pointer: str) -> int:
    return document.keys.get(pointer, document.values[pointer])[0]


def _before(text: str, end: int) -> str:
    found = re.search(r"\s*\Z", text[:end])
    return found.group() if found else ""


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
