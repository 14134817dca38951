"""Diagnostics about a document while it is being checked, by JSON pointer."""

from collections.abc import Iterable

from conpaas_iac.manifest.diagnostics import Diagnostic, in_order, say
from conpaas_iac.manifest.reader import Document
from conpaas_iac.manifest.source import Span


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
        others = [(self._span(other, False), text) for other, text in related]
        self._said.append(say(self.document.source, code, self._span(pointer, key), message, hint, others))

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """Everything said, ordered by place."""
        return in_order(self._said)

    @property
    def failed(self) -> bool:
        """Whether there is an error."""
        return any(each.severity == "error" for each in self._said)

    def _span(self, pointer: str, key: bool) -> Span:
        """Of the value, or of the nearest one around it that is there; objects and lists show their bracket."""
        if key and pointer in self.document.keys:
            return self.document.keys[pointer]
        while pointer not in self.document.values and pointer:
            pointer = pointer.rpartition("/")[0]
        start, end = self.document.values[pointer]
        return (start, start + 1) if self.document.source.text[start : start + 1] in "{[" else (start, end)
