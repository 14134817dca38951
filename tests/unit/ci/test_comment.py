"""Several plans as one comment: the most dangerous first, always short enough, what is left out is said."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from conpaas_iac.plans.plan import DANGERS, MachineChange, Plan
from conpaas_iac.views import cimarkdown
from conpaas_iac.views.planmarkdown import LONGEST

WORDS = st.text(max_size=2000)
CHANGE = MachineChange("web-1", "web", "change", "10.42.16.1", "an option")


def plan(name: str, *changes: MachineChange) -> Plan:
    return Plan(name, "default", "10.42.0.0/16", changes, 0)


def test_one_plan_is_itself() -> None:
    text = cimarkdown.comment({"shop": plan("shop", CHANGE)}, {}, foot="The end.")
    assert text.startswith("### conpaas plan: shop\n")
    assert text.endswith("\nThe end.\n")
    assert "application |" not in text


def test_the_most_dangerous_comes_first() -> None:
    bad = replace(plan("db", replace(CHANGE, danger="data loss")), losses={"db": "its last copy goes"})
    text = cimarkdown.comment({"shop": plan("shop", CHANGE), "idle": plan("idle"), "db": bad}, {"blog": "E1: bad"})
    heads = [line for line in text.splitlines() if line.startswith("### ")]
    assert heads == [
        "### conpaas plan: 2 applications of 3 to change, class data loss, 1 not planned",
        "### conpaas plan: db",
        "### conpaas plan: shop",
    ]
    assert "**not planned** blog\n\n    E1: bad\n" in text
    rows = ("| db | **data loss** |", "| shop | safe |", "| idle | safe | No changes")
    assert [text.index(row) for row in rows] == sorted(text.index(row) for row in rows)


def test_nothing_is_said_too() -> None:
    assert cimarkdown.comment({}, {}) == "### conpaas plan: no application changes\n"


def test_how_it_ended_stands_above() -> None:
    top = cimarkdown.outcome({"shop": "", "blog": "error: blog.plan is not applied; moved"}, "https://ci.invalid/1")
    text = cimarkdown.comment({"shop": plan("shop", CHANGE)}, {}, top=top)
    assert text.startswith("**Applied** ([run](https://ci.invalid/1)): shop\n")
    assert "**not applied** blog\n\n    error: blog.plan is not applied; moved\n" in text


NAMES = st.from_regex(r"[a-z]{1,9}", fullmatch=True)


@given(
    st.dictionaries(NAMES, st.tuples(st.sampled_from(DANGERS), WORDS), max_size=9),
    st.integers(1, 300),
    st.dictionaries(WORDS, WORDS, max_size=30),
    st.dictionaries(WORDS, WORDS, max_size=30),
)
@settings(max_examples=40, deadline=None)
def test_it_always_fits_and_gives_no_orders(
    said: dict[str, tuple[str, str]], times: int, errors: dict[str, str], ends: dict[str, str]
) -> None:
    plans = {
        name: plan(name, *(replace(CHANGE, node=f"web-{n}", cause=f"{n} {cause}", danger=danger) for n in range(times)))
        for name, (danger, cause) in said.items()  # type: ignore[misc]
    }
    text = cimarkdown.comment(plans, errors, ends, cimarkdown.outcome(ends), "The end.")
    assert len(text.encode()) < LONGEST
    assert text.endswith("The end.\n")
    assert not [line for line in text.splitlines() if line.startswith("/")]  # GitLab would obey
    heads = [line.removeprefix("### conpaas plan: ") for line in text.splitlines() if line.startswith("### ")]
    told = [name for name in heads if name in plans]
    kinds = [DANGERS.index(plans[name].danger) for name in told]
    assert kinds == sorted(kinds, reverse=True)
    left = [name for name in plans if name not in told]
    assert not left or f"left out here: {len(left)} plan" in text


def test_many_applications_are_named_in_a_table() -> None:
    changes = [replace(CHANGE, cause=f"{number} {'x' * 250}") for number in range(50)]
    text = cimarkdown.comment({f"app-{number}": plan(f"app-{number}", *changes) for number in range(300)}, {})
    assert len(text.encode()) < LONGEST
    assert "300 applications of 300 to change" in text
    assert "…and " in text
    assert "All of it is in the saved plans." in text
