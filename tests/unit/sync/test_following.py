"""Commits are pushed to a real repository; runs are small processes that do what their file says."""

import sys
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

import pytest

from conpaas_iac.backend.turn import Turn
from conpaas_iac.errors import Interrupted, UserError
from conpaas_iac.runs.workers import Done, Workers
from conpaas_iac.sync import backlog
from conpaas_iac.sync.backlog import Outcome
from conpaas_iac.sync.following import Follower
from conpaas_iac.sync.mirror import Mirror, mirror
from conpaas_iac.sync.reports import Report, Seen
from conpaas_iac.system import git
from tests.unit.sync.conftest import Commit

RUN = """
import pathlib, signal, sys, time
word = pathlib.Path(sys.argv[1]).read_text()
if word == "stuck":
    signal.signal(signal.SIGINT, lambda *_: signal.signal(signal.SIGINT, signal.default_int_handler))
if word in ("long", "stuck"):
    try:
        while True:
            time.sleep(0.01)
    except KeyboardInterrupt:
        sys.exit(130)
sys.exit({"fails": 3, "held": 4, "waits": 2}.get(word, 0))
"""
OUTCOMES: dict[int, Outcome] = {0: "done", 2: "waiting", 4: "busy", 130: "interrupted"}


class Files:
    """Every file is an application; its run gets the file."""

    def command(self, tree: Path, name: str) -> Sequence[str]:
        return (str(tree / name),)

    def outcome(self, done: Done) -> tuple[Outcome, str]:
        return OUTCOMES.get(done.code, "failed"), ""


def touched(tree: Path, before: str, commit: str) -> Collection[str]:
    if (tree / "broken").exists():
        raise UserError("the fleet is broken")
    if not before:
        return [path.name for path in tree.iterdir() if path.name != ".git"]
    return git.run(tree, "diff", "--name-only", "--diff-filter=d", before, commit).split()


class Diary:
    """What was reported, and a way to wait for it."""

    def __init__(self) -> None:
        self.news: list[tuple[str, ...]] = []
        self.changed = threading.Condition()

    def seen(self, seen: Seen) -> None:
        self._add("seen", seen.commit[:7], "unreached" if seen.unreached else "error" if seen.error else "")

    def report(self, report: Report) -> None:
        self._add(report.name, report.commit[:7], report.state)

    def _add(self, *news: str) -> None:
        with self.changed:
            self.news.append(news)
            self.changed.notify_all()

    def wait(self, name: str, commit: str, state: str) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: (name, commit[:7], state) in self.news, 30), self.news


@pytest.fixture
def diary() -> Diary:
    return Diary()


@pytest.fixture
def place(tmp_path: Path, hub: Path) -> Mirror:
    return mirror(str(hub), "main", tmp_path / "state")


def follower(place: Mirror, diary: Diary) -> Follower:
    workers = Workers((sys.executable, "-c", RUN), 2, lambda *_: None)
    return Follower(place, workers, 2, Files(), touched, diary)


@pytest.fixture
def follow(place: Mirror, diary: Diary) -> Iterator[Callable[[], Turn]]:
    """Follow in a thread; ended after the test."""
    turns: list[tuple[Turn, threading.Thread, list[BaseException]]] = []

    def begin() -> Turn:
        turn, ends = Turn("fleet"), []

        def work() -> None:
            try:
                follower(place, diary).follow(turn, 0.05, once=False)
            except BaseException as error:
                ends.append(error)

        thread = threading.Thread(target=work)
        thread.start()
        turns.append((turn, thread, ends))
        return turn

    yield begin
    for turn, thread, ends in turns:
        turn.ask()
        thread.join(30)
        assert [type(each) for each in ends] == [Interrupted]


def test_once_everything_is_tried_and_the_worst_counts(place: Mirror, diary: Diary, commit: Commit) -> None:
    first = commit(blog="fine", shop="fails", wiki="waits")
    assert follower(place, diary).follow(Turn("fleet"), 1, once=True) == 3
    for name, state in {"blog": "done", "shop": "failed", "wiki": "waiting"}.items():
        diary.wait(name, first, state)


