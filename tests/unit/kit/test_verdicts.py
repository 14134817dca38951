"""What was seen, and what is said of it: the exact reason, and what to do."""

import pytest

from conpaas_iac.errors import Failure
from conpaas_iac.kit import verdicts
from conpaas_iac.kit.verdicts import Asking, Finding, Leak, Ran, Repeated

UP = Ran("conpaas up", 0)
LEFT = Ran("conpaas up", 0, steps={"a-2": ("leave", "remove"), "a-3": ("machine", "remove")})
DRAINED = Ran("conpaas up", 0, steps={"a-1": ("drain", "ship"), "a-2": ("ship",)})
SAID = """warning: something else
error: a-2: not configured
  a-2, verify: server: http://127.0.0.1/ answered 502
    its last line
  → mend it, then run the same command again
"""
VERIFY = Failure("a-1", "verify", "it answers 502")

GOOD = [
    verdicts.of_run(UP),
    verdicts.of_status({}),
    verdicts.of_no_op({}),
    verdicts.of_repeat(Repeated()),
    verdicts.of_break("server", "unit nginx is stopped", "a-1", [VERIFY]),
    verdicts.of_break("server", "unit nginx is stopped", "a-1", [], runs_again=True),  # verify itself has mended it
    verdicts.of_kill("cut", "a-1", None),
    verdicts.of_roll("server", ["a-1"], DRAINED, Asking(3, (), "http://a")),
    verdicts.of_shrink(["a-2"], LEFT, Asking(3)),
    verdicts.of_shrink([], LEFT, Asking()),
    verdicts.of_leaks([]),
]

BAD = {
    "a verb's own words, and its remedy": (
        verdicts.of_run(Ran("conpaas up", 3, SAID)),
        "`conpaas up` ended with 3: a-2: not configured; a-2, verify: server: http://127.0.0.1/ answered 502",
        "mend it, then run the same command again",
    ),
    "killed": (verdicts.of_run(Ran("conpaas up", 137)), "ended with 137: it was killed", "--keep"),
    "status": (verdicts.of_status({"a-1": "nginx is failed"}), "a-1: nginx is failed", "verify should have noticed"),
    "no-op": (verdicts.of_no_op({"a-1": "change"}), "wants to change: change a-1", "no time, no chance"),
    "changed": (
        verdicts.of_repeat(Repeated({"a-1": ["install", "settle (restart nginx)"]})),
        "a second configure changes a-1: install, settle (restart nginx)",
        "changed_when",
    ),
    "restarted": (verdicts.of_repeat(Repeated({}, {"a-1": ["nginx"]})), "restarts a-1: nginx", "on_change"),
    "drifted": (verdicts.of_repeat(Repeated(drifted=["a-1: /etc/x edited"])), "a-1: /etc/x edited", "may not write"),
    "the second time fails": (
        verdicts.of_repeat(Repeated({"a-1": ["install"]}, failures=[Failure("a-1", "install", "it is there")])),
        "a-1: the second install fails: it is there",
        "tasks/install.yml",
    ),
    "verify cannot fail": (
        verdicts.of_break("server", "unit nginx is stopped", "a-1", []),
        "verify passes on a-1 although unit nginx is stopped",
        "let tasks/verify.yml ask group server",
    ),
    "only another machine noticed": (
        verdicts.of_break("server", "unit nginx is stopped", "a-2", [VERIFY]),
        "verify passes on a-2",
        "conpaas_probe",
    ),
    "nothing to stop": (verdicts.of_break("node", "", "", ()), "no unit that can be stopped", "meta/test.yml breaks"),
    "power": (
        verdicts.of_kill("cut", "a-1", Finding("it does not start", "")),
        "a-1 lost its power, and one `up` does not mend it: it does not start",
        "from what is on its disk",
    ),
    "not drained": (
        verdicts.of_roll("server", ["a-1", "a-2"], DRAINED, Asking()),
        "a-2: changed without leaving service first",
        "write tasks/drain.yml",
    ),
    "cut while rolled": (
        verdicts.of_roll("server", ["a-1"], DRAINED, Asking(9, ("answered 502",), "http://a")),
        "1 of 9 requests failed while machines were changed one after another: answered 502",
        "wait until",
    ),
    "left nothing": (
        verdicts.of_shrink(["a-2", "a-3"], LEFT, Asking()),
        "a-3: removed although tasks/leave.yml did nothing there",
        "ends nothing",
    ),
    "cut while it left": (
        verdicts.of_shrink(["a-2"], LEFT, Asking(9, ("timed out",))),
        "1 of 9 requests failed while machines went: timed out",
        "wait until",
    ),
    "nobody was answered": (verdicts.of_shrink([], LEFT, Asking(0, (), "http://a")), "no request ended", "--keep"),
    "leaks": (
        verdicts.of_leaks([Leak("a-1, arguments of a process", "sleep", "canary")] * 2),
        "canary in a-1, arguments of a process: sleep",
        "EnvironmentFile=",
    ),
}


def test_what_is_good_is_not_talked_about() -> None:
    assert not any(GOOD)


@pytest.mark.parametrize("case", BAD)
def test_what_is_bad_is_said_exactly(case: str) -> None:
    finding, reason, remedy = BAD[case]
    assert finding and reason in finding.reason and remedy in finding.remedy


def test_a_verb_hands_on_its_exit_code() -> None:
    finding = verdicts.of_kill("lost", "a-1", verdicts.of_run(Ran("conpaas up", 70)))
    assert finding and finding.code == 70


def test_long_lists_are_cut() -> None:
    finding = verdicts.of_no_op({f"a-{number}": "change" for number in range(9)})
    leaks = verdicts.of_leaks([Leak("a", f"/etc/{number}", "canary") for number in range(9)])
    assert finding and leaks and leaks.reason.endswith(" and 4 more")
