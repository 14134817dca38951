"""Declared against found: each case is a file, with what it changes of machines that are well, and what is said."""

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conpaas_iac.backend.record import Record
from conpaas_iac.core import placeholders
from conpaas_iac.core.topology import Topology
from conpaas_iac.drift import drift
from conpaas_iac.drift.driftreport import DriftReport, Unchecked, document, mendings
from tests.builders import TYPES, build, service
from tests.schemas import check
from tests.unit.drift.found import around, changed, compared, confirmed, machine, perfect, seen

CASES = sorted((Path(__file__).parent / "cases").glob("*.json"))


def layout_of(case: dict[str, Any]) -> Topology:
    """One service, called web."""
    if case.get("type", "php") == "php":
        return build(service(counts=case.get("counts")), code={"web": "a" * 64})
    counts, options = {"mysql": 1, "glb": 1, **case.get("counts", {})}, TYPES["mysql"].default_options()
    return build(replace(service(), type="mysql", counts=counts, options=options))


@cache
def known(backends: int) -> tuple[Topology, Record]:
    layout = layout_of({"counts": {"backend": backends}})
    return layout, confirmed(layout)


@pytest.mark.parametrize("path", CASES, ids=[path.stem for path in CASES])
def test_case(path: Path) -> None:
    case = json.loads(path.read_text())
    layout = layout_of(case)
    there = confirmed(layout)
    tree = there.tree(case["node"])
    assert tree
    found = compared(layout, case["node"], changed(perfect(tree), case), there)
    said = [[each.what, each.text, each.danger, each.mend, each.effect] for each in found]
    assert said == case["expect"]
    report = DriftReport("shop", "default", 1, found)
    check(json.dumps(document(report, mendings(found))), "drift")
    assert [each.danger for each in mendings(found)] == ([case["danger"]] if case["expect"] else [])


def test_there_are_cases() -> None:
    assert len(CASES) >= 8


BACKENDS = st.integers(1, 4)


@settings(deadline=None)  # the first of a layout renders it
@given(BACKENDS, st.data())
def test_what_is_as_it_was_told_is_no_drift_and_one_other_thing_is_one(backends: int, data: st.DataObject) -> None:
    layout, there = known(backends)
    node = data.draw(st.sampled_from(sorted(there.nodes)))
    tree = there.tree(node)
    assert tree
    found = perfect(tree)
    assert compared(layout, node, found, there) == ()
    path = data.draw(st.sampled_from([file.path for file in tree.files]))
    other = data.draw(st.sampled_from([{"mac": "0"}, {"mode": "0777"}, {"owner": "nobody"}, {"kind": "none"}]))
    [only] = compared(layout, node, changed(found, {"files": {path: other}}), there)
    assert (only.kind, only.what, only.mend) == ("file", path, "visit")
    unit = data.draw(st.sampled_from(tree.units))
    word = data.draw(st.sampled_from(["inactive", "failed", "deactivating"]))
    [unit_drift] = compared(layout, node, changed(found, {"units": {unit: {"active": word}}}), there)
    assert (unit_drift.kind, unit_drift.what, unit_drift.text) == ("unit", unit, word)


def test_what_the_cloud_says() -> None:
    layout = build(service(counts={"backend": 2}))
    there = confirmed(layout)
    others, one = around(layout, there), machine(layout, "web-1")
    assert drift.of_machine(one, seen("web-1"), others) == ()
    assert drift.of_machine(one, seen("web-1", cpu=None, memory=None), others) == ()  # a cloud that does not say
    [gone] = drift.of_machine(one, None, others)
    assert (gone.text, gone.danger, gone.mend) == ("gone", "safe", "anew")
    [stopped] = drift.of_machine(one, seen("web-1", running=False), others)
    assert (stopped.text, stopped.mend) == ("stopped", "start")
    [altered] = drift.of_machine(one, seen("web-1", memory=0), others)
    assert altered.text == "has 1 cpu, all memory of its host instead of 1 cpu, 1024 MiB"
    assert (altered.mend, altered.size) == ("resize", (1, 0))


def test_another_size_is_a_restart_where_the_cloud_cannot_do_without() -> None:
    layout = build(service(counts={"backend": 2}))
    others = replace(around(layout, confirmed(layout)), restarting={"lxd"})
    dangers = [
        drift.of_machine(machine(layout, node), seen(node, memory=0), others)[0].danger for node in ("web-1", "web-2")
    ]
    assert dangers == ["downtime", "restart"]  # the first has the proxy


def test_the_last_copy_of_data_is_dangerous_to_lose() -> None:
    one, three = layout_of({"type": "mysql"}), layout_of({"type": "mysql", "counts": {"mysql": 3}})
    [alone] = drift.of_machine(machine(one, "web-1"), None, around(one, confirmed(one), "web-1"))
    [among] = drift.of_machine(machine(three, "web-1"), None, around(three, confirmed(three), "web-1"))
    assert (alone.danger, among.danger) == ("data loss", "safe")


def test_a_file_with_a_secret_is_never_shown() -> None:
    layout = layout_of({"type": "mysql"})
    tree = confirmed(layout).tree("web-1")
    assert tree
    secret = [file.path for file in tree.files if placeholders.keys(file.content)]
    assert "/etc/conpaas/mysql/password" in secret
    shown = {file.path: is_shown for file, is_shown in drift.asked_files(tree, texts=True)}
    assert not any(shown[path] for path in (*secret, "/etc/nebula/node.key"))
    assert shown["/etc/hosts"]
    # And if a machine said it all the same:
    said = {path: {"mac": "0", "text": "hunter2"} for path in secret}
    found = compared(layout, "web-1", changed(perfect(tree), {"files": said}))
    assert [each.text for each in found] == ["edited by hand"] * len(secret)
    assert "hunter2" not in json.dumps(document(DriftReport("shop", "default", 1, found)))
    assert {each.now for each in found} == {None}


def test_exit_codes_and_last_lines() -> None:
    [gone] = drift.of_machine(machine(layout_of({}), "web-1"), None, around(layout_of({}), confirmed(layout_of({}))))
    well, found = DriftReport("shop", "default", 2, ()), DriftReport("shop", "default", 2, (gone,))
    mute = DriftReport("shop", "default", 1, (gone,), (Unchecked("web-2", "no answer"),))
    assert [each.exit_code for each in (well, found, mute)] == [0, 5, 3]
    assert well.summary == "No drift: 2 machines as they confirmed."
    assert mute.summary == "Drift: 1 difference on 1 machine; 1 machine could not be checked."
