"""Who is visited while something is missing."""

from dataclasses import replace

import msgspec

from conpaas_iac.backend.record import Confirmed, Record
from conpaas_iac.engine.engine_state import Machines
from conpaas_iac.machines import visits
from conpaas_iac.machines.visit import Visit
from conpaas_iac.network.membership import Authorities
from tests.builders import build, confirmed, service, trees

LAYOUT = build(service("db", {"backend": 2}), service("web"), service("other"))
RANKS = {"db": (0, ()), "web": (1, ("db",)), "other": (1, ())}
LAYOUT = replace(
    LAYOUT,
    services=tuple(replace(each, rank=RANKS[each.name][0], uses=RANKS[each.name][1]) for each in LAYOUT.services),
)


def ready(there: Record, *made: str) -> list[str]:
    """Of web and other; `made` are the machines that are there."""
    machines = Machines("", "", {node: {"id": f"id-{node}"} for node in made}, Authorities(), "", {})
    stage = [Visit(node, "", "php", (), trees(LAYOUT)[node], True) for node in ("web-1", "other-1")]
    return [visit.node for visit in visits.ready(stage, LAYOUT, machines, there)]


def test_who_uses_a_service_waits_until_one_of_its_machines_works() -> None:
    there = confirmed(LAYOUT)
    assert ready(Record(), "db-1", "web-1", "other-1") == ["other-1"]
    assert ready(there, "db-2", "web-1", "other-1") == ["web-1", "other-1"]
    assert ready(there, "web-1", "other-1") == ["other-1"]


def test_a_machine_that_was_made_anew_has_not_proved_anything() -> None:
    db = {node: known for node, known in confirmed(LAYOUT).nodes.items() if node == "db-1"}
    there = Record(nodes={node: replace_id(known) for node, known in db.items()})
    assert ready(there, "db-1", "web-1", "other-1") == ["other-1"]


def replace_id(known: Confirmed) -> Confirmed:
    return msgspec.structs.replace(known, id="of another time")


def test_who_uses_a_service_that_rests_does_not_wait() -> None:
    resting = replace(
        LAYOUT,
        services=tuple(replace(each, start=False, nodes=()) if each.name == "db" else each for each in LAYOUT.services),
    )
    machines = Machines("", "", {}, Authorities(), "", {})
    stage = [Visit("web-1", "", "php", (), trees(LAYOUT)["web-1"], True)]
    assert visits.ready(stage, resting, machines, Record()) == stage
