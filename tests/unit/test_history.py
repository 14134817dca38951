"""A run as a stream: written, cut short, read again; what the history and the estimate make of it."""

import io
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs
from rich.console import Console, RenderableType

from conpaas_iac import cli
from conpaas_iac.backend import holder
from conpaas_iac.commands import running
from conpaas_iac.errors import Failure, LeaseHeldError, MachineError
from conpaas_iac.runs import history, journal, stream
from conpaas_iac.runs.events import Event
from conpaas_iac.runs.history import Past
from conpaas_iac.runs.journal import Journal
from conpaas_iac.runs.stream import Begun, Change, File
from conpaas_iac.settings import Settings
from conpaas_iac.views import pastview
from tests import schemas

RUNS = Path(__file__).parent / "runs"  # golden streams; CONPAAS_WRITE_EXPECTED=1 writes them anew
BEGUN = Begun("ann@laptop", 4711, "up", "0.1.0", manifest="sha256:" + "5" * 64, ci="https://ci.example/7")


class Clock:
    """Each look is so many seconds later."""

    def __init__(self, step: float = 0.5) -> None:
        self.now, self.step = datetime(2026, 11, 21, 13, 5, 1, tzinfo=UTC), step

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=self.step)
        return self.now


def settings_at(folder: Path) -> Settings:
    return Settings(backend=f"file://{folder}/backend")


def kept(folder: Path) -> list[Path]:
    return sorted((folder / "backend" / "history").glob("*/*"))


def begin(settings: Settings | None, step: float = 0.5, **names: Any) -> Journal:
    return Journal(BEGUN, settings, clock=Clock(step), **names)


def play(log: Journal) -> None:
    """Two machines; the second fails."""
    log.named("shop", "default")
    files = (File("/etc/haproxy/haproxy.cfg", "reload", "haproxy.service"),)
    log.plan("web-1", "web-2 is new", Change("change", "web", "10.42.16.1", files))
    log.plan("web-2", "it has confirmed\n no configuration yet", Change("add", "web", "10.42.16.2", code="9f2c"))
    for event in (
        Event("image", "started", text="baking php"),
        Event("image", "done", text="php"),
        Event("machine", "started", "web-2"),
        Event("machine", "done", "web-2"),
        Event("install", "started", "web-2"),
        Event("install", "done", "web-2"),
        Event("ship", "started", "web-1"),
        Event("ship", "started", "web-2"),
        Event("ship", "done", "web-1"),
        Event("ship", "done", "web-2"),
        Event("verify", "started", "web-2"),
        Event("verify", "failed", "web-2", "it answers 502"),
    ):
        log.hear(event)


def failed(log: Journal) -> None:
    play(log)
    log.end(3, "web-2, verify: it answers 502")


def interrupted(log: Journal) -> None:
    play(log)


def plain(log: Journal) -> None:
    log.named("shop", "staging")
    log.hear(Event("stop", "started", "web-1", "its data is kept"))
    log.hear(Event("stop", "done", "web-1"))
    log.end(0)


@pytest.mark.parametrize("story", [failed, interrupted, plain])
def test_streams_are_as_they_were(story: Callable[[Journal], None], tmp_path: Path) -> None:
    log = begin(settings_at(tmp_path))
    log.run = "20261121-130501-3f2a"
    story(log)
    [path] = kept(tmp_path)
    text = path.read_text()
    golden = RUNS / f"{story.__name__}.ndjson"
    if os.environ.get("CONPAAS_WRITE_EXPECTED"):
        golden.write_text(text)
    assert text == golden.read_text()
    for line in text.splitlines():
        schemas.check(line, "event")
    assert b"".join(line.content for line in stream.read(text.encode())).decode() == text


def read(name: str, cut: int | None = None) -> Past:
    found = history.past("20261121-130501-3f2a", stream.read((RUNS / f"{name}.ndjson").read_bytes()[:cut]))
    assert found
    return found


