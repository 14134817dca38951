"""The text of a file: offsets to lines and columns, and lines fit to be shown."""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from conpaas_iac.manifest.model import Place

Span = tuple[int, int]  # offsets into the text, end exclusive

SECRET_FIELD = "Secret"  # holds the name of a secret
SHOWN_CHARACTERS = 160  # of one source line
NAME_OF_SECRET = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")


def _with_slips(word: str) -> str:
    """A pattern for a word, also with one letter wrong, missing, too many or swapped."""
    halves = [(word[:at], word[at:]) for at in range(1, len(word))]
    wrong = [f"{before}.?{after[1:]}" for before, after in [("", word), *halves]]
    more = [f"{before}.{after}" for before, after in halves]
    swapped = [f"{before[:-1]}{after[0]}{before[-1]}{after[1:]}" for before, after in halves]
    return "|".join([*wrong, *more, *swapped])


_SECRETS = "|".join(
    [_with_slips("password"), _with_slips("token"), "passw|passphrase|secret.?(?:key|access)|private.?key"]
)
SECRET_NAME = re.compile(_SECRETS, re.IGNORECASE)
# In text that is no JSON nobody can say where a secret ends: the rest of its line is hidden.
_AFTER_SECRET_NAME = re.compile(rf"""(?:{_SECRETS})[\w .-]*+["']?+(?P<value>[^\r\n]+)""", re.IGNORECASE)
_URL_PASSWORD = re.compile(r"/[^/@\s\":]*:(?P<value>[^/@\s\"]+)@")


@dataclass(frozen=True)
class Excerpt:
    """One source line as shown under a diagnostic: secrets masked, tabs expanded, nothing a terminal would obey."""

    line: str
    indent: int  # columns before the carets
    carets: int


@dataclass(frozen=True)
class Source:
    """The text of one file."""

    name: str  # as the user wrote the path
    text: str
    secrets: tuple[Span, ...] = field(default=(), repr=False)  # values of secret fields, found by the reader
    valid: bool = False  # it was read, and is JSON

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(match.end() for match in re.finditer(r"\r\n|\n|\r", self.text))]

    def place(self, span: Span) -> Place:
        """Where a span is; a span over several lines is cut at the end of its first."""
        start = min(span[0], len(self.text))
        index = bisect_right(self._starts, start) - 1
        end = self._line_span(index)[1]
        return Place(self.name, index + 1, start - self._starts[index] + 1, max(1, min(span[1], end) - start))

    def _line_span(self, index: int) -> Span:
        start = self._starts[index]
        end = self._starts[index + 1] if index + 1 < len(self._starts) else len(self.text)
        return start, start + len(self.text[start:end].rstrip("\r\n"))

    @cached_property
    def _masked(self) -> list[Span]:
        """Spans that are never shown."""
        patterns = (_URL_PASSWORD,) if self.valid else (_URL_PASSWORD, _AFTER_SECRET_NAME)
        found = (match.span("value") for pattern in patterns for match in pattern.finditer(self.text))
        merged: list[Span] = []
        for start, end in sorted([*self.secrets, *found]):
            if merged and start < merged[-1][1]:
                start, end = merged[-1][0], max(merged.pop()[1], end)
            merged.append((start, end))
        return merged

    @property
    def hidden(self) -> str:
        """The whole text without secrets; JSON stays JSON."""
        text, whole = self.text, {start for start, _ in self.secrets}
        for start, end in reversed(self._masked):
            text = text[:start] + ('"***"' if start in whole else "***") + text[end:]
        return text

    def excerpt(self, place: Place) -> Excerpt:
        """The line of a place, with the columns that it covers."""
        start, end = self._line_span(place.line - 1)
        caret = start + place.column - 1
        first = max(start, min(caret - SHOWN_CHARACTERS // 2, end - SHOWN_CHARACTERS))
        last = min(end, first + SHOWN_CHARACTERS)
        cells = self._cells(first, last)
        before = cells[: caret - first]
        under = cells[caret - first : caret - first + place.length]
        prefix = "…" if first > start else ""
        suffix = "…" if last < end else ""
        line = prefix + "".join(cells) + suffix
        return Excerpt(line, len(prefix) + _width(before), max(1, _width(under)))

    def _cells(self, first: int, last: int) -> list[str]:
        """What is shown for each character from first to last; a masked span is shown as its first character's cell."""
        cells = [_shown(character) for character in self.text[first:last]]
        for start, end in self._masked:
            if start < last and end > first:
                here = max(start, first) - first
                cells[here : min(end, last) - first] = ["***", *[""] * (min(end, last) - first - here - 1)]
        return cells


def _shown(character: str) -> str:
    if character == "\t":
        return "    "
    return character if character.isprintable() else "\N{REPLACEMENT CHARACTER}"


def _width(cells: Iterable[str]) -> int:
    return sum(_columns(character) for cell in cells for character in cell)


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def quote(value: object, limit: int = 60) -> str:
    """A value of the user's in double quotes: cut to a length, nothing a terminal would obey, no URL's password."""
    shown = _URL_PASSWORD.sub(lambda found: found.group().replace(found.group("value"), "***"), str(value))
    text = "".join(each if each.isprintable() else f"\\u{ord(each):04x}" for each in shown)
    return f'"{text}"' if len(text) <= limit else f'"{text[:limit]}…"'


def child(pointer: str, step: str | int) -> str:
    """The JSON pointer of a member or item."""
    return f"{pointer}/{str(step).replace('~', '~0').replace('/', '~1')}"
