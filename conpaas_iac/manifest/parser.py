"""The walk through a JSON text: brackets, members, separators; where each key and value stands."""

import re
from collections.abc import Callable, Iterable
from typing import NoReturn

from conpaas_iac.manifest import scalars
from conpaas_iac.manifest.scalars import Scalar
from conpaas_iac.manifest.source import NAME_OF_SECRET, SECRET_FIELD, SECRET_NAME, Span, child

DEEPEST = 60
_CLOSING = {"{": "}", "[": "]"}
# Anything else that stands for the name of a secret is taken to be the secret itself, and is not shown.
_NAME = re.compile(f'"{NAME_OF_SECRET.pattern}"')


class Lost(Exception):
    """Reading cannot go on."""


class Parser:
    """Walks a text once; `values`, `keys`, `problems` … hold what was found, also after `Lost`."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.open: list[int] = []  # offsets of brackets
        self.values: dict[str, Span] = {}
        self.keys: dict[str, Span] = {}
        self.broken: set[str] = set()
        self.secrets: list[Span] = []
        self.problems: list[tuple[str, Span, str, str, Iterable[tuple[Span, str]]]] = []

    def document(self) -> object:
        """The whole text, after a byte-order mark."""
        self.at = int(self.text.startswith("\ufeff"))
        self.skip()
        if not self.peek():
            self.say("E0003", (0, 1), "the file is empty", 'a manifest is a JSON object: {"Services": […]}')
            raise Lost
        value = self.value("", False)
        self.skip()
        if self.at < len(self.text):
            code, what = (
                ("E0017", "nothing is open that this closes")
                if self.peek() in "}]"
                else ("E0015", "text after the end")
            )
            self.say(code, (self.at, self.at + 1), what, "the manifest is one JSON object")
        return value

    def say(
        self, code: str, span: Span, message: str, hint: str = "", related: Iterable[tuple[Span, str]] = ()
    ) -> None:
        self.problems.append((code, span, message, hint, related))

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def skip(self) -> None:
        """Pass white space, and comments with a complaint."""
        while character := self.peek():
            if character in " \t\r\n":
                self.at += 1
            elif character == "#" or self.text.startswith(("//", "/*"), self.at):
                self._comment()
            elif character.isspace() or character == "\ufeff":
                self.say(
                    "E0003", (self.at, self.at + 1), "a character that only looks like a space", "use a plain space"
                )
                self.at += 1
            else:
                return

    def _comment(self) -> None:
        block = self.text.startswith("/*", self.at)
        end = self.text.find("*/" if block else "\n", self.at)
        end = len(self.text) if end < 0 else end + 2 * block
        self.say("E0007", (self.at, end), "JSON has no comments", 'take it out; "Description" holds free text')
        self.at = end

    def value(self, pointer: str, secret: bool) -> object:
        """Any value; `secret`: it is never to be shown."""
        start = self.at
        character = self.peek()
        if character in _CLOSING:
            value = self._nested(pointer, secret)
        elif not character:
            self._ends_early()
        else:
            value = self._scalar(pointer, character)
            if secret:
                self.secrets.append((start, self.at))
        self.values[pointer] = (start, self.at)
        return value

    def _nested(self, pointer: str, secret: bool) -> object:
        if len(self.open) >= DEEPEST:
            self.say("E0012", (self.at, self.at + 1), f"nested deeper than {DEEPEST} levels", "")
            raise Lost
        self.open.append(self.at)
        value = self._object(pointer, secret) if self.peek() == "{" else self._array(pointer, secret)
        self.open.pop()
        return value

    def _scalar(self, pointer: str, character: str) -> object:
        found = self._scan(character)
        if found is None:
            self.say("E0003", (self.at, self.at + 1), "a value is missing here")
            found = Scalar(None, self.at, broken=True)
            if character not in ",]}":
                raise Lost
        if found.broken:
            self.broken.add(pointer)
        self._take(found)
        return found.value

    def _scan(self, character: str) -> Scalar | None:
        if character == '"':
            return scalars.string(self.text, self.at)
        return scalars.other_quotes(self.text, self.at) or scalars.word(self.text, self.at)

    def _take(self, found: Scalar) -> None:
        if problem := found.problem:
            self.say(problem.code, problem.span, problem.message, problem.hint)
        self.at = found.end
        if found.lost:
            raise Lost

    def _array(self, pointer: str, secret: bool) -> list[object]:
        items: list[object] = []
        self._elements(lambda: items.append(self.value(child(pointer, len(items)), secret)))
        return items

    def _object(self, pointer: str, secret: bool) -> dict[str, object]:
        members: dict[str, object] = {}
        self._elements(lambda: self._member(pointer, members, secret))
        return members

    def _elements(self, element: Callable[[], None]) -> None:
        """Elements between brackets, separated by commas; the opening bracket stands at the current place."""
        closing = _CLOSING[self.peek()]
        self.at += 1
        comma = None  # offset of the comma that was read last
        while not self._closes(closing, comma):
            if self.peek() == ",":
                self.say("E0005", (self.at, self.at + 1), "a comma too many", "take it out")
                self.at += 1
                continue
            element()
            comma = self._separator(self.at, closing)

    def _closes(self, closing: str, comma: int | None) -> bool:
        self.skip()
        character = self.peek()
        if not character:
            self._ends_early()
        if character not in "]}":
            return False
        if comma is not None:
            self.say("E0005", (comma, comma + 1), f"a comma before {character}", "take it out")
        if character == closing:
            self.at += 1
        else:
            self._mismatch(character, closing)
        return True

    def _mismatch(self, character: str, closing: str) -> None:
        opened = self.open[-1]
        related = [((opened, opened + 1), "opened here")]
        self.say("E0017", (self.at, self.at + 1), f"{character} where {closing} is wanted", "", related)
        if any(_CLOSING[self.text[outer]] == character for outer in self.open[:-1]):
            raise Lost  # ours was forgotten, or this is a slip of the finger: nobody can say
        self.at += 1

    def _ends_early(self) -> NoReturn:
        opened = self.open[-1]
        wanted = "".join(_CLOSING[self.text[each]] for each in reversed(self.open))
        self.say("E0008", (opened, opened + 1), f"this {self.text[opened]} is never closed", f"the end wants {wanted}")
        raise Lost

    def _separator(self, end: int, closing: str) -> int | None:
        """Pass the comma after an element that ended at `end`; None if there is none."""
        self.skip()
        character = self.peek()
        if character == ",":
            self.at += 1
            return self.at - 1
        if character in ("", "]", "}"):
            return None
        if character == ":":
            hint = "pairs of key and value stand in braces: {…}" if closing == "]" else ""
            self.say("E0003", (self.at, self.at + 1), "a colon is out of place here", hint)
            raise Lost
        self.say("E0004", (end, end + 1), "a comma is missing here", "add ,")
        if character == ";":
            self.at += 1
        return None

    def _member(self, pointer: str, members: dict[str, object], secret: bool) -> None:
        start = self.at
        key = self._key()
        span = (start, self.at)
        place = child(pointer, key)
        if key in members:
            related = [(self.keys[place], "first given here")]
            self.say("E0013", span, "this key is given twice", "keep one of them", related)
        self.keys[place] = span
        if self._colon(span):
            names_secret = key == SECRET_FIELD and bool(_NAME.match(self.text, self.at))
            hidden = secret or key == SECRET_FIELD or SECRET_NAME.search(key) is not None
            members[key] = self.value(place, hidden and not names_secret)
        else:
            members[key] = None
            self.values[place] = span
            self.broken.add(place)

    def _key(self) -> str:
        character = self.peek()
        found = scalars.string(self.text, self.at) if character == '"' else scalars.other_quotes(self.text, self.at)
        if found:
            self._take(found)
            return str(found.value)
        bare = scalars.BARE_KEY.match(self.text, self.at)
        if not bare:
            self.say("E0003", (self.at, self.at + 1), "a key is wanted here", 'keys are texts in double quotes: "Type"')
            raise Lost
        self.at = bare.end()
        self.say("E0014", bare.span(), "keys stand in double quotes", 'as "Type"')
        return bare.group()

    def _colon(self, key: Span) -> bool:
        """Pass the colon after a key; False if there is no value either."""
        self.skip()
        character = self.peek()
        if character == ":":
            self.at += 1
        elif character == "=":
            self.say("E0016", (self.at, self.at + 1), "= where a colon is wanted", "write :")
            self.at += 2 if self.text.startswith("=>", self.at) else 1
        elif character in (",", "}", "]"):
            self.say("E0016", key, "this key has no value", 'a member is written "Key": value')
            return False
        elif character:
            self.say("E0016", (key[1], key[1] + 1), "a colon is missing here", 'a member is written "Key": value')
        self.skip()
        return True
