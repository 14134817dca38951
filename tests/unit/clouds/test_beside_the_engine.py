"""Machines that other providers make: whose a failure is, what is a stray, and when a machine is there."""

import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from conpaas_iac.clouds import Reach
from conpaas_iac.clouds.base import Seen
from conpaas_iac.core.declaration import Declaration
from conpaas_iac.core.places import Place
from conpaas_iac.engine import engine_events
from conpaas_iac.engine.engine_state import Applied
from conpaas_iac.errors import ConpaasError, Failure
from conpaas_iac.machines import sight
from conpaas_iac.network.membership import Authorities
from conpaas_iac.provider import greeting
from conpaas_iac.provider.greeting import Greeting
from conpaas_iac.settings import Settings
from tests.builders import build, service, wanted

PLACES = {"far": Place("far", "aws", {"Region": "eu-west-1", "SshFrom": []}, made_as="ec2"), "lxd": Place("lxd", "lxd")}


def two() -> Declaration:
    """A machine at each of two places."""
    machines = wanted(build(service(counts={"backend": 2}))).machines
    there = (replace(machines[0], cloud="far"), machines[1])
    return replace(wanted(build(service())), machines=there, places=PLACES)


def test_what_fails_of_a_place_fails_for_its_machines_only() -> None:
    failures = [Failure("ec2.network", "machine", "VpcLimitExceeded"), Failure("web-2", "machine", "disk is full")]
    assert list(engine_events.of_machines(failures, two())) == [
        Failure("web-1", "machine", "ec2.network: VpcLimitExceeded"),
        Failure("web-2", "machine", "disk is full"),
    ]
    nobody = Failure("identity", "machine", "what")
    assert list(engine_events.of_machines([nobody], two())) == [nobody]


def test_what_fails_beside_a_machine_is_the_machine_s() -> None:
    failures: list[Failure] = []
    listen = engine_events.listener(lambda event: None, failures, set(), {"web-1": "front-1"})
    for name in ("web-1.address", "web-1"):
        diagnostic = SimpleNamespace(severity="error", urn=f"urn:pulumi:s::p::t::{name}", message="too many")
        event: Any = SimpleNamespace(res_outputs_event=None, resource_pre_event=None, diagnostic_event=diagnostic)
        listen(event)
    assert [failure.node for failure in failures] == ["front-1", "front-1"]


def seen(node: str, number: str, incarnation: int = 1) -> Seen:
    return Seen(node, number, number, True, incarnation)


APPLIED = Applied("owner", two().machines, {}, Authorities(), places=PLACES, ids={"web-1": "i-1", "web-2": "u-2"})


def test_where_creates_adopt_nothing_all_that_the_checkpoint_does_not_know_is_a_stray() -> None:
    found = {
        "far": (seen("web-1", "i-1"), seen("web-1", "i-2"), seen("web-3", "i-3")),
        "lxd": (seen("web-2", "u-2"), seen("web-3", "u-3"), seen("web-2", "u-4", 2)),
    }
    coming = [replace(two().machines[1], node="web-3")]
    left = sight.strays(APPLIED, coming, found, Reach(PLACES, Settings()))
    assert {name: [each.id for each in machines] for name, machines in left.items()} == {
        "far": ["i-2", "i-3"],
        "lxd": ["u-4"],
    }


def test_of_two_alike_the_one_that_the_checkpoint_names_is_the_machine() -> None:
    for order in (("i-1", "i-2"), ("i-2", "i-1")):
        found = {"far": tuple(seen("web-1", number) for number in order)}
        assert sight.known(APPLIED, found)["web-1"].id == "i-1"


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as found:
        yield found


def test_a_machine_is_there_once_it_greets(listener: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    """First nobody answers, then somebody who is no SSH server, then one."""
    port = listener.getsockname()[1]
    words = iter([b"HTTP", b"SSH-2.0-x"])

    def serve() -> None:
        for word in words:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(word)

    real, asked = greeting.greets, list[str]()

    def greets(ip: str, _port: int = 22) -> str:
        if not asked:
            asked.append("refused")
            return "connection refused"
        asked.append(real(ip, port))
        return asked[-1]

    monkeypatch.setattr(greeting, "greets", greets)
    monkeypatch.setattr(greeting, "PAUSE", 0)
    thread = threading.Thread(target=serve)
    thread.start()
    made = Greeting().create({"machine": "i-1", "ip": "127.0.0.1"})
    thread.join()
    assert made.id == "i-1"
    assert asked == ["refused", "no SSH server greets", ""]


def test_one_that_never_greets_is_a_failure_with_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Greeting, "SECONDS", -1.0)
    monkeypatch.setattr(greeting, "greets", lambda ip: "no route to host")
    with pytest.raises(ConpaasError, match="within -1 s: no route to host") as raised:
        Greeting().create({"machine": "i-1", "ip": "198.51.100.1"})
    assert "SshFrom" in raised.value.remedy


def test_another_machine_greets_anew_and_another_address_is_no_matter() -> None:
    old = {"machine": "i-1", "ip": "198.51.100.1"}
    assert Greeting().diff(old, {**old, "ip": "198.51.100.2"}).replaced == ()
    assert Greeting().diff(old, {**old, "machine": "i-2"}).replaced == ("machine",)
