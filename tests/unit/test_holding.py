"""Who gets an application, who waits, and who is told that it is another's now."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from conpaas_iac.backend import holder, holding, lease, place
from conpaas_iac.backend.holder import Holder
from conpaas_iac.errors import Interrupted, LeaseHeldError, LeaseLostError, UserError
from conpaas_iac.runs.events import Event
from conpaas_iac.settings import Settings

HERE = holder.here(("up", "manifest.json"))
ELSEWHERE = msgspec.structs.replace(HERE, host="elsewhere", machine="other", boot="other")

HOLD = """
import sys
from conpaas_iac.backend.holding import holding
from conpaas_iac.settings import Settings
with holding(Settings(state_dir=sys.argv[1]), "shop.default") as held:
    held.turn.step("make machines")
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A backend of its own, and leases that are short."""
    monkeypatch.setattr(lease, "TTL", 0.8)
    return Settings(state_dir=str(tmp_path))


@pytest.fixture
def as_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Holders of this process are on another machine from now on."""
    monkeypatch.setattr(holding, "here", lambda: ELSEWHERE)


def begin_application(held: place.Placed) -> None:
    """A checkpoint, so that there is something."""
    (Path(held.backend_url.removeprefix("file://")) / place.STACKS).mkdir(parents=True, exist_ok=True)
    store = place.at(held.backend_url, "")
    store.write(f"{place.STACKS}/shop.default.json", b'{"resources": []}')


def document(settings: Settings) -> lease.Lease | None:
    content = place.leases(settings).read("shop.default.json")
    return lease.decode(content, "shop.default") if content else None


def test_a_clean_release_keeps_the_head_and_leaves_nothing_where_nothing_was_begun(settings: Settings) -> None:
    with holding.holding(settings, "shop.default"):
        pass
    assert document(settings) is None
    with holding.holding(settings, "shop.default") as held:
        begin_application(held)
        place.shelf(held).write("shop.default/record.json", b"one")
    for _ in range(2):
        with holding.holding(settings, "shop.default") as again:
            assert again.backend_url == held.backend_url
    found = document(settings)
    assert found
    assert (found.token, found.holder) == (3, None)
    assert list(place.stacks(settings)) == ["shop.default"]
    with holding.holding(settings, "shop.default") as last:
        last.turn.is_over = True
    assert document(settings) is None
    assert [path for path in settings.state.rglob("*shop*") if path.is_file()] == []


@pytest.mark.parametrize("backend", ["", "s3://bucket/team?region=x"])
def test_machines_are_tagged_with_the_backend_of_all_applications(settings: Settings, backend: str) -> None:
    whole = replace(settings, backend=backend)
    first = place.within(whole, "shop.default", "1-abc")
    moved = place.within(whole, "shop.default", "2-def")
    assert first.backend_url != moved.backend_url
    assert {first.origin, moved.origin, place.placed(first, "shop.default").origin} == {whole.origin}
    assert place.whole(moved) == whole


def test_who_holds_it_is_said(settings: Settings) -> None:
    with holding.holding(settings, "shop.default") as held:
        held.turn.step("configure web-1")
        said = r"shop\.default is being changed by .*@.* \(process \d+\) since .* UTC: `conpaas .*`"
        with pytest.raises(LeaseHeldError, match=said) as refused, holding.holding(settings, "shop.default"):
            pass
        assert refused.value.exit_code == 4
        assert "--wait" in refused.value.remedy
        with holding.holding(settings, "blog.default"):
            pass


def test_a_killed_holder_is_taken_over_at_once_and_its_head_left(settings: Settings) -> None:
    with holding.holding(settings, "shop.default") as first:
        begin_application(first)
        place.shelf(first).write("shop.default/record.json", b"one")
    command = [sys.executable, "-c", HOLD, settings.state_dir]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(LeaseHeldError, match=f"process {process.pid}"), holding.holding(settings, "shop.default"):
            pass
        process.kill()
        process.wait()
    begun = time.monotonic()
    with holding.holding(settings, "shop.default") as held:
        assert time.monotonic() - begun < 0.5
        assert held.backend_url != first.backend_url
        place.shelf(first).write("shop.default/record.json", b"of a dead engine")
        assert place.shelf(held).read("shop.default/record.json") == b"one"
    looked = place.placed(settings, "shop.default")
    assert place.shelf(looked).read("shop.default/record.json") == b"one"


