"""Two clouds: bridges that a NAT joins and nothing else, with machines of the test's own and our configurations."""

import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from ipaddress import IPv4Address, IPv4Network
from uuid import uuid4

import pytest

from conpaas_iac import settings
from conpaas_iac.core.flows import Flow
from conpaas_iac.core.layout import SIZES, Node
from conpaas_iac.core.topology import Service, Topology
from conpaas_iac.host import nebula
from conpaas_iac.network import certificates, vpn
from conpaas_iac.network.vpn import Place
from tests.e2e.machines import address, pinged, run, scratch, until
from tests.e2e.network import journal

RANGE = IPv4Network("10.45.0.0/16")
PORT = 8080
SERVICES = ("light", "near", "home", "far")  # the first two in the open, each of the others behind a NAT of its own
FLOWS = tuple(
    Flow((source, ""), (target, ""), PORT) for source, target in (("near", "home"), ("home", "near"), ("home", "far"))
)


@contextmanager
def behind_nat(index: int) -> Iterator[str]:
    """A bridge from which one gets out, and into which nobody gets; removed at the end."""
    name, part = f"tn{uuid4().hex[:6]}", f"10.61.{200 + index}.1/24"
    options = (f"ipv4.address={part}", "ipv4.nat=true", "ipv6.address=none")
    try:
        lxc_network("create", name, *options)
        chain = f'type filter hook forward priority -10;\n oifname "{name}" ct state new drop\n'
        rules = f"table inet {name} {{\n chain forward {{\n {chain} }}\n}}\n"
        subprocess.run(["nft", "-f", "-"], input=rules, text=True, check=True)
        yield name
    finally:
        subprocess.run(["nft", "delete", "table", "inet", name], capture_output=True, check=False)
        lxc_network("delete", name)


def lxc_network(*arguments: str) -> None:
    subprocess.run(["lxc", "--project", "default", "network", *arguments], capture_output=True, check=True)


def layout() -> Topology:
    services = []
    for index, name in enumerate(SERVICES):
        block = IPv4Network((int(RANGE.network_address) + 4096 * (index + 1), 20))
        node = Node(f"{name}-1", name, 1, ("web",), IPv4Address(block.network_address + 1), "lxd", SIZES["small"])
        services.append(Service(name, name, "php", block, True, {"web": 1}, (node,), (), (), {}, {}, block[1]))
    return Topology("t", "default", RANGE, tuple(services), FLOWS)


@pytest.fixture(scope="module")
def machines() -> Iterator[dict[str, str]]:
    """Service -> machine, all with Nebula running."""
    program, topology = nebula.need(settings.load()).cert, layout()
    authority = certificates.make_authority(program, "t", RANGE, timedelta(days=1))
    with ExitStack() as things, ThreadPoolExecutor() as pool:
        networks = ["", "", *(things.enter_context(behind_nat(index)) for index in range(2))]
        made = [scratch(network) for network in networks]
        for machine in made:
            things.push(machine.__exit__)
        names = dict(zip(SERVICES, pool.map(lambda each: each.__enter__(), made), strict=True))
        places = {f"{name}-1": Place(address(each), name in ("light", "near")) for name, each in names.items()}
        texts = vpn.configurations(topology, places, former=("light-1",))
        for node in topology.nodes:
            machine = names[node.service]
            run(machine, "nebula-cert", "keygen", "-out-key", vpn.KEY, "-out-pub", f"{vpn.KEY}.pub")
            public = run(machine, "cat", f"{vpn.KEY}.pub")
            signed = certificates.sign(program, authority, public, vpn.subject(node, topology), timedelta(hours=1))
            files = {vpn.CONFIG: texts[node.name], vpn.AUTHORITIES: authority.certificate, vpn.CERTIFICATE: signed}
            for path, content in files.items():
                run(machine, "tee", path, stdin=content)
            run(machine, "systemctl", "restart", "nebula")
            until(lambda machine=machine: "vpn0" in run(machine, "ip", "-o", "link"))
            run(machine, "systemd-run", "-q", "python3", "-m", "http.server", str(PORT), "--bind", str(node.address))
        yield names


def at(service: str) -> str:
    return str(layout().service(service).nodes[0].address)


def fetched(machine: str, service: str) -> str:
    command = ("curl", "-sS", "-m", "8", "-o", "/dev/null", "-w", "%{http_code}", f"http://{at(service)}:{PORT}/")
    return run(machine, *command, check=False)[-3:]


def test_the_clouds_are_apart(machines: dict[str, str]) -> None:
    """Without the VPN nobody gets in, so what follows proves something."""
    for name in ("home", "far"):
        assert pinged(machines["near"], [address(machines[name])], 2) == set()
    assert pinged(machines["home"], [address(machines["far"])], 2) == set()
    assert pinged(machines["home"], [address(machines["near"])], 5) != set()


def test_both_ways_through_the_nat(machines: dict[str, str]) -> None:
    until(lambda: fetched(machines["near"], "home") == "200")
    assert fetched(machines["home"], "near") == "200"


def test_behind_two_nats_a_relay_carries_it(machines: dict[str, str]) -> None:
    until(lambda: fetched(machines["home"], "far") == "200", 30)
    assert fetched(machines["far"], "home") != "200"  # nobody allowed that
    relays = [f'from="{address(machines[name])}:{vpn.PORT} (relayed)"' for name in ("light", "near")]
    said = journal(machines["home"], "far-1")
    assert any(relay in said for relay in relays), said
