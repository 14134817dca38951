"""Commits come, runs end, time passes: what is begun and what is ended."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from conpaas_iac.sync.backlog import PAUSES, SAFE_SECONDS, Backlog, Begin, End


def test_a_newer_commit_takes_the_place_of_what_waits() -> None:
    backlog = Backlog(1)
    backlog.seen("1", ["blog", "shop"], 0)
    assert backlog.steps(0) == [Begin("blog", "1")]
    backlog.seen("2", ["shop"], 1)
    assert backlog.steps(1) == []
    backlog.ended("blog", "done", 2)
    assert backlog.steps(2) == [Begin("shop", "2")]
    backlog.ended("shop", "done", 3)
    assert backlog.steps(999) == []
    assert backlog.is_idle


def test_a_run_of_an_older_commit_ends_softly_then_hard() -> None:
    backlog = Backlog(4)
    backlog.seen("1", ["shop"], 0)
    backlog.steps(0)
    backlog.seen("2", ["shop"], 10)
    assert backlog.steps(10) == [End("shop")]
    assert backlog.steps(10 + SAFE_SECONDS - 1) == []
    assert backlog.steps(10 + SAFE_SECONDS) == [End("shop", now=True)]
    assert backlog.steps(99) == []
    backlog.seen("3", ["shop"], 99)
    assert backlog.steps(99) == []
    backlog.ended("shop", "interrupted", 100)
    assert backlog.steps(100) == [Begin("shop", "3")]


def test_a_second_try_that_was_interrupted_is_made_up_for() -> None:
    backlog = Backlog(1)
    backlog.seen("1", ["shop"], 0)
    backlog.steps(0)
    backlog.ended("shop", "failed", 0)
    assert backlog.steps(PAUSES[0]) == [Begin("shop", "1")]
    backlog.ended("shop", "interrupted", PAUSES[0])
    assert backlog.steps(PAUSES[0]) == [Begin("shop", "1")]


def test_a_run_that_nobody_changed_goes_on() -> None:
    backlog = Backlog(4)
    backlog.seen("1", ["blog", "shop"], 0)
    backlog.steps(0)
    backlog.seen("2", ["blog"], 1)
    assert backlog.steps(1) == [End("blog")]


def test_what_failed_is_tried_again_later_and_later() -> None:
    backlog, now = Backlog(1), 0.0
    backlog.seen("1", ["shop"], now)
    for pause in (*PAUSES, PAUSES[-1]):
        assert backlog.steps(now) == [Begin("shop", "1")]
        backlog.ended("shop", "failed", now)
        assert backlog.is_idle
        assert backlog.steps(now + pause - 1) == []
        now += pause
    backlog.seen("2", ["shop"], now)
    backlog.steps(now)
    backlog.ended("shop", "failed", now)
    assert backlog.steps(now + PAUSES[0]) == [Begin("shop", "2")]


def test_what_waits_for_somebody_is_left_to_a_newer_commit() -> None:
    backlog = Backlog(1)
    backlog.seen("1", ["shop"], 0)
    backlog.steps(0)
    backlog.ended("shop", "waiting", 1)
    assert backlog.steps(9999) == []
    backlog.seen("2", ["shop"], 9999)
    assert backlog.steps(9999) == [Begin("shop", "2")]


NAMES = ("a", "b", "c", "d")


class Story(RuleBasedStateMachine):
    """Whatever happens: at most two at a time, one run an application, and in the end each is as its newest commit."""

    @initialize()
    def begin(self) -> None:
        self.backlog, self.now, self.commits = Backlog(2), 0.0, 0
        self.running: dict[str, str] = {}
        self.asked: dict[str, float] = {}
        self.wanted: dict[str, str] = {}
        self.made: dict[str, str] = {}

    @rule(names=st.sets(st.sampled_from(NAMES), min_size=1))
    def commit(self, names: set[str]) -> None:
        self.commits += 1
        self.backlog.seen(str(self.commits), sorted(names), self.now)
        self.wanted |= dict.fromkeys(names, str(self.commits))

    @rule(seconds=st.sampled_from([0.5, 5.0, 30.0, 400.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def steps(self) -> None:
        for step in self.backlog.steps(self.now):
            if isinstance(step, Begin):
                assert step.name not in self.running
                assert step.commit == self.wanted[step.name]
                self.running[step.name] = step.commit
            else:
                assert self.running[step.name] != self.wanted[step.name]
                assert step.now == (step.name in self.asked)
                self.asked.setdefault(step.name, self.now)

    @precondition(lambda self: self.running)
    @rule(data=st.data(), outcome=st.sampled_from(["done", "failed", "busy", "interrupted"]))
    def end(self, data: st.DataObject, outcome: str) -> None:
        name = data.draw(st.sampled_from(sorted(self.running)))
        commit = self.running.pop(name)
        self.asked.pop(name, None)
        self.backlog.ended(name, outcome, self.now)  # type: ignore[arg-type]
        if outcome == "done":
            self.made[name] = commit

    @invariant()
    def bounded(self) -> None:
        assert self.backlog.running == self.running
        assert len(self.running) <= 2

    def teardown(self) -> None:
        if not hasattr(self, "backlog"):
            return
        for _ in range(4 * len(NAMES)):
            self.now += max(PAUSES)
            self.steps()
            for name, commit in list(self.running.items()):
                del self.running[name]
                self.asked.pop(name, None)
                self.backlog.ended(name, "done", self.now)
                self.made[name] = commit
        assert self.made == self.wanted
        assert self.backlog.is_idle


TestStory = Story.TestCase
TestStory.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