def test_a_run_tells_what_it_did() -> None:
    past = read("failed")
    assert (past.outcome, past.exit, past.what) == ("failed", 3, "+1 ~1  web-1, web-2")
    assert past.ended == "failed (3): web-2, verify: it answers 502"
    cells = {node: {name: (cell.state, cell.seconds) for name, cell in row.items()} for node, row in past.nodes.items()}
    assert cells == {
        "web-1": {"ship": ("done", 1.0)},
        "web-2": {"machine": ("done", 0.5), "ship": ("done", 1.5), "verify": ("failed", 0.5)},
    }
    assert past.phases == {"image": 0.5, "machine": 0.5, "ship": 2.0, "verify": 0.5}
    assert past.touches("web")
    assert past.touches("web-2")
    assert not past.touches("db")
    assert not past.touches("we")


def test_a_killed_run_is_read_as_far_as_it_came() -> None:
    content = (RUNS / "interrupted.ndjson").read_bytes()
    for cut in range(len(content)):
        found = history.past("r", stream.read(content[:cut]))
        assert found is None or found.outcome == "interrupted"
    past = read("interrupted", -20)  # in the middle of the last line
    assert past.nodes["web-2"]["verify"].state == "started"
    assert past.ended == "interrupted"
    assert past.exit is None
    assert read("interrupted").nodes["web-2"]["verify"].text == "it answers 502"
    assert history.past("r", stream.read(content), running=True).ended == "running"  # type: ignore[union-attr]


def test_a_task_that_was_skipped_took_no_time() -> None:
    log = begin(None)
    log.named("shop", "default")
    for event in (
        Event("startup script", "started", "web-1"),  # and no end
        Event("drain", "started", "web-1"),
        Event("ship", "started", "web-1"),
        Event("ship", "done", "web-1"),
        Event("startup script", "started", "web-1"),
        Event("proves that it works", "started", "web-1"),
        Event("proves that it works", "done", "web-1"),
    ):
        log.hear(event)
    log.end(0)
    found = history.past(log.run, log._lines)
    assert found
    assert {name: (cell.state, cell.seconds) for name, cell in found.nodes["web-1"].items()} == {"ship": ("done", 0.5)}
    assert found.phases == {"ship": 0.5, "proves that it works": 0.5}


def test_lines_of_another_version_are_left_out() -> None:
    lines = (RUNS / "plain.ndjson").read_text().splitlines()
    other = lines[1].replace('"version":1', '"version":2')
    assert len(stream.read("\n".join([lines[0], other, *lines[2:]]).encode())) == len(lines) - 1


def test_what_changes_nothing_leaves_nothing(tmp_path: Path) -> None:
    log = begin(settings_at(tmp_path))
    log.named("shop", "default")
    log.hear(Event("lease", "started", text="waiting: held by ann@laptop"))
    log.end(0)
    assert kept(tmp_path) == []


def test_the_file_of_the_user_has_everything(tmp_path: Path) -> None:
    path = tmp_path / "events"
    for code in (0, 4):  # a second run, begun at another time, adds to it
        log = begin(None, step=0.5 + code, events=str(path))
        log.named("shop", "default")
        log.end(code, "it is held" if code else "")
    lines = [schemas.check(line, "event") for line in path.read_text().splitlines()]
    assert [(line["phase"], line["state"]) for line in lines] == [
        ("run", "started"),
        ("run", "done"),
        ("run", "started"),
        ("run", "failed"),
    ]
    assert lines[0]["begun"]["application"] == "shop"
    assert lines[0]["run"] != lines[2]["run"]
    early = begin(None, events=str(path))
    early.end(1, "no manifest")  # before anybody knew whose run it is
    assert "application" not in schemas.check(path.read_text().splitlines()[4], "event")["begun"]


def test_the_oldest_make_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "KEPT", 3)
    settings, names = settings_at(tmp_path), []
    for minute in range(5):
        log = begin(settings)
        log.run = f"20261121-13050{minute}-aaaa"
        names.append(log.run)
        plain(log)
    assert list(journal.runs(settings, "shop.staging")) == names[-3:]
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in kept(tmp_path))
    assert journal.runs(settings, "shop.default") == ()