def test_a_silent_holder_elsewhere_is_taken_over_after_one_ttl_and_told(settings: Settings, as_elsewhere: None) -> None:
    with holding.holding(settings, "shop.default") as first:
        begin_application(first)
    held = threading.Event()
    results: list[Exception] = []

    def silent() -> None:
        """Its heart does not beat: as if it was stopped."""
        try:
            with holding.holding(settings, "shop.default") as mine:
                held.set()
                taken.wait(10)
                place.shelf(mine).write("shop.default/record.json", b"of the stale one")
                mine.turn.step("configure web-1")
        except Exception as error:
            results.append(error)

    taken = threading.Event()
    patch = pytest.MonkeyPatch()
    patch.setattr(holding, "BEATS", 0.001)
    thread = threading.Thread(target=silent)
    thread.start()
    assert held.wait(5)
    patch.undo()
    patch.setattr(holding, "here", lambda: HERE)
    begun = time.monotonic()
    with holding.holding(settings, "shop.default") as mine:
        assert 0.7 < time.monotonic() - begun < 3
        taken.set()
        thread.join(5)
        [error] = results
        assert isinstance(error, LeaseLostError)
        assert error.exit_code == 4
        assert f"shop.default was taken over by another run: {HERE.user}@{HERE.host}" in error.message
        assert "not done here: configure web-1" in error.remedy
        mine.turn.step("goes on")
        assert place.shelf(mine).read("shop.default/record.json") is None
    patch.undo()


def test_a_holder_elsewhere_whose_heart_beats_is_not(settings: Settings, as_elsewhere: None) -> None:
    with holding.holding(settings, "shop.default"):
        patch = pytest.MonkeyPatch()
        patch.setattr(holding, "here", lambda: HERE)
        with pytest.raises(LeaseHeldError, match="@elsewhere"), holding.holding(settings, "shop.default"):
            pass
        patch.undo()


def test_waiting_shows_who_and_ends_with_the_holder(settings: Settings) -> None:
    heard: list[Event] = []
    waits = Settings(state_dir=settings.state_dir, wait="always")
    command = [sys.executable, "-c", HOLD, settings.state_dir]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdin
        process.stdout.readline()
        threading.Timer(1.0, process.stdin.close).start()
        with holding.holding(waits, "shop.default", heard.append) as held:
            assert held.turn.waited
        process.wait()
    assert [(event.phase, event.state) for event in (heard[0], heard[-1])] == [("lease", "started"), ("lease", "done")]
    assert f"process {process.pid}" in heard[0].text
    assert any("make machines" in event.text for event in heard)


def test_waiting_has_an_end(settings: Settings) -> None:
    with holding.holding(settings, "shop.default"):
        begun = time.monotonic()
        waits = Settings(state_dir=settings.state_dir, wait="0.5")
        with pytest.raises(LeaseHeldError), holding.holding(waits, "shop.default"):
            pass
        assert 0.5 <= time.monotonic() - begun < 3
    with pytest.raises(UserError, match="seconds or 'always'"):
        holding._patience(Settings(wait="soon"))


def test_it_goes_on_when_the_backend_answers_again_and_stops_when_not(settings: Settings) -> None:
    leases = settings.state / "backend" / "leases"
    with holding.holding(settings, "shop.default") as held:
        begin_application(held)
        (leases / ".swap").unlink()
        (leases / ".swap").mkdir()
        time.sleep(1)  # longer than half a TTL: nothing proves that it is still ours
        with pytest.raises(UserError, match="cannot be locked"):
            held.turn.step("configure web-1")
        (leases / ".swap").rmdir()
        held.turn.step("configure web-1")


