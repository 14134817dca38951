"""How drift looks on a terminal: a line a difference, below its machine; the last line is the count."""

from collections.abc import Iterable, Sequence
from difflib import unified_diff
from itertools import groupby

from rich.console import Group, RenderableType
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from conpaas_iac.core.environments import option
from conpaas_iac.core.ordering import count
from conpaas_iac.drift.driftreport import WAYS, Drift, DriftReport, Mending
from conpaas_iac.usecases.adopting import Adopted

STYLES = {"safe": "green", "restart": "yellow", "downtime": "magenta", "data loss": "bold red"}
SHOWN = 4  # packages that are named
NARROW = 30  # columns that paths of all machines have at least, so that they stand below one another


def drift_view(report: DriftReport, files: bool = False) -> RenderableType:
    """What differs, how dangerous mending it is, and what to do."""
    parts: list[RenderableType] = [Text(f"{report.application} ({report.environment})", "dim")]
    longest = max((len(each.what) for each in report.drifts), default=0)
    for node, found in groupby(report.drifts, key=lambda each: each.node):
        table = Table.grid(padding=(0, 2))
        table.add_column()
        table.add_column(min_width=min(longest, NARROW), overflow="fold")
        for drifts in _joined(list(found)):
            table.add_row("", *_row(drifts))
        parts += [Text(node, "bold"), table]
    for each in report.unchecked:
        remedy = f" → {each.remedy}" if each.remedy else ""
        parts.append(Text(f"{each.node}: not checked: {each.reason}{remedy}", "red"))
    if files:
        for drift in report.drifts:
            if drift.diff:
                parts += [Text(f"\n{drift.node}", "bold"), Syntax(drift.diff, "diff", background_color="default")]
    parts += [Text(f"  note: {note}", "cyan") for note in report.notes]
    return Group(*parts, Text(report.summary), *_hints(report, files))


def _joined(drifts: Sequence[Drift]) -> Iterable[Sequence[Drift]]:
    """Packages share a line."""
    packages = [each for each in drifts if each.kind == "package"]
    yield from ([each] for each in drifts if each.kind != "package")
    if packages:
        yield packages


def _row(drifts: Sequence[Drift]) -> tuple[Text, Text, Text]:
    first = drifts[0]
    danger = Text(first.danger, STYLES[first.danger])
    if first.effect.startswith(first.danger):
        danger = Text(first.effect, STYLES[first.danger])
    elif first.effect:
        danger.append(f" ({first.effect})", "dim")
    if first.kind != "package":
        return Text(first.what), Text(first.text), danger
    named = ", ".join(f"{each.what} {each.text}" for each in drifts[:SHOWN])
    more = f" and {len(drifts) - SHOWN} more" if len(drifts) > SHOWN else ""
    return Text("package" if len(drifts) == 1 else f"{len(drifts)} packages"), Text(named + more), danger


def _hints(report: DriftReport, files: bool) -> list[Text]:
    if not report.drifts:
        return []
    hidden = sum(bool(each.diff) for each in report.drifts) if not files else 0
    shows = f"; --files shows {count(hidden, 'diff')}" if hidden else ""
    return [Text(f"  → conpaas drift {report.application}{option(report.environment)} --revert mends it{shows}", "dim")]


def mending_view(mendings: Iterable[Mending]) -> RenderableType:
    """What `--revert` would do to each machine, and how dangerous that is."""
    table = Table.grid(padding=(0, 2))
    for each in mendings:
        danger = Text(each.danger, STYLES[each.danger])
        ways = "; ".join(WAYS[way] for way in each.ways)
        effects = f" ({', '.join(each.effects)})" if each.effects else ""
        table.add_row("", Text(each.node, "bold"), danger, Text(ways + effects))
    return table


def adopted_view(adopted: Adopted) -> RenderableType:
    """What was written into the manifest, and what it cannot say."""
    parts: list[RenderableType] = []
    for each in adopted.edits:
        where = ", ".join(each.nodes)
        parts.append(Text(f"  {each.service} {each.name}: {each.before!r} → {each.value!r}   (as on {where})", "green"))
    for refused in adopted.refused:
        parts.append(Text(f"  {refused.node} {refused.what}: {refused.reason}", "red"))
        parts.append(Text(f"    → {refused.remedy}", "dim"))
    name, texts = adopted.manifest, (adopted.before.splitlines(), adopted.after.splitlines())
    if lines := list(unified_diff(*texts, name, name, lineterm="", n=1)):
        parts.append(Syntax("\n".join(lines), "diff", background_color="default"))
    done = f"Adopted: {count(len(adopted.edits), 'value')} of {name}; {len(adopted.refused)} refused."
    parts.append(Text(done))
    parts += [Text(f"  → conpaas up {name} makes it so on all machines of the service", "dim")] if adopted.edits else []
    return Group(*parts)