def test_a_history_that_cannot_be_kept_hinders_nothing(tmp_path: Path) -> None:
    (tmp_path / "backend").mkdir()
    (tmp_path / "backend" / "history").write_text("in the way")
    log = begin(settings_at(tmp_path))
    play(log)
    log.end(0)
    assert "history" in log.problem


class Store:
    """Counts what is written."""

    def __init__(self) -> None:
        self.written: list[int] = []

    def write(self, name: str, content: bytes) -> None:
        self.written.append(content.count(b"\n"))


def test_an_object_is_written_few_times() -> None:
    store, times = Store(), [0.0]
    sink = journal._Object(store, "x", lambda: times[0])  # type: ignore[arg-type]
    for second in range(600):
        times[0] = float(second)
        sink.add(b"line\n")
    sink.close()
    assert store.written == [1, 21, 61, 141, 301, 600]


def past(seconds: dict[str, float], total: float, *actions: str, outcome: Any = "done") -> Past:
    changes = tuple(history.Planned("web-1", "web", action, "", "") for action in actions)
    return Past("r", datetime.now(UTC), BEGUN, outcome, 0, total, "", changes, phases=seconds)


def test_an_estimate_is_learned_from_runs_that_are_alike() -> None:
    former = [
        past({"image": 60, "machine": 2, "ship": 3, "verify": 5}, 71, "add"),
        past({"machine": 4, "ship": 3, "verify": 5}, 13, "add", "add"),
        past({"machine": 3, "ship": 3, "verify": 50}, 57, "add"),
        past({"ship": 1}, 1.5, "change"),
        past({"machine": 3}, 900, "add", outcome="failed"),
    ]
    assert history.estimate(former, ["add"]) == 3 + 3 + 5 + 1
    assert history.estimate(former, ["change"]) == 1.5
    assert history.estimate(former, ["add", "change"]) is None
    assert history.estimate(former, []) is None
    assert history.estimate([], ["add"]) is None


def test_a_run_is_named_by_a_part_of_its_name() -> None:
    names = ["20261121-130501-3f2a", "20261121-130502-4c11"]
    assert history.chosen(names, "3f2a") == names[0]
    assert history.chosen(names, "20261121-130502") == names[1]
    assert history.chosen(names, "last") == names[1]
    assert history.chosen(names, "20261121") is None
    assert history.chosen([], "last") is None


def drawn(view: RenderableType) -> str:
    console = Console(file=io.StringIO(), width=140)
    console.print(view)
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def test_views() -> None:
    table = drawn(pastview.table_of([read("failed"), read("interrupted"), read("plain")], UTC))
    assert "failed (3): web-2, verify: it answers 502" in " ".join(table.split())
    assert "2026-11-21 13:05" in table
    assert table.count("CI") == 3
    shown = drawn(pastview.view_of(read("interrupted", -20), UTC))
    assert "… 0.0" in shown
    assert "the same command goes on from here" not in shown
    assert "goes on from there" in shown
    assert "baking php" in shown
    whole = drawn(pastview.view_of(read("failed"), UTC))
    assert "web-2, verify: it answers 502" in whole
    assert "https://ci.example/7" in whole
    assert [pastview.length(each) for each in (8.24, 125, 4320)] == ["8.2 s", "2 min 05 s", "1 h 12 min"]


@pytest.fixture
def remembered(own_state: Path) -> Path:
    """A user's state with three runs of shop."""
    folder = own_state / "state" / "backend" / "history" / "shop.default"
    folder.mkdir(parents=True)
    for number, name in enumerate(("plain", "interrupted", "failed")):
        (folder / f"20261121-13050{number}-aaa{number}.ndjson").write_bytes((RUNS / f"{name}.ndjson").read_bytes())
    (folder / "20261121-130509-ffff.ndjson").write_bytes(b'{"version":1,"ru')  # killed in its first line
    return folder


