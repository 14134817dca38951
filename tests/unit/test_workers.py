"""Several runs side by side: how many at a time, what is heard, how the whole ends."""

import io
import sys
from pathlib import Path

import pytest
from rich.console import Console

from conpaas_iac.runs.stream import Begun, Change, Ended, Line, now
from conpaas_iac.runs.workers import Done, Workers, worst
from conpaas_iac.views.sideview import Row, Rows, shown

RUN = """
import sys, pathlib
name, place, events = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[-1]
(place / name).touch()
assert len(list(place.iterdir())) <= 2, list(place.iterdir())
with open(events, "ab") as file:
    for phase in (b"ship", b"settle"):
        file.write(b'{"version":1,"run":"r","time":"2026-01-01T00:00:00Z","phase":"%s","state":"done"}\\n' % phase)
    file.write(b"half a line")
print("printed", name)
print("said", name, file=sys.stderr)
(place / name).unlink()
sys.exit(int(name))
"""


@pytest.mark.parametrize(
    ("codes", "code"),
    [([0, 0], 0), ([0, 1], 1), ([1, 4], 4), ([4, 3], 3), ([3, 130], 130), ([130, 70], 70), ([70, 137, 0], 137)],
)
def test_the_worst_code_counts(codes: list[int], code: int) -> None:
    assert worst(codes) == worst(codes[::-1]) == code


def test_no_more_than_so_many_at_a_time_and_all_that_they_say(tmp_path: Path) -> None:
    heard: dict[str, list[str]] = {}
    workers = Workers((sys.executable, "-c", RUN), 2, lambda name, line: heard.setdefault(name, []).append(line.phase))
    ends = workers.run({str(code): (str(code), str(tmp_path)) for code in range(5)})
    assert [(done.code, done.printed, done.said) for done in ends.values()] == [
        (code, f"printed {code}\n", f"said {code}\n") for code in range(5)
    ]
    assert heard == {str(code): ["ship", "settle"] for code in range(5)}


def line(phase: str, state: str = "done", node: str = "", **fields: object) -> Line:
    return Line("r", now(), phase, state, node, **fields)  # type: ignore[arg-type]


def test_a_row_counts_machines_by_what_ends_their_part() -> None:
    row = Row()
    row.hear(line("run", "started", begun=Begun("me", 1, "up", "1", "shop")), 1.0)
    for node, action in (("web-1", "change"), ("web-2", "remove"), ("web-3", "rest")):
        row.hear(line("plan", "planned", node, change=Change(action, "web", "10.0.0.1")), 1.0)
    row.hear(line("ship", "started", "web-1"), 2.0)
    assert (row.phase, row.done) == ("ship", set())
    for phase, node in (("verify", "web-1"), ("verify", "web-2"), ("stop", "web-3")):
        row.hear(line(phase, node=node), 3.0)
    assert row.done == {"web-1", "web-3"}
    assert row.changes == "1 change, 1 stop, 1 remove"
    row.hear(line("run", "failed", text="web-1, verify: 502", ended=Ended(3, 2.5)), 4.0)
    row.end(Done(3, 2.6, said="error: long\n"))
    assert row.ended.plain == "failed: web-1, verify: 502"


@pytest.mark.parametrize(
    ("done", "ended"),
    [
        (Done(0), "done"),
        (Done(130, begun=False), "interrupted: not begun"),
        (Done(137), "killed"),
        (Done(1, said="warning[W1]: old\nerror: no such file\n  → mend it\n"), "you can act: no such file"),
        (Done(1, said="a.json:1:2: error[E0008]: open\n  1 | {\n"), "you can act: a.json:1:2: error[E0008]: open"),
    ],
)
def test_a_run_that_told_nothing_ends_as_its_process_did(done: Done, ended: str) -> None:
    rows = Rows(["shop"])
    rows.rows["shop"].end(done)
    assert rows.rows["shop"].ended.plain == ended


def drawn(rows: Rows) -> list[list[str]]:
    console = Console(file=io.StringIO(), width=120)
    console.print(rows)
    return [line.split() for line in console.file.getvalue().splitlines()]  # type: ignore[attr-defined]


def test_a_row_an_application_while_it_goes_on() -> None:
    rows = Rows(["one", "two"])
    rows.hear("one", line("run", "started", begun=Begun("me", 1, "up", "1", "one")))
    for node in ("web-1", "web-2"):
        rows.hear("one", line("plan", "planned", node, change=Change("add", "web", "10.0.0.1")))
    rows.hear("one", line("settle", "started", "web-1"))
    rows.hear("one", line("verify", "done", "web-1"))
    header, one, two = drawn(rows)
    assert header == ["application", "phase", "machines", "took"]
    assert (one[0], one[2:4]) == ("one", ["settle", "1/2"])
    assert two == ["two", "waits"]
    rows.hear("one", line("run", "failed", text="web-2, ship: full", ended=Ended(3, 2.5)))
    assert drawn(rows)[1] == ["one", "failed:", "web-2,", "ship:", "full", "1/2", "2.5", "s"]


def test_elsewhere_than_on_a_terminal_lines_begin_with_the_application() -> None:
    console = Console(file=io.StringIO(), width=120)
    with shown(console, Rows(["one"])) as hear:
        hear("one", line("run", "started", begun=Begun("me", 1, "up", "1", "one")))
        hear("one", line("plan", "planned", "web-1", text="its files", change=Change("change", "web", "10.0.0.1")))
        hear("one", line("ship", "started", "web-1"))
        hear("one", line("ship", "done", "web-1"))
        hear("one", line("run", "done", ended=Ended(0, 2.5)))
    assert console.file.getvalue() == "one: ~ web-1   its files\none: web-1: ship ok\n"  # type: ignore[attr-defined]
