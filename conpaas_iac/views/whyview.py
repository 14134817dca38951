"""How the answers of `conpaas why` look on a terminal."""

from collections.abc import Iterable, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from conpaas_iac.why.whystep import Answer

NAMED = 6  # machines


def why_view(answers: Iterable[Answer]) -> RenderableType:
    """The thing, then a line a reason, with its place."""
    parts: list[RenderableType] = []
    for answer in answers:
        parts.append(Text(f"{answer.kind} {answer.name}", "bold").append(_where(answer), "dim"))
        table = Table.grid(padding=(0, 2))
        for step in answer.steps:
            table.add_row("", Text(step.text), Text(step.place, "cyan", overflow="fold"))
        parts.append(table)
    return Group(*parts)


def _where(answer: Answer) -> str:
    if not answer.nodes or answer.nodes == (answer.name,):
        return ""
    return f"   on {_names(answer.nodes)}"


def _names(nodes: Sequence[str]) -> str:
    more = f" and {len(nodes) - NAMED} more" if len(nodes) > NAMED else ""
    return ", ".join(nodes[:NAMED]) + more
