"""A fleet's plan, and how it ended: one table, on a terminal, in Markdown, as a document."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from conpaas_iac.core.environments import title
from conpaas_iac.fleet.decisions import Decision
from conpaas_iac.fleet.survey import Surveyed
from conpaas_iac.fleet.units import Unit
from conpaas_iac.plans import plandocument
from conpaas_iac.plans.plan import DANGERS
from conpaas_iac.runs.workers import Done
from conpaas_iac.views.sideview import Rows
from conpaas_iac.views.status import ApplicationStatus

WORDS = {"add": "add", "change": "change", "move": "move", "remove": "remove"}
STYLES = {"as it is": "dim", "apply": "", "wait": "yellow", "remove": "magenta", "refuse": "bold red"}
LONGEST = 50_000  # characters of Markdown; forges take 60 kB


def changes(decision: Decision) -> str:
    """2 add, 1 change."""
    found = (f"{decision.counts[name]} {word}" for name, word in WORDS.items() if decision.counts.get(name))
    return ", ".join(found) or ("-" if decision.what in ("as it is", "refuse") else "none of machines")


def said(decision: Decision) -> str:
    """What is done, and why, in one line."""
    why = decision.why.splitlines()[0] if decision.why else ""
    what = {"refuse": "nothing", "wait": "waits", "remove": "remove"}.get(decision.what, decision.what)
    return f"{what}: {why}" if why else what


def table(decisions: Sequence[Decision], ends: Mapping[str, Done], rows: Rows | None = None) -> Table:
    """A row for each application; of those that were carried out, how they ended."""
    made = Table(box=None, pad_edge=False, header_style="dim")
    for header in ("application", "class", "machines", "what"):
        made.add_column(header)
    for each in in_order(decisions):
        name = title(each.name, each.environment)
        end = rows.rows[name].ended if rows and name in ends else Text(said(each), STYLES[each.what])
        made.add_row(name, each.danger if each.what not in ("as it is",) else "-", changes(each), end)
    return made


def in_order(decisions: Iterable[Decision]) -> list[Decision]:
    """What wants somebody first, then the most dangerous; what is as it is comes last."""
    order = ("refuse", "wait", "remove", "apply", "as it is")
    return sorted(decisions, key=lambda each: (order.index(each.what), -DANGERS.index(each.danger), each.key))


def details(decisions: Sequence[Decision]) -> list[str]:
    """What is more than a line, and what to do about it."""
    found = []
    for each in in_order(decisions):
        if each.what in ("refuse", "wait"):
            lines = [*each.why.splitlines(), *([f"→ {each.remedy}"] if each.remedy else [])]
            found.append("\n".join([f"{title(each.name, each.environment)}:", *(f"  {line}" for line in lines)]))
    return found


def summary(decisions: Sequence[Decision]) -> str:
    """The last line: the counts."""
    counts = {what: sum(each.what == what for each in decisions) for what in STYLES}
    words = (
        ("apply", "to apply"),
        ("remove", "to remove"),
        ("wait", "waiting"),
        ("refuse", "refused"),
        ("as it is", "as they are"),
    )
    listed = ", ".join(f"{counts[what]} {word}" for what, word in words if counts[what])
    return f"{len(decisions)} application{'s' * (len(decisions) != 1)}: {listed or 'nothing to do'}."


def markdown(surveyed: Surveyed) -> str:
    """For a pull request: the table, then what wants somebody; always under 60 kB."""
    lines = ["| application | class | machines | what |", "| --- | --- | --- | --- |"]
    for each in in_order(surveyed.decisions):
        cells = (title(each.name, each.environment), each.danger if each.what != "as it is" else "-", changes(each))
        lines.append(f"| {' | '.join(map(_cell, (*cells, said(each))))} |")
    lines += ["", f"**{summary(surveyed.decisions)}**"]
    for text in details(surveyed.decisions):
        lines += ["", "```text", text.replace("```", "'''"), "```"]
    kept: list[str] = []
    size = 0
    for number, line in enumerate(lines):
        size += len(line.encode()) + 1
        if size > LONGEST:
            is_open = sum(each.startswith("```") for each in kept) % 2
            kept += [*["```"] * is_open, "", f"… and {len(lines) - number} more lines: `conpaas fleet plan` says all."]
            break
        kept.append(line)
    return "\n".join(kept) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")[:300]


def document(surveyed: Surveyed, code: int, results: Mapping[str, Mapping[str, Any]] | None = None) -> dict[str, Any]:
    """schemas/fleet-plan.schema.json; `results` are those of applications that were carried out."""
    found = []
    for each in in_order(surveyed.decisions):
        plan = surveyed.plans.get(each.key)
        known: dict[str, Any] = {
            "application": each.name,
            "environment": each.environment,
            "manifest": each.manifest,
            "what": each.what,
            "why": each.why,
            "remedy": each.remedy,
            "class": each.danger,
            "machines": dict(each.counts),
        }
        if results is None:
            known["plan"] = plandocument.document(plan) if plan else None
        else:
            known["result"] = results.get(title(each.name, each.environment))
        found.append(known)
    return {
        "version": 1,
        "fleet": surveyed.fleet,
        "exit": code,
        "applications": found,
        "summary": summary(surveyed.decisions),
    }


def status_table(found: Sequence[tuple[Unit, ApplicationStatus | str]]) -> Table:
    """How each is, now."""
    made = Table(box=None, pad_edge=False, header_style="dim")
    for header in ("application", "machines", "is", "at"):
        made.add_column(header)
    for unit, status in found:
        if isinstance(status, str):
            made.add_row(unit.title, "", Text(status, "yellow"), "")
            continue
        well = sum(node.is_well for node in status.nodes)
        style = "green" if status.is_well else "bold red"
        ill = ", ".join(f"{node.name} {node.state} {node.health}" for node in status.nodes if not node.is_well)
        said = Text("well" if status.is_well else ill or "ill", style)
        made.add_row(unit.title, f"{well}/{len(status.nodes)}", said, ", ".join(status.urls.values()))
    return made
