"""How drift is shown: nothing is cut off on a narrow terminal, the last lines say what to do."""

import io

import pytest
from rich.console import Console, RenderableType

from conpaas_iac.drift.driftreport import Drift, DriftReport, Unchecked, mendings
from conpaas_iac.usecases.adopting import Adopted, Edit, Refused
from conpaas_iac.views.driftview import adopted_view, drift_view, mending_view

INI = "/etc/php/8.2/fpm/conf.d/90-conpaas.ini"
DIFF = f"--- {INI} (confirmed)\n+++ {INI} (now)\n@@ -1 +1 @@\n-memory_limit = '64M'\n+memory_limit = '96M'"


def drift(what: str, **fields: object) -> Drift:
    known = {"node": "web-1", "service": "web", "kind": "file", "text": "edited by hand"}
    return Drift(**{**known, "danger": "safe", "mend": "visit", "what": what, **fields})  # type: ignore[arg-type]


DRIFTS = (
    drift(INI, effect="reload php8.2-fpm", diff=DIFF),
    drift("/etc/redis/redis.conf", danger="restart", effect="restart redis-server"),
    *(
        drift(f"lib{number}", kind="package", text="2 instead of 1", danger="downtime", mend="replace")
        for number in range(7)
    ),
    drift("machine", node="web-2", kind="machine", text="gone", mend="anew"),
)
REPORT = DriftReport("shop", "staging", 2, DRIFTS, (Unchecked("web-3", "Connection refused", "look"),), ("a note",))


def shown(view: RenderableType, width: int) -> list[str]:
    console = Console(file=io.StringIO(), width=width)
    console.print(view)
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert all(len(line) <= width for line in lines)
    return [line.rstrip() for line in lines]


@pytest.mark.parametrize("width", [80, 120])
def test_drift(width: int) -> None:
    lines = shown(drift_view(REPORT), width)
    text = " ".join(" ".join(lines).split())
    assert lines[0] == "shop (staging)"
    assert text.count("edited by hand") == 2
    assert "7 packages" in text
    assert "web-3: not checked: Connection refused → look" in text
    assert lines[-2] == "Drift: 10 differences on 2 machines; 1 machine could not be checked."
    assert lines[-1] == "  → conpaas drift shop -e staging --revert mends it; --files shows 1 diff"


def test_a_line_says_what_how_and_how_dangerous_mending_it_is() -> None:
    text = [" ".join(line.split()) for line in shown(drift_view(REPORT), 120)]
    assert f"{INI} edited by hand safe (reload php8.2-fpm)" in text
    assert "/etc/redis/redis.conf edited by hand restart redis-server" in text
    assert "machine gone safe" in text


def test_files_and_nothing() -> None:
    lines = shown(drift_view(REPORT, files=True), 120)
    assert "+memory_limit = '96M'" in lines
    assert shown(drift_view(DriftReport("shop", "default", 3, ())), 80) == [
        "shop (default)",
        "No drift: 3 machines as they confirmed.",
    ]


def test_a_machine_that_is_made_anew_needs_nothing_else() -> None:
    first, second = shown(mending_view(mendings(DRIFTS)), 120)
    assert first.split(maxsplit=2) == ["web-1", "downtime", "the machine is made anew from its image"]
    assert second.split(maxsplit=2) == ["web-2", "safe", "a new machine under its address"]


def test_what_was_adopted_and_what_not() -> None:
    edit = Edit("web", ("Configuration", "memory_limit"), "64M", "96M", ("web-1", "web-2"))
    refused = Refused("web-1", "nginx", "the manifest says nothing of a unit", "--revert")
    lines = shown(adopted_view(Adopted("m.json", (edit,), (refused,), '"64M"\n', '"96M"\n')), 80)
    assert lines[0] == "  web Configuration.memory_limit: '64M' → '96M'   (as on web-1, web-2)"
    assert {'-"64M"', '+"96M"', "Adopted: 1 value of m.json; 1 refused."} <= {*lines}