def test_what_was_asked_for_between_steps(settings: Settings) -> None:
    heard: list[str] = []
    with (
        pytest.raises(Interrupted, match="Not done: configure web-1, web-2") as stopped,
        holding.holding(settings, "shop.default") as held,
        held.turn.telling(lambda: heard.append("told")),
    ):
        held.turn.step("make machines")
        held.turn.ask()
        held.turn.step("configure web-1, web-2")
    assert heard == ["told"]
    assert stopped.value.exit_code == 130


def test_an_application_from_before_there_were_leases(settings: Settings) -> None:
    root = settings.state / "backend"
    for name in (f"{place.STACKS}/shop.default.json", "conpaas/shop.default/record.json"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("{}")
    (root / place.STACKS / "blog.default.json").write_text("{}")
    assert list(place.stacks(settings)) == ["blog.default", "shop.default"]
    with holding.holding(settings, "shop.default") as held:
        assert held.backend_url == settings.backend_url  # it stays where it is
    command = [sys.executable, "-c", HOLD, settings.state_dir]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        process.kill()
    with holding.holding(settings, "shop.default") as held:  # until somebody takes it over
        assert held.backend_url != settings.backend_url
        assert place.shelf(held).read("shop.default/record.json") == b"{}"
        assert not (root / "conpaas" / "shop.default").exists()
    assert list(place.stacks(settings)) == ["blog.default", "shop.default"]
    assert (root / place.STACKS / "blog.default.json").exists()
    with holding.holding(settings, "shop.default") as held:
        held.turn.is_over = True
    assert list(place.stacks(settings)) == ["blog.default"]


@pytest.mark.parametrize(
    ("changes", "started", "expected"),
    [
        ({}, "1", "alive"),
        ({}, "", "dead"),
        ({}, "2", "dead"),  # its number is another process's now
        ({"space": "pid:[2]"}, "1", "unknown"),  # in another container
        ({"boot": "b2"}, "1", "dead"),  # before this machine started anew
        ({"boot": "b2", "machine": ""}, "1", "unknown"),
        ({"boot": "b2", "host": "other"}, "1", "unknown"),
        ({"boot": "b2", "machine": "m2"}, "1", "unknown"),
    ],
)
def test_who_is_dead(changes: dict[str, str], started: str, expected: str) -> None:
    me = Holder("u", "host", "m1", "b1", "pid:[1]", 7, "9", "up", "now")
    other = msgspec.structs.replace(me, pid=8, started="1", **changes)
    assert holder.life(other, me, lambda pid: started) == expected


@pytest.mark.parametrize(
    ("variables", "page"),
    [
        ({}, ""),
        ({"CI_JOB_URL": "https://lab/1"}, "https://lab/1"),
        (
            {"GITHUB_RUN_ID": "5", "GITHUB_SERVER_URL": "https://hub", "GITHUB_REPOSITORY": "a/b"},
            "https://hub/a/b/actions/runs/5",
        ),
        (
            {"BUILD_BUILDID": "5", "SYSTEM_COLLECTIONURI": "https://az/", "SYSTEM_TEAMPROJECT": "p"},
            "https://az/p/_build/results?buildId=5",
        ),
    ],
)
def test_ci_pages(variables: dict[str, str], page: str) -> None:
    assert holder.ci_page(variables) == page


def test_a_lease_that_cannot_be_understood_is_said(settings: Settings) -> None:
    place.leases(settings).write("shop.default.json", b"{")
    with pytest.raises(UserError, match="cannot be read"), holding.holding(settings, "shop.default"):
        pass
    newer = json.dumps({"token": 1, "head": "1-a", "version": 9}).encode()
    place.leases(settings).write("shop.default.json", newer)
    with pytest.raises(UserError, match="version 9, this conpaas knows 1"), holding.holding(settings, "shop.default"):
        pass


@pytest.fixture(autouse=True)
def no_thread_stays() -> Iterator[None]:
    """Hearts stop with their leases."""
    yield
    deadline = time.monotonic() + 5
    while [each for each in threading.enumerate() if each.name == holding.HEART]:
        assert time.monotonic() < deadline
        time.sleep(0.02)
