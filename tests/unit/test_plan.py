"""Every thing that a plan can say, and how it is counted and shown."""

import io
import json
from dataclasses import replace
from typing import Any

from rich.console import Console

from conpaas_iac.backend.record import Record
from conpaas_iac.core.declaration import Declaration, reborn
from conpaas_iac.core.topology import Topology
from conpaas_iac.plans import plandocument, planning
from conpaas_iac.plans.plan import Plan
from conpaas_iac.plans.planning import Known
from conpaas_iac.views import planview
from tests.builders import applied, build, confirmed, service, trees, wanted

ONE, THREE = build(service()), build(service(counts={"backend": 3}))


def make(layout: Topology, before: Topology | None = None, there: Record | None = None, **fields: Any) -> Plan:
    """The plan from `before` to `layout`."""
    machines = applied(before) if before else ()
    record = there if there is not None else confirmed(before) if before else Record()
    target: Declaration = fields.pop("target", wanted(layout))
    return planning.make(layout, target, machines, record, trees(layout), **fields)


def actions(made: Plan) -> dict[str, str]:
    return {change.node: change.action for change in made.changes}


def shown(made: Plan, files: bool = False) -> str:
    console = Console(file=io.StringIO(), width=200)
    console.print(planview.view(made, files))
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def test_nothing_to_do() -> None:
    made = make(ONE, ONE)
    assert made.is_empty
    assert shown(made) == "No changes. shop is as its manifest says (1 machine).\n"


def test_add() -> None:
    made = make(THREE)
    assert actions(made) == {"web-1": "add", "web-2": "add", "web-3": "add"}
    assert made.changes[0].cause == "php on lxd, 1 cpu, 1024 MiB, image conpaas-php-1"
    text = shown(made)
    assert "web-1 … web-3" in text
    assert "10.42.16.1-3" in text
    assert text.splitlines()[-1] == "Plan: 3 to add, 0 to change, 0 to remove; 0 as they are."


def test_one_more_backend_is_one_machine_and_one_file() -> None:
    made = make(THREE, build(service(counts={"backend": 2})))
    assert actions(made) == {"web-1": "change", "web-3": "add"}
    [file] = made.changes[0].files
    assert (file.path, file.unit, file.on_change) == ("/etc/haproxy/haproxy.cfg", "haproxy", "reload")
    assert "+" in file.diff
    assert "10.42.16.3" in file.diff
    assert made.changes[0].cause == "1 file of its configuration"
    text = shown(made, files=True)
    assert "reload haproxy" in text
    assert "haproxy.cfg (then)" in text
    assert made.unchanged == 1


def test_remove_and_why() -> None:
    fewer = make(ONE, THREE)
    assert actions(fewer) == {"web-1": "change", "web-2": "remove", "web-3": "remove"}
    assert fewer.changes[-1].cause == "the service has fewer machines now"
    gone = make(build(service("other")), ONE)
    assert actions(gone) == {"other-1": "add", "web-1": "remove"}
    assert gone.changes[-1].cause == "the service is no longer in the manifest"


def test_size_and_code() -> None:
    larger = make(build(service(size="medium")), ONE)
    assert larger.changes[0].cause == "size: 1 cpu, 1024 MiB -> 2 cpu, 2048 MiB"
    coded = build(service(), code={"web": "a" * 64})
    first = make(coded, ONE)
    assert first.changes[0].code == "a" * 64
    assert first.changes[0].cause.startswith("code none -> aaaaaaaaaaaa")
    second = make(build(service(), code={"web": "b" * 64}), coded)
    assert second.changes[0].cause == "code aaaaaaaaaaaa -> bbbbbbbbbbbb"


def test_options_change_files() -> None:
    options = {**service().options, "memory_limit": "256M"}
    made = make(build(service(options=options)), ONE)
    assert "+memory_limit" in "".join(file.diff for file in made.changes[0].files).replace("php_admin_value[", "")


def test_what_the_cloud_lost_is_replaced() -> None:
    target = reborn(wanted(ONE), ["web-1"], {})
    made = make(ONE, ONE, known=Known(anew={"web-1": "the cloud has lost it"}), target=target)
    assert [(change.action, change.cause) for change in made.changes] == [("replace", "the cloud has lost it")]
    assert (made.count("add", "replace"), made.count("remove", "replace")) == (1, 1)
    assert plandocument.summary(made) == "Plan: 1 to add, 0 to change, 1 to remove; 0 as they are."


def test_another_address_changes_the_machine_and_keeps_it() -> None:
    moved = Declaration("shop", "default", "10.42.0.0/16", 1, (replace(applied(ONE)[0], address="10.42.16.9/16"),))
    made = make(ONE, ONE, target=moved)
    assert made.changes[0].action == "change"
    assert made.changes[0].cause.startswith("address: 10.42.16.1/16 -> 10.42.16.9/16")


def test_another_cloud_is_a_move() -> None:
    moved = Declaration("shop", "default", "10.42.0.0/16", 1, (replace(applied(ONE)[0], cloud="other"),))
    [change] = make(ONE, ONE, target=moved, known=Known(moving={"web-1": "cloud: lxd -> other"})).changes
    assert (change.action, change.cause) == ("move", "cloud: lxd -> other")


def test_rest_and_wake() -> None:
    off = build(service(start=False))
    rests = make(off, ONE)
    assert [(change.action, change.cause) for change in rests.changes] == [
        ("rest", "its service is stopped; data is kept")
    ]
    resting = replace(confirmed(ONE), resting=frozenset({"web-1"}))
    assert make(off, ONE, resting).is_empty
    assert actions(make(ONE, ONE, resting)) == {"web-1": "wake"}
    assert "1 to change" in plandocument.summary(rests)


def test_a_machine_that_confirmed_nothing() -> None:
    assert make(ONE, ONE, Record()).changes[0].cause == "it has confirmed no configuration yet"


def test_machines_come_in_their_natural_order() -> None:
    many = make(build(service(counts={"backend": 11})))
    assert [change.node for change in many.changes] == [f"web-{number}" for number in range(1, 12)]
    spread = make(build(service(counts={"backend": 2}, placement="spread")))
    assert len(spread.changes) == 4


def test_the_json_form_holds_it_all() -> None:
    document = plandocument.document(make(THREE, ONE, notes=("a note",)))
    again = json.loads(json.dumps(document))
    assert (again["version"], again["application"], again["range"]) == (2, "shop", "10.42.0.0/16")
    assert [change["action"] for change in again["changes"]] == ["change", "add", "add"]
    assert again["summary"].startswith("Plan: 2 to add, 1 to change")
    assert again["notes"] == ["a note"]
