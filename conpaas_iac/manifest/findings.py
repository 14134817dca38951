"""Diagnostics about a document while it is being checked, by JSON pointer."""

from collections.abc import Iterable
from dataclasses import replace

from conpaas_iac.manifest.diagnostics import Diagnostic, in_order, say
from conpaas_iac.manifest.reader import Document
from conpaas_iac.manifest.source import Source, Span


class Findings:
    """Collects what is said about one document; starts with what its reader said."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self._said = list(document.diagnostics)
        self._hushed: dict[str, str] = {}

    def hush(self, pointer: str, besides: str = "") -> None:
        """Say nothing more about a value and what is in it, besides one pointer."""
        self._hushed[pointer] = besides

    def add(
        self,
        code: str,
        pointer: str,
        message: str,
        hint: str = "",
        *,
        key: bool = False,
        related: Iterable[tuple[str, str]] = (),
    ) -> None:
        """Say something about a value, or about its key; `related` are pointers and what is there."""
        for hushed, besides in self._hushed.items():
            if (pointer == hushed or pointer.startswith(hushed + "/")) and pointer != besides:
                return
        others = [(*self._span(other, False), text) for other, text in related]
        source, span = self._span(pointer, key)
        places = tuple((each.place(there), text) for each, there, text in others)
        self._said.append(replace(say(source, code, span, message, hint), related=places))

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """Everything said, ordered by place."""
        return in_order(self._said)

    @property
    def failed(self) -> bool:
        """Whether there is an error."""
        return any(each.severity == "error" for each in self._said)

    def _span(self, pointer: str, key: bool) -> tuple[Source, Span]:
        """Of the value, or of the nearest one around it that is there; objects and lists show their bracket."""
        if key and pointer in self.document.keys:
            return self.document.origin(pointer), self.document.keys[pointer]
        while pointer not in self.document.values and pointer:
            pointer = pointer.rpartition("/")[0]
        source, (start, end) = self.document.origin(pointer), self.document.values[pointer]
        return source, (start, start + 1) if source.text[start : start + 1] in "{[" else (start, end)