def test_the_verb(remembered: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["history", "shop"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:4]] == [f"20261121-13050{number}-aaa{number}" for number in (2, 1, 0)]
    assert lines[-1] == "One of them: conpaas history show shop 20261121-130502-aaa2"
    assert cli.run(["history", "shop/db"]) == 0
    assert "Nothing is remembered of shop/db" in capsys.readouterr().out
    assert cli.run(["history", "shop", "--last", "1", "--format", "json"]) == 0
    [run] = schemas.check(capsys.readouterr().out, "history")["runs"]
    assert run["outcome"] == "failed"
    assert cli.run(["history", "show", "shop", "aaa1"]) == 0
    assert "interrupted" in capsys.readouterr().out
    assert cli.run(["history", "show", "shop", "aaa2", "--format", "json"]) == 0
    document = schemas.check(capsys.readouterr().out, "run")
    assert document["nodes"]["web-2"]["verify"] == {"state": "failed", "seconds": 0.5, "text": "it answers 502"}
    assert cli.run(["history", "show", "shop", "zzz"]) == 1
    assert "conpaas history shop" in capsys.readouterr().err
    assert cli.run(["history", "shop", "aaa1"]) == 1
    assert "history show shop aaa1" in capsys.readouterr().err


def test_how_a_run_that_raises_ends(own_state: Path, tmp_path: Path) -> None:
    import click

    path = tmp_path / "events"
    errors: list[BaseException] = [
        MachineError("web-1: failed", (Failure("web-1", "verify", "502"),)),
        LeaseHeldError("held"),
        KeyboardInterrupt(),
        ZeroDivisionError("secret words"),
    ]
    with click.Context(click.Command("conpaas"), info_name="conpaas") as above:
        for error in errors:
            with (
                click.Context(click.Command("up"), parent=above, info_name="up"),
                pytest.raises(type(error)),
                running.running("text", str(path), "shop", "default"),
            ):
                raise error
    ends = [json.loads(line) for line in path.read_text().splitlines() if '"ended"' in line]
    assert [(line["ended"]["exit"], line.get("text")) for line in ends] == [
        (3, "web-1, verify: 502"),
        (4, "held"),
        (130, "interrupted"),
        (70, "ZeroDivisionError"),
    ]
    assert json.loads(path.read_text().splitlines()[0])["begun"]["command"] == "up"


def test_runs_of_one_second_keep_their_order(tmp_path: Path) -> None:
    clock = Clock(0.001)
    begun = [Journal(BEGUN, None, clock=clock).run for _ in range(12)]
    assert sorted(begun) == begun


@pytest.fixture
def other() -> Iterator[subprocess.Popen[bytes]]:
    """A process that looks like one of ours, and lives."""
    process = subprocess.Popen(["sh", "-c", "read line", "conpaas"], stdin=subprocess.PIPE)
    with process:
        yield process
        process.stdin.close()  # type: ignore[union-attr]


@pytest.mark.parametrize(("change", "outcome"), [("", "running"), ("0", "interrupted")])
def test_a_run_without_an_end_runs_while_its_very_process_lives(
    tmp_path: Path, other: subprocess.Popen[bytes], change: str, outcome: str
) -> None:
    process = holder.process(other.pid) + change  # with it, the number belongs to another process by now
    begun = structs.replace(BEGUN, by=holder.who(), pid=other.pid, process=process)
    interrupted(Journal(structs.replace(begun, application="shop", environment="staging"), settings_at(tmp_path)))
    [past] = running.pasts(settings_at(tmp_path), "shop.staging", 1)
    assert past.outcome == outcome


def test_a_run_of_a_process_that_is_gone_was_interrupted(tmp_path: Path, other: subprocess.Popen[bytes]) -> None:
    facts = {"pid": other.pid, "process": holder.process(other.pid), "application": "shop", "environment": "staging"}
    interrupted(Journal(structs.replace(BEGUN, **facts), settings_at(tmp_path)))
    other.kill()
    other.wait()
    [past] = running.pasts(settings_at(tmp_path), "shop.staging", 1)
    assert past.outcome == "interrupted"


def test_a_text_is_one_line() -> None:
    assert stream.one_line("a\n  b") == "a b"
    assert len(stream.one_line("x" * 2000)) == stream.LONGEST
