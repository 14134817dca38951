"""What is said about a manifest: a code, a place, what is wrong, what would have been right."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from conpaas_iac.errors import UserError
from conpaas_iac.manifest.model import Place
from conpaas_iac.manifest.source import Excerpt, Source, Span

Severity = Literal["error", "warning", "note"]
_SEVERITIES: dict[str, Severity] = {"E": "error", "W": "warning", "N": "note"}


@dataclass(frozen=True)
class Diagnostic:
    """One finding. `related` are other places that belong to it, each with what is there."""

    code: str
    place: Place
    message: str
    hint: str = ""  # what would have been right
    related: tuple[tuple[Place, str], ...] = ()
    excerpt: Excerpt | None = field(default=None, repr=False)

    @property
    def severity(self) -> Severity:
        """By the code's letter; errors stop, warnings and notes do not."""
        return _SEVERITIES[self.code[0]]


def say(
    source: Source,
    code: str,
    span: Span,
    message: str,
    hint: str = "",
    related: Iterable[tuple[Span, str]] = (),
) -> Diagnostic:
    """A diagnostic about a stretch of a file that could be read."""
    place = source.place(span)
    others = tuple((source.place(other), text) for other, text in related)
    return Diagnostic(code, place, message, hint, others, source.excerpt(place))


def in_order(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """By place, errors first where places are equal, the first file first; the same thing is said once."""
    unique = dict.fromkeys(diagnostics)
    files = list(dict.fromkeys(each.place.file for each in unique))
    return tuple(
        sorted(unique, key=lambda each: (files.index(each.place.file), each.place.line, each.place.column, each.code))
    )


class ManifestError(UserError):
    """A manifest with errors; carries everything that was said about it, warnings and notes too."""

    def __init__(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        from conpaas_iac.manifest.formats import as_text

        super().__init__(as_text(diagnostics).rstrip("\n"))
        self.diagnostics = diagnostics
