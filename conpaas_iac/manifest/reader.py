"""JSON with the place of every key and value.

Where the likely cause of a mistake is clear (a missing comma, a comment …) it is said and reading goes on, so that one
run says everything; otherwise reading stops there.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from conpaas_iac.manifest.diagnostics import Diagnostic, say
from conpaas_iac.manifest.parser import Lost, Parser
from conpaas_iac.manifest.source import Source, Span, child


@dataclass(frozen=True)
class Document:
    """A JSON text, read, or several laid over each other. Places are by JSON pointer."""

    source: Source
    data: object
    values: Mapping[str, Span]
    keys: Mapping[str, Span]  # of the key that introduces the value
    broken: frozenset[str]  # values that are only a guess
    diagnostics: tuple[Diagnostic, ...]
    complete: bool  # False: reading stopped early, `data` says nothing
    origins: Mapping[str, Source] = field(default_factory=dict)  # of values that are not from `source`

    def origin(self, pointer: str) -> Source:
        """The file that a value is from."""
        return self.origins.get(pointer, self.source)

    @property
    def hidden(self) -> str:
        """The text without secrets; of several layers, what they are together."""
        if not self.origins:
            return self.source.hidden
        secret = {pointer for pointer, span in self.values.items() if span in self.origin(pointer).secrets}
        text = json.dumps(_without(self.data, secret, ""), indent=2, ensure_ascii=False) + "\n"
        return Source(self.source.name, text, valid=True).hidden


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


def _without(data: object, secret: Collection[str], pointer: str) -> object:
    if pointer in secret:
        return "***"
    if isinstance(data, dict):
        return {name: _without(value, secret, child(pointer, name)) for name, value in data.items()}
    if isinstance(data, list):
        return [_without(value, secret, child(pointer, index)) for index, value in enumerate(data)]
    return data
