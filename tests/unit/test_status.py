"""What is said of a machine and of an application."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from conpaas_iac.backend.record import Certificate, Record
from conpaas_iac.clouds.base import Seen
from conpaas_iac.network import renewal
from conpaas_iac.views import status
from conpaas_iac.views.status import ApplicationStatus, Probe
from tests.builders import applied, build, confirmed, service

NOW = datetime(2026, 5, 1, tzinfo=UTC)
LAYOUT = build(service())
[MACHINE] = applied(LAYOUT)
RECORD = confirmed(LAYOUT)
ASLEEP = replace(RECORD, resting=frozenset({"web-1"}))
UP = Seen("web-1", "id-web-1", "shop--web-1", True, 1, "10.60.0.9")
OUT = "out of service: a change did not end well here, `conpaas up` goes on"
WELL = Probe({"nginx": "active", "haproxy": "reloading"}, False)


@pytest.mark.parametrize(
    ("seen", "probe", "record", "state", "health"),
    [
        (UP, WELL, RECORD, "running", "well"),
        (None, None, RECORD, "gone", "the cloud has lost it: `conpaas up` makes it again"),
        (replace(UP, running=False), None, RECORD, "stopped", "stopped: `conpaas up` starts it again"),
        (replace(UP, running=False), None, ASLEEP, "stopped", "stopped as asked"),
        (UP, None, RECORD, "running", "does not answer: not asked"),
        (UP, Probe({}, False, "Connection refused"), RECORD, "running", "does not answer: Connection refused"),
        (UP, Probe({"nginx": "failed", "a": "inactive"}, False), RECORD, "running", "a is inactive, nginx is failed"),
        (UP, Probe({}, False), Record(), "running", "not configured yet: `conpaas up` goes on"),
        (UP, Probe({}, False, complaint="no quorum"), RECORD, "running", "no quorum"),
        (UP, Probe({}, True, draining=True), RECORD, "running", OUT),
        (UP, Probe({}, True), RECORD, "running", "a run was interrupted here: `conpaas up` goes on"),
    ],
)
def test_health(seen: Seen | None, probe: Probe | None, record: Record, state: str, health: str) -> None:
    found = status.node_status(MACHINE, seen, probe, record, NOW)
    assert (found.state, found.health, found.is_well) == (state, health, health == "well")
    assert (found.name, found.address, found.ip) == ("web-1", "10.42.16.1", seen.ip if seen else "")
    assert bool(found.groups) == bool(record.nodes)


@pytest.mark.parametrize(
    ("days", "health"),
    [(364, "well"), (9, "well"), (-1, "its certificate has expired: `conpaas up` renews it")],
)
def test_days_left(days: int, health: str) -> None:
    signed = Certificate("f", NOW - timedelta(days=400), NOW + timedelta(days=days, hours=1))
    known = msgspec.structs.replace(RECORD.nodes["web-1"], certificate=signed)
    found = status.node_status(MACHINE, UP, WELL, replace(RECORD, nodes={"web-1": known}), NOW)
    assert (found.certificate_days, found.health, found.is_well) == (days, health, health == "well")
    said = "expired" if days < 0 else f"{days} days"
    assert renewal.said_of(days) == (said if days > 30 else f"{said}: `conpaas up` renews it")


def application(answers: dict[str, str], *states: str, held: tuple[str, ...] = ()) -> ApplicationStatus:
    down = replace(UP, running=False)
    by_state = {
        "well": (UP, WELL, RECORD),
        "resting": (down, None, ASLEEP),
        "stopped": (down, None, RECORD),
        "gone": (None, None, RECORD),
    }
    nodes = tuple(status.node_status(MACHINE, *by_state[state], NOW) for state in states)
    return ApplicationStatus("shop", "default", nodes, {}, answers, held)


def test_an_application_is_well_when_all_that_should_run_does() -> None:
    assert application({"web": "200"}, "well", "resting").is_well
    assert not application({"web": "200"}, "well", "stopped").is_well  # nobody asked for it: a reboot of the host
    assert application({"web": "404"}, "well").is_well
    assert not application({"web": "502"}, "well").is_well
    assert not application({"web": "timed out"}, "well").is_well
    assert not application({}, "well", "gone").is_well


def test_the_summary_is_one_phrase() -> None:
    assert application({"web": "200"}, "well").summary == "1 of 1 machines well"
    said = application({"web": "502"}, "well", "gone", held=("db",)).summary
    assert said == "1 of 2 machines well; web answers 502; held by `conpaas stop`: db"


def test_a_machine_is_asked_in_one_command_and_its_answer_read() -> None:
    units = ("nginx", "php8.2-fpm")
    assert status.question(units).startswith("systemctl is-active 'nginx' 'php8.2-fpm'; ")
    assert status.read_probe(units, "active\nfailed\n") == Probe({"nginx": "active", "php8.2-fpm": "failed"}, False)
    assert status.read_probe(units, "active\nactive\npending\n").pending
    assert status.read_probe((), "") == Probe({}, False)
    said = status.read_probe(units, "active\nactive\npending\ndraining\nno quorum: db-2 does not answer\n")
    assert (said.pending, said.draining, said.complaint) == (True, True, "no quorum: db-2 does not answer")
