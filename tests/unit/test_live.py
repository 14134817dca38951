"""The table of nodes and phases while a run goes on, and its plain lines."""

import io

from rich.console import Console

from conpaas_iac.runs.events import Event
from conpaas_iac.views.live import Matrix, shown

RUN = [
    Event("image", "started", text="baking php"),
    Event("image", "done", text="php"),
    Event("machine", "started", "web-10"),
    Event("machine", "started", "web-2"),
    Event("machine", "done", "web-2"),
    Event("install", "started", "web-2"),
    Event("ship", "done", "web-2"),
    Event("settle", "failed", "web-2", "nginx: bad"),
    Event("settle", "done", "web-2"),
    Event("what nobody knows", "done", "web-2"),
]


def drawn(*events: Event) -> str:
    matrix, console = Matrix(), Console(file=io.StringIO(), width=120)
    for event in events:
        matrix.hear(event)
    console.print(matrix)
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def test_an_empty_table_and_a_headline() -> None:
    assert "machine" not in drawn()
    assert "baking php" in drawn(RUN[0])
    assert "baking php" not in drawn(*RUN[:2])


def test_machines_are_rows_in_their_natural_order_and_phases_columns() -> None:
    header, first, second = drawn(*RUN).splitlines()[:3]
    assert header.split()[2:] == ["machine", "ship", "settle", "verify"]
    assert first.split()[0] == "web-2"
    assert second.split()[0] == "web-10"
    assert first.count("✓") == 2
    assert "✗" in first  # a failure stays, whatever comes after
    assert "·" in first


def test_leaving_has_columns_when_something_leaves() -> None:
    header = drawn(Event("drain", "done", "web-3"), Event("remove", "started", "web-3")).splitlines()[0]
    assert header.split()[2:] == ["machine", "ship", "settle", "verify", "leave", "remove"]


def test_elsewhere_lines() -> None:
    out = io.StringIO()
    with shown(Console(file=out)) as listen:
        for event in RUN:
            listen(event)
    assert out.getvalue().splitlines() == [
        "  image … baking php",
        "  image ok php",
        "  web-2: machine ok",
        "  web-2: ship ok",
        "  web-2: settle FAILED nginx: bad",
        "  web-2: settle ok",
        "  web-2: what nobody knows ok",
    ]


def test_a_terminal_gets_the_table() -> None:
    out = io.StringIO()
    with shown(Console(file=out, force_terminal=True, width=100)) as listen:
        for event in RUN:
            listen(event)
    assert "✓" in out.getvalue()