def test_once_a_repository_that_is_not_reached(tmp_path: Path, diary: Diary) -> None:
    nowhere = mirror(str(tmp_path / "nowhere"), "main", tmp_path)
    assert follower(nowhere, diary).follow(Turn("fleet"), 1, once=True) == 1
    assert diary.news == [("seen", "", "unreached")]


def test_what_a_commit_changes_is_made_and_nothing_else(
    diary: Diary, commit: Commit, follow: Callable[[], Turn]
) -> None:
    first = commit(blog="fine", shop="fine")
    follow()
    diary.wait("shop", first, "done")
    second = commit(blog="also")
    diary.wait("blog", second, "done")
    assert ("shop", second[:7], "running") not in diary.news


@pytest.mark.parametrize("word", ["long", "stuck"])
def test_a_newer_commit_ends_a_run(
    diary: Diary, commit: Commit, follow: Callable[[], Turn], monkeypatch: pytest.MonkeyPatch, word: str
) -> None:
    monkeypatch.setattr(backlog, "SAFE_SECONDS", 0.3)
    old = commit(shop=word)
    follow()
    diary.wait("shop", old, "running")
    new = commit(shop="fine")
    diary.wait("shop", old, "interrupted")
    diary.wait("shop", new, "done")


def test_a_force_push_in_the_midst_of_a_run(diary: Diary, commit: Commit, follow: Callable[[], Turn]) -> None:
    commit(shop="fine")
    old = commit(shop="long")
    follow()
    diary.wait("shop", old, "running")
    new = commit(shop="fine", force=True)
    diary.wait("shop", new, "done")


def test_a_commit_that_cannot_be_read_never_blocks_the_next_one(
    diary: Diary, commit: Commit, follow: Callable[[], Turn]
) -> None:
    first = commit(shop="fine", blog="fine")
    follow()
    diary.wait("blog", first, "done")
    broken = commit(broken="yes", shop="new")
    diary.wait("seen", broken, "error")
    good = commit(broken=None)
    diary.wait("shop", good, "done")  # what the broken one changed is made with it
    assert ("blog", good[:7], "running") not in diary.news


def test_a_repository_that_goes_away_and_comes_back(
    hub: Path, diary: Diary, commit: Commit, follow: Callable[[], Turn]
) -> None:
    first = commit(shop="fine")
    follow()
    diary.wait("shop", first, "done")
    hub.rename(hub.with_name("away"))
    diary.wait("seen", first, "unreached")
    hub.with_name("away").rename(hub)
    second = commit(shop="new")
    diary.wait("shop", second, "done")
    assert diary.news.count(("seen", first[:7], "unreached")) == 1


def test_another_reason_is_said(
    hub: Path, diary: Diary, commit: Commit, follow: Callable[[], Turn], monkeypatch: pytest.MonkeyPatch
) -> None:
    reasons: list[str] = []
    monkeypatch.setattr(diary, "seen", lambda seen: (reasons.append(seen.unreached), Diary.seen(diary, seen)))
    first = commit(shop="fine")
    follow()
    diary.wait("shop", first, "done")
    hub.rename(hub.with_name("away"))
    diary.wait("seen", first, "unreached")
    git.run(hub.parent, "init", "--quiet", "--bare", str(hub))  # without the branch
    with diary.changed:
        assert diary.changed.wait_for(lambda: diary.news.count(("seen", first[:7], "unreached")) == 2, 30)
    assert len({reason.partition(": ")[0] for reason in filter(None, reasons)}) == 1
    assert len({reason.partition(": ")[2] for reason in filter(None, reasons)}) == 2


def test_who_ends_lets_runs_end_first(diary: Diary, commit: Commit, follow: Callable[[], Turn]) -> None:
    first = commit(shop="long")
    turn = follow()
    diary.wait("shop", first, "running")
    turn.ask()
