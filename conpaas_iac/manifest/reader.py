"""JSON with the place of every key and value.

Where the likely cause of a mistake is clear (a missing comma, a comment …) it is said and reading goes on, so that one
run says everything; otherwise reading stops there.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from conpaas_iac.manifest.diagnostics import Diagnostic, say
from conpaas_iac.manifest.parser import Lost, Parser
from conpaas_iac.manifest.source import Source, Span


@dataclass(frozen=True)
class Document:
    """A JSON text, read. Places are by JSON pointer."""

    source: Source
    data: object
    values: Mapping[str, Span]
    keys: Mapping[str, Span]  # of the key that introduces the value
    broken: frozenset[str]  # values that are only a guess
    diagnostics: tuple[Diagnostic, ...]
    complete: bool  # False: reading stopped early, `data` says nothing


def parse(source: Source) -> Document:
    """Read a JSON text; never raises."""
    parser = Parser(source.text)
    complete, data = True, None
    try:
        data = parser.document()
    except Lost:
        complete = False
    source = replace(source, secrets=tuple(parser.secrets), valid=not parser.problems)
    found = tuple(say(source, *problem) for problem in parser.problems)
    broken = frozenset(parser.broken)
    return Document(source, data, parser.values, parser.keys, broken, found, complete)
