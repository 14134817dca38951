"""How a plan looks on a terminal: services, machines, what happens to each and why; the last line is the count."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from conpaas_iac.plans.plan import Cause, Danger, FileChange, MachineChange, Part, Plan
from conpaas_iac.plans.plandocument import Fate, cost, diffs, effect, fates, said, summary, totals
from conpaas_iac.runs.events import SIGNS

COLOURS = {
    "add": "green",
    "change": "yellow",
    "replace": "magenta",
    "move": "magenta",
    "remove": "red",
    "rest": "yellow",
    "wake": "green",
}
STYLES: dict[Danger, str] = {"safe": "dim", "restart": "yellow", "downtime": "red", "data loss": "bold red"}
LINES = {"+": "green", "-": "red", "@": "cyan"}  # of a diff
MOST = 4  # causes that are shown


def view(plan: Plan, files: bool = False) -> RenderableType:
    """The whole plan; machines in a row that share a fate are one line."""
    parts: list[RenderableType] = [*_shared(plan.shared)]
    for service, changes in groupby(plan.changes, key=lambda change: change.service):
        parts += _service(service, plan.types.get(service, ""), tuple(changes))
    parts += _diffs(plan) if files else []
    parts += [Text(f"  note: {note}", "cyan") for note in plan.notes]
    parts += [Text(f"  data loss  {service}: {reason}", "bold red") for service, reason in plan.losses.items()]
    if not plan.is_empty:
        parts.append(Text(totals(plan), STYLES[plan.danger]))
    if plan.cost and (not plan.is_empty or plan.cost.excess):
        parts.append(Text(cost(plan), "bold red" if plan.cost.excess else "dim"))
    return Group(*parts, Text(summary(plan)))


def _shared(shared: Sequence[Part]) -> Iterator[RenderableType]:
    for (kind, action, text), run in groupby(shared, key=lambda each: (each.kind, each.action, each.text)):
        group = tuple(run)
        sign, style = SIGNS[action], COLOURS[action]
        line = Text.assemble(("  ", ""), (sign, style), f" {kind}  {', '.join(each.name for each in group)}  ")
        yield line.append(text, "dim").append(_places(group[0].causes), "dim")


def _service(service: str, kind: str, changes: Sequence[MachineChange]) -> Iterator[RenderableType]:
    yield Text.assemble("  ", (service, "bold"), (f"  {kind}", "dim"))
    found = fates(changes)
    widths = (1, max(len(each.names) for each in found), max(len(each.addresses) for each in found))
    for each in found:
        yield _row(each, widths)
        yield from (Padding(line, (0, 0, 0, 8), expand=False) for line in _below(each.first))


def _row(fate: Fate, widths: Sequence[int]) -> RenderableType:
    change = fate.first
    sign, style = SIGNS[change.action], COLOURS[change.action]
    table = Table.grid(padding=(0, 2, 0, 0))
    for width in (2, *widths):
        table.add_column(width=width, no_wrap=True)
    text = Text(change.cause, "dim").append(_places(change.causes), "dim")
    if change.danger != "safe":
        text = Text(f"{change.danger}  ", STYLES[change.danger]).append(text)
    table.add_row("", Text(sign, style), fate.names, fate.addresses, text)
    return table


def _places(causes: Sequence[Cause]) -> str:
    """Of what needs no words."""
    return "".join(f"  {cause.place}" for cause in causes if not cause.text)


def _below(change: MachineChange) -> Iterator[Text]:
    """What happens to it; lines in a row with the causes that they share."""
    parts = [each for each in change.parts if each.text not in change.cause and each.danger != "data loss"]
    files = change.files if change.action != "add" else ()
    lines: list[tuple[str, str, Part | FileChange]] = [(_name(each), each.text, each) for each in parts]
    lines += [(each.path, effect(each), each) for each in files]
    told = {cause for _, _, each in lines for cause in each.causes}
    yield from _because([cause for cause in change.causes if cause not in told])
    runs = [(causes, [*run]) for causes, run in groupby(lines, key=lambda line: line[2].causes)]
    for causes, run in runs:
        yield from (_line(*line) for line in run)
        yield from _because(causes, "" if len(runs) == 1 else "  ")


def _line(name: str, text: str, what: Part | FileChange) -> Text:
    line = Text(name).append(f"  {text}" if text else "", "dim")
    if what.danger not in ("safe", text.partition(" ")[0]):
        line.append(f"  {what.danger}", STYLES[what.danger])
    return line


def _name(part: Part) -> str:
    return f"{part.kind}  {part.name}" if part.kind == "unit" else part.kind


def _because(causes: Sequence[Cause], indent: str = "") -> Iterator[Text]:
    worded = [cause for cause in causes if cause.text]
    for cause in worded[:MOST]:
        yield Text(f"{indent}because {said(cause)}", "dim")
    if worded[MOST:]:
        yield Text(f"{indent}and {len(worded) - MOST} more", "dim")


def _diffs(plan: Plan) -> Iterator[RenderableType]:
    for nodes, file in diffs(plan):
        yield Text(f"\n{nodes}", "bold")
        for line in file.diff.splitlines():
            yield Text(line, LINES.get(line[:1], ""))
    if plan.changes:
        yield Text()
