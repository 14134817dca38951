"""The application's own network on real machines: who reaches whom, and who does not any more."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conpaas_iac import catalog
from tests.e2e import machines
from tests.e2e.conftest import tell
from tests.e2e.machines import Target, pinged, run, until
from tests.e2e.network import APPLICATION_PORT, Network, facts, impersonate, journal, with_application_port

CLOSED = 9999  # somebody listens, nobody is allowed
PORTS = (22, 80, 8080, 8081, 8082, APPLICATION_PORT, CLOSED)
TARGETS = (*((port, "tcp") for port in PORTS), (8081, "udp"), (4242, "udp"))

SERVICES: dict[str, dict[str, Any]] = {
    "a": {"Uses": ["b"]},
    "b": {"Uses": ["c"], "StartupInstances": {"proxy": 1, "web": 1, "backend": 2}},
    "c": {"Uses": []},
    "d": {"Uses": []},
}


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """Four services, up once for the tests below, which go on from one another."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(catalog, "load", with_application_port(catalog.load))
        patch.delenv("CI", raising=False)
        for told in tell(tmp_path_factory.mktemp("vpn")):
            made = Network(told, dict(SERVICES))
            made.up()
            for name, node in made.nodes().items():
                made.addresses[name] = node["address"]
                machines.listen(made.machine(name), APPLICATION_PORT, CLOSED)
            yield made


def allowed(source: str, target: str, groups: list[str], port: int, protocol: str) -> bool:
    """Inside the VPN, from the manifest above and a plain reading of what php is."""
    used, same = target in SERVICES[source]["Uses"], source == target
    return protocol == "tcp" and {
        80: "proxy" in groups,
        8082: same and "proxy" in groups,
        8080: same and "web" in groups,
        8081: same and "backend" in groups,
        APPLICATION_PORT: used and "backend" in groups,
    }.get(port, False)


def test_exactly_what_the_manifest_says_is_open_inside(network: Network) -> None:
    nodes = network.nodes()
    pairs = {name: [other for other in nodes if other != name] for name in nodes}
    for name, others in pairs.items():
        wanted_peers = {nodes[other]["address"] for other in others}
        assert pinged(network.machine(name), wanted_peers) == wanted_peers, name
    targets = {
        network.machine(name): [(nodes[other]["address"], *what) for other in others for what in TARGETS]
        for name, others in pairs.items()
    }
    found = machines.all_tried(targets, targets)
    assert len(found) == len(nodes) * (len(nodes) - 1) * len(TARGETS)
    let_in = {tried for tried, result in found.items() if result != "dropped"}
    wanted = {
        (network.machine(name), (nodes[other]["address"], *what))
        for name, others in pairs.items()
        for other in others
        for what in TARGETS
        if allowed(nodes[name]["service"], nodes[other]["service"], nodes[other]["groups"], *what)
    }
    assert let_in == wanted
    assert {found[each] for each in wanted} == {"open"}


def test_the_provider_network_carries_what_is_public_and_ssh_from_here(network: Network) -> None:
    nodes = network.nodes()
    ips = {name: machines.address(network.machine(name)) for name in nodes}
    tcp = [(ip, port, "tcp") for ip in ips.values() for port in PORTS]
    sources = {network.machine(name): [each for each in tcp if each[0] != ip] for name, ip in ips.items()}
    public = {(ips[name], 80, "tcp") for name, node in nodes.items() if "proxy" in node["groups"]}
    for (source, target), result in machines.all_tried(["", *sources], {"": tcp, **sources}).items():
        from_here = {(ip, 22, "tcp") for ip in ips.values()} if not source else set()
        assert (result != "dropped") == (target in public | from_here), (source, target, result)


