"""What is said about a manifest: a code, a place, what is wrong, what would have been right."""

from collections.abc import Iterable, Sequence
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


def as_text(diagnostics: Sequence[Diagnostic]) -> str:
    """For people: place, code, message, the source line, carets, what would have been right."""
    return "".join(_text(each) for each in diagnostics)


def _text(diagnostic: Diagnostic) -> str:
    place, excerpt = diagnostic.place, diagnostic.excerpt
    lines = [f"{_at(place)}: {diagnostic.severity}[{diagnostic.code}]: {diagnostic.message}"]
    if excerpt:
        number = f"{place.line:>3} | "
        gutter = " " * (len(number) - 2) + "| "
        lines.append(number + excerpt.line)
        lines.append(f"{gutter}{' ' * excerpt.indent}{'^' * excerpt.carets} {diagnostic.hint}".rstrip())
    elif diagnostic.hint:
        lines.append(f"    {diagnostic.hint}")
    lines += [f"{_at(other)}: note: {text}" for other, text in diagnostic.related]
    return "\n".join(lines) + "\n"


def _at(place: Place) -> str:
    return f"{place.file}:{place.line}:{place.column}"


class ManifestError(UserError):
    """A manifest with errors; carries everything that was said about it, warnings and notes too."""

    def __init__(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        super().__init__(as_text(diagnostics).rstrip("\n"))
        self.diagnostics = diagnostics
