"""The answers of `conpaas why`, as data."""

from dataclasses import dataclass

from conpaas_iac.catalog import ServiceType
from conpaas_iac.why import rolefiles


@dataclass(frozen=True)
class Step:
    """One reason; `place` is "file:line:column", or "" where nothing that is written asks for it."""

    text: str
    place: str = ""


@dataclass(frozen=True)
class Answer:
    """One thing that was asked for, why it is there, and on which machines."""

    kind: str  # machine, address, service, file, code, unit, package, port
    name: str
    steps: tuple[Step, ...]
    nodes: tuple[str, ...] = ()


def role(kind: ServiceType, file: str, *steps: str | int) -> str:
    """The place in a file of a role."""
    line, column = rolefiles.place(kind.folder / file, *steps)
    return f"roles/{kind.name}/{file}:{line}:{column}"
