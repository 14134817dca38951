"""Several plans as one comment on a pull request: the most dangerous first, never longer than a comment may be."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from conpaas_iac.core.ordering import count
from conpaas_iac.plans.plan import DANGERS, Plan
from conpaas_iac.plans.plandocument import summary
from conpaas_iac.views.planmarkdown import LONGEST, cell, fitting, markdown, size

TABLE, ERRORS = 15_000, 8_000  # bytes
LEAST = 2_500  # that are worth to begin another plan with
LONGEST_ERROR = 1_500  # characters


def comment(
    plans: Mapping[str, Plan],
    errors: Mapping[str, str],
    removals: Mapping[str, str] = MappingProxyType({}),
    top: str = "",
    foot: str = "",
) -> str:
    """Name -> plan, name -> why there is none, or why it goes; `top` and `foot` are Markdown."""
    ordered = sorted(plans.items(), key=lambda each: -DANGERS.index(each[1].danger))
    text = f"{top}\n\n" if top else ""
    if len(plans) != 1 or errors or removals:
        said = _cautions("not planned", errors) + _cautions("removed", removals)
        text += _head(plans, errors, removals) + said + _table(ordered)
    told = [(name, plan) for name, plan in ordered if not plan.is_empty or len(plans) == 1]
    end = f"\n{foot}\n" if foot else ""
    left = []
    for name, plan in told:
        room = LONGEST - 1000 - size(text) - size(end)
        piece = "\n" + markdown(plan, longest=room) if room > LEAST else ""
        if piece and size(piece) <= room:
            text += piece
        else:
            left.append((name, plan))
    return text.lstrip("\n") + _left(left) + end


def outcome(ends: Mapping[str, str], url: str = "") -> str:
    """Name -> why it was not applied, or empty: what stands above the plans once they were carried out."""
    where = f" ([run]({url}))" if url else ""
    good, bad = [name for name, why in ends.items() if not why], {name: why for name, why in ends.items() if why}
    said = f"**Applied**{where}: {cell(', '.join(good))}\n" if good else ""
    return said + _cautions("not applied", bad)


def _head(plans: Mapping[str, Plan], errors: Mapping[str, str], removals: Mapping[str, str]) -> str:
    if not plans and not errors and not removals:
        return "### conpaas plan: no application changes\n"
    worst = max((plan.danger for plan in plans.values()), key=DANGERS.index, default="safe")
    worst = "data loss" if removals else worst
    changing = sum(not plan.is_empty for plan in plans.values()) + len(removals)
    bad = f", {len(errors)} not planned" if errors else ""
    every = len(plans) + len(removals)
    return f"### conpaas plan: {count(changing, 'application')} of {every} to change, class {worst}{bad}\n"


def _cautions(what: str, said: Mapping[str, str]) -> str:
    pieces = [f"\n> [!CAUTION]\n> **{what}** {cell(name)}\n\n{_block(text)}\n" for name, text in said.items()]
    kept = fitting(pieces, ERRORS)
    more = list(said)[len(kept) :]
    return "".join(kept) + (f"\nAlso {what}: {cell(', '.join(more))}\n" if more else "")


def _block(text: str) -> str:
    """Verbatim; nothing in it ends the block."""
    text = text.strip()
    text = text if len(text) <= LONGEST_ERROR else text[:LONGEST_ERROR] + "…"
    return "".join(f"    {line}\n" for line in text.splitlines())


def _table(ordered: Sequence[tuple[str, Plan]]) -> str:
    rows = []
    for name, plan in ordered:
        danger = plan.danger if plan.danger == "safe" else f"**{plan.danger}**"
        rows.append(f"| {cell(name)} | {danger} | {cell(summary(plan))} |\n")
    kept = fitting(rows, TABLE)
    more = f"\n…and {count(len(rows) - len(kept), 'more application')}.\n" if rows[len(kept) :] else ""
    return "\n| application | class | what |\n|---|---|---|\n" + "".join(kept) + more if rows else ""


def _left(left: Sequence[tuple[str, Plan]]) -> str:
    """What is left out, by name and class; it is in the saved plans."""
    if not left:
        return ""
    said = cell(", ".join(f"{name} ({plan.danger})" for name, plan in left))
    return f"\n…left out here: {count(len(left), 'plan')}: {said}. All of it is in the saved plans.\n"
