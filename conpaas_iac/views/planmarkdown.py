"""A plan as Markdown, for a pull request: the most dangerous first, and never longer than a comment may be."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from conpaas_iac.core.ordering import count
from conpaas_iac.plans.plan import DANGERS, Danger, MachineChange, Part, Plan
from conpaas_iac.plans.plandocument import Fate, cost, diffs, effect, fates, said, summary, totals
from conpaas_iac.runs.events import SIGNS

LONGEST = 60_000  # bytes; GitHub takes 65536 characters
LONGEST_CELL = 300  # characters
MOST = 20  # notes, and services that lose data
HEAD = "| | machine | address | what | class | because |\n|---|---|---|---|---|---|\n"


@dataclass(frozen=True)
class Row:
    """A line of the table, and how many changes it stands for."""

    text: str
    danger: Danger
    number: int = 1


def markdown(plan: Plan, files: bool = False, longest: int = LONGEST) -> str:
    """The whole plan, or what fits of it and how much is left out; the head alone is never cut."""
    text = "".join(_top(plan))
    rows = [*map(_shared, plan.shared), *map(_row, fates(plan.changes))]
    rows.sort(key=lambda row: -DANGERS.index(row.danger))
    kept = fitting([row.text for row in rows], longest - 1000 - size(text))
    if kept:
        text += "\n" + HEAD + "".join(kept)
    text += _left(rows[len(kept) :])
    return text + _diffs(plan, longest - 1000 - size(text)) if files else text


def _top(plan: Plan) -> Iterator[str]:
    where = plan.application if plan.environment == "default" else f"{plan.application} ({plan.environment})"
    yield f"### conpaas plan: {cell(where)}\n\n**{cell(summary(plan))}**"
    yield "\n" if plan.is_empty else f" {cell(f'{totals(plan)} {cost(plan)}')}\n"
    if plan.cost and plan.cost.excess:
        yield f"\n> [!CAUTION]\n> **over the budget** {cell(plan.cost.excess)}\n"
    for service, reason in sorted(plan.losses.items())[:MOST]:
        yield f"\n> [!CAUTION]\n> **data loss** {cell(f'{service}: {reason}')}\n"
    if len(plan.losses) > MOST:
        yield f"\n> and {len(plan.losses) - MOST} more services would lose data\n"
    notes = plan.notes[:MOST]
    yield "\n" if notes else ""
    yield from (f"- {cell(note)}\n" for note in notes)
    if plan.notes[MOST:]:
        yield f"- and {len(plan.notes) - MOST} more notes\n"


def _shared(part: Part) -> Row:
    because = "; ".join(said(cause) for cause in part.causes)
    return Row(_line(SIGNS[part.action], part.kind, part.name, part.text, part.danger, because), part.danger)


def _row(fate: Fate) -> Row:
    change = fate.first
    because = "; ".join(said(cause) for cause in change.causes)
    cells = (SIGNS[change.action], fate.names, fate.addresses, _what(change), _danger(change), because)
    return Row(_line(*cells), change.danger, len(fate.changes))


def _what(change: MachineChange) -> str:
    said_of = [change.cause, *(part.text for part in change.parts if _is_news(part, change))]
    files = change.files if change.action != "add" else ()
    said_of += [" ".join((file.path, *((f"({effect(file)})",) if effect(file) else ()))) for file in files]
    return ", ".join(said_of)


def _is_news(part: Part, change: MachineChange) -> bool:
    return part.text not in change.cause and part.danger != "data loss"  # that is said above all


def _danger(change: MachineChange) -> str:
    return change.danger if change.danger == "safe" else f"**{change.danger}**"


def _line(*cells: str) -> str:
    return "| " + " | ".join(each if each.startswith("**") else cell(each) for each in cells) + " |\n"


def cell(text: str) -> str:
    """One line in which nothing is markup."""
    text = " ".join(text.split())
    text = text if len(text) <= LONGEST_CELL else text[: LONGEST_CELL - 1] + "…"
    return re.sub(r"([\\`*_\[\]<>|#~@])", r"\\\1", text)


def size(text: str) -> int:
    return len(text.encode())


def fitting(pieces: Iterable[str], room: int) -> list[str]:
    """The first ones, as many as fit."""
    found = []
    for piece in pieces:
        room -= size(piece)
        if room < 0:
            break
        found.append(piece)
    return found


def _left(rest: Sequence[Row]) -> str:
    """What is left out, by class."""
    numbers = {danger: sum(row.number for row in rest if row.danger == danger) for danger in reversed(DANGERS)}
    found = [count(number, f"more {danger} change") for danger, number in numbers.items() if number]
    return f"\n…and {', '.join(found)}.\n" if found else ""


def _diffs(plan: Plan, room: int) -> str:
    order = {change.node: -DANGERS.index(change.danger) for change in plan.changes}
    found = sorted(diffs(plan), key=lambda each: order.get(each[0].partition(" ")[0].rstrip(","), 0))
    pieces = [_diff(nodes, file.path, file.diff) for nodes, file in found]
    kept = fitting(pieces, room)
    more = len(pieces) - len(kept)
    rest = f"\n…and {count(more, 'more diff')}: `conpaas plan --files` shows them.\n" if more else ""
    inside = "".join(kept) + rest
    return f"\n<details><summary>{count(len(pieces), 'file')}</summary>\n\n{inside}\n</details>\n" if pieces else ""


def _diff(nodes: str, path: str, diff: str) -> str:
    longest = max((len(run) for run in re.findall(r"`+", diff)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{cell(nodes)}: {cell(path)}\n\n{fence}diff\n{diff}\n{fence}\n\n"