def test_the_vpn_is_not_entered_beside_nebula(network: Network) -> None:
    """A neighbour on the provider's network that sends packets for VPN addresses straight to the machine."""
    nodes = network.nodes()
    target, ip = nodes["c-1"]["address"], machines.address(network.machine("c-1"))
    with machines.scratch() as stranger:
        run(stranger, "ip", "route", "add", target, "via", ip)
        found = machines.tried(stranger, [(target, port, "tcp") for port in PORTS if port != 80])
    assert set(found.values()) == {"dropped"}


def test_names(network: Network) -> None:
    nodes, suffix = network.nodes(), f"{network.story.name}.internal"
    for name in ("b-1", f"b-1.{suffix}", "b", f"b.{suffix}"):
        for node in ("a-1", "b-2", "d-1"):
            found = run(network.machine(node), "getent", "ahostsv4", name).split()[0]
            assert found == nodes["b-1"]["address"], (node, name)
    said = run(network.machine("d-1"), "curl", "-sS", "-m", "5", "-o", "/dev/null", "-w", "%{http_code}", "http://b/")
    assert said == "200"


def test_a_removed_machine_is_locked_out_of_every_peer_in_the_same_up(network: Network, tmp_path: Path) -> None:
    nodes = network.nodes()
    for name in ("d-1", "c-1"):
        machines.lxc("file", "pull", "-r", f"{network.machine(name)}/etc/nebula", str(tmp_path / name), "--create-dirs")
    del network.services["d"]
    network.up()
    peers = {name: nodes[name]["address"] for name in ("a-1", "b-1", "b-2", "c-1")}
    fingerprint = facts((tmp_path / "d-1" / "nebula" / "node.crt").read_text()).fingerprint
    with machines.scratch() as copy:
        impersonate(copy, tmp_path / "d-1")
        until(lambda: "blocked" in journal(network.machine("a-1"), fingerprint))
        assert pinged(copy, peers.values(), 3) == set()
        for name in peers:
            assert fingerprint in run(network.machine(name), "cat", "/etc/nebula/config.yml"), name
        # The same with one that nobody has blocked, so that this test can fail.
        run(network.machine("c-1"), "systemctl", "stop", "nebula")
        impersonate(copy, tmp_path / "c-1")
        others = {address for name, address in peers.items() if name != "c-1"}
        assert pinged(copy, others) == others
    run(network.machine("c-1"), "systemctl", "start", "nebula")
    until(lambda: pinged(network.machine("c-1"), others) == others)


def test_without_a_lighthouse_tunnels_stay_and_new_machines_find_the_others(network: Network) -> None:
    nodes = network.nodes()
    record = json.loads(next((network.story.folder.parent / "state").rglob("record.json")).read_text())
    lighthouses = record["lighthouses"]
    assert lighthouses == ["a-1", "b-1"]
    neighbour = {nodes["c-1"]["address"]}
    assert pinged(network.machine("b-2"), neighbour) == neighbour
    run(network.machine("a-1"), "systemctl", "stop", "nebula")
    assert pinged(network.machine("b-2"), neighbour, 1) == neighbour
    network.services["d"] = SERVICES["d"]  # back, as another machine
    network.up()
    assert network.nodes()["d-1"]["address"] == network.addresses["d-1"]
    others = {nodes[name]["address"] for name in ("b-1", "b-2", "c-1")}
    assert pinged(network.machine("d-1"), others) == others
    run(network.machine("a-1"), "systemctl", "start", "nebula")
    first = {nodes["a-1"]["address"]}
    until(lambda: pinged(network.machine("d-1"), first) == first)


def test_a_replaced_machine_keeps_its_address(network: Network) -> None:
    before = network.nodes()["b-2"]["address"]
    machines.lxc("delete", "--force", network.machine("b-2"))
    network.up()
    assert network.nodes()["b-2"]["address"] == before
    target: Target = (before, 8081, "tcp")
    until(lambda: machines.tried(network.machine("b-1"), [target])[target] == "open")
    assert machines.tried(network.machine("a-1"), [target])[target] == "dropped"
