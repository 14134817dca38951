"""Certificates and authorities that follow one another while connections stay; machines that slept too long."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from conpaas_iac.machines import configure
from conpaas_iac.network.renewal import Policy
from conpaas_iac.usecases import situation
from tests.e2e.machines import lxc, pinged, run, until
from tests.e2e.network import APPLICATION_PORT, Network, facts

ECHO = """
import socket, sys
server = socket.create_server(("0.0.0.0", int(sys.argv[1])))
while True:
    connection, _ = server.accept()
    while data := connection.recv(4096):
        connection.sendall(data)
"""

# Says something every 20 ms and waits for the answer; writes what it has seen, until it is ended or cut off.
TALK = """
import json, socket, sys, time
connection, longest, count = socket.create_connection((sys.argv[1], int(sys.argv[2])), 10), 0.0, 0
connection.settimeout(60)
while True:
    begun = time.monotonic()
    connection.sendall(b"%8d" % count)
    answer = connection.recv(8, socket.MSG_WAITALL)
    if answer != b"%8d" % count:
        sys.exit("cut off")
    longest, count = max(longest, time.monotonic() - begun), count + 1
    open("/run/talk.new", "w").write(json.dumps([count, longest]))
    __import__("os").rename("/run/talk.new", "/run/talk")
    time.sleep(0.02)
"""


def talk(network: Network, address: str) -> None:
    """One connection from a to b, held from now on."""
    a, b = network.machine("a-1"), network.machine("b-1")
    run(b, "systemd-run", "--quiet", "--unit=echo", "python3", "-c", ECHO, str(APPLICATION_PORT))
    until(lambda: f":{APPLICATION_PORT} " in run(b, "ss", "-Hltn"))
    run(a, "systemd-run", "--quiet", "--unit=talk", "python3", "-c", TALK, address, str(APPLICATION_PORT))
    until(lambda: said(network)[0] > 0)


def said(network: Network) -> tuple[int, float]:
    """How often the connection was answered so far, and the longest wait in seconds."""
    text = run(network.machine("a-1"), "cat", "/run/talk", check=False)
    count, longest = json.loads(text) if text.startswith("[") else (0, 0.0)
    return int(count), float(longest)


def process(network: Network, node: str) -> str:
    """Nebula's, the same as long as nobody restarts it."""
    return run(network.machine(node), "systemctl", "show", "--property=MainPID", "nebula")


def test_no_connection_drops_while_certificates_and_authorities_follow_one_another(
    network: Network, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    network.up()
    both = ("a-1", "b-1")
    talk(network, network.nodes()["b-1"]["address"])

    processes = [process(network, node) for node in both]

    def certificate(node: str = "a-1") -> tuple[str, str]:
        found = facts(run(network.machine(node), "cat", "/etc/nebula/node.crt"))
        return found.fingerprint, found.issuer

    def goes_on() -> None:
        before = said(network)[0]
        until(lambda: said(network)[0] > before + 50)
        assert run(network.machine("a-1"), "systemctl", "is-active", "talk").strip() == "active"

    first = certificate()
    assert network.up(datetime.now(UTC) + timedelta(days=130)) == both  # due
    renewed = certificate()
    assert renewed[0] != first[0] and renewed[1] == first[1]
    goes_on()
    with monkeypatch.context() as patch:  # a successor is due now, not in a year
        patch.setattr(situation, "Policy", lambda: replace(Policy(), successor=timedelta(days=4 * 365)))
        assert network.up() == both
    assert certificate()[1] == first[1]
    for node in both:
        assert run(network.machine(node), "grep", "-c", "BEGIN", "/etc/nebula/ca.crt").strip() == "2"
    goes_on()
    assert network.up() == both
    assert {certificate(node)[1] for node in both} != {first[1]}
    goes_on()
    assert network.up() == ()
    assert [process(network, node) for node in both] == processes
    count, longest = said(network)
    with capsys.disabled():
        print(f"\none connection, {count} answers; the longest wait {longest * 1000:.0f} ms", end=" ")


def test_a_machine_that_slept_past_its_certificate_is_enrolled_again(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(configure, "Policy", lambda: replace(Policy(), certificate=timedelta(seconds=20)))
        network.up()
    addresses = {name: node["address"] for name, node in network.nodes().items()}
    old = facts(run(network.machine("b-1"), "cat", "/etc/nebula/node.crt"))
    lxc("stop", network.machine("b-1"))
    until(lambda: datetime.now(UTC) > old.ends, 60)
    assert network.up() == ("a-1", "b-1")
    new = facts(run(network.machine("b-1"), "cat", "/etc/nebula/node.crt"))
    assert new.ends - new.begins > timedelta(days=300) and new.public_key == old.public_key
    wanted = {addresses["b-1"]}
    assert pinged(network.machine("a-1"), wanted) == wanted
    assert network.up() == ()
