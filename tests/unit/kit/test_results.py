"""How a type did, in a table and as a document."""

import json

import pytest
from rich.console import Console

from conpaas_iac.kit.course import Row
from conpaas_iac.kit.results import Report, Result
from conpaas_iac.kit.verdicts import Finding
from conpaas_iac.runs.events import Event
from conpaas_iac.views.kitview import Lines, Progress, report_view
from tests import schemas

PASSED = Result(Row("install"), "passed", 6.14)
STATIC = Result(Row("readme"), "failed", 0.01, Finding("it lacks `x`", "mend it"))
FAILED = Result(Row("scale", "server"), "failed", 2.0, Finding("it breaks", "mend it", ("last line",)))
SKIPPED = Result(Row("scale", "master", skipped="it has one"), "skipped", note="it has one")
OURS = Result(Row("kill"), "failed", 2.0, Finding("a bug", "", code=70))


def report(*results: Result) -> Report:
    return Report("shop", "types-test-shop-1", results, 61.2)


@pytest.mark.parametrize(
    ("results", "code"),
    [
        ((PASSED, SKIPPED), 0),
        ((STATIC,), 1),
        ((PASSED, FAILED), 3),
        ((STATIC, FAILED), 1),
        ((FAILED, OURS), 70),
        ((Result(Row("kill"), "failed", 1.0, Finding("killed", "", code=137)), PASSED), 137),
    ],
)
def test_exit_codes(results: tuple[Result, ...], code: int) -> None:
    assert report(*results).exit_code == code


def test_the_document_is_what_its_schema_says() -> None:
    document = schemas.check(json.dumps(report(PASSED, STATIC, FAILED, SKIPPED).document), "conformance")
    assert [each["outcome"] for each in document["checks"]] == ["passed", "failed", "failed", "skipped"]
    assert document["checks"][2]["reason"] == "it breaks" and document["checks"][3]["reason"] == "it has one"


def said(*results: Result) -> str:
    console = Console(width=100, record=True, quiet=False, file=None)
    with console.capture() as captured:
        console.print(report_view(report(*results)))
    return captured.get()


def test_the_table_ends_with_reasons_and_the_count() -> None:
    lines = said(PASSED, FAILED, SKIPPED).splitlines()
    assert lines[1].split() == ["install", "passed", "6.1", "s"]
    assert "it has one" in lines[3]
    assert [line.strip() for line in lines[5:]] == [
        "scale server: it breaks", "last line", "→ mend it", "shop: 1 passed, 1 failed, 1 skipped in 61 s",
    ]  # fmt: skip


def test_lines_where_there_is_no_terminal() -> None:
    console = Console(width=100)
    with console.capture() as captured:
        lines = Lines([PASSED.row, FAILED.row], console)
        for result in (PASSED, FAILED):
            lines.begun(result.row)
            lines.ended(result)
    assert captured.get().splitlines() == [
        "install …", "install PASSED (6.1 s)", "scale server …", "scale server FAILED: it breaks",
    ]  # fmt: skip


def test_a_terminal_shows_what_runs_and_what_waits() -> None:
    console, waiting = Console(width=100), Row("kill", "server")
    progress = Progress([PASSED.row, FAILED.row, waiting])
    progress.ended(PASSED)
    progress.begun(FAILED.row)
    progress.hear(Event("verify", "started", "tested-1"))
    with console.capture() as captured:
        console.print(progress)
    _, done, runs, waits = captured.get().splitlines()
    assert done.split()[:2] == ["install", "passed"]
    assert runs.split()[:2] == ["scale", "server"] and runs.rstrip().endswith("tested-1 verify")
    assert waits.split() == ["kill", "server", "waits"]
