"""Two machines of its own, over the VPN and over the bare bridge: throughput, latency, and when the VPN is there."""

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from ipaddress import IPv4Address, IPv4Network

from benchmarks.figure import Figure
from conpaas_iac import settings
from conpaas_iac.core.flows import Flow
from conpaas_iac.core.layout import SIZES, Node
from conpaas_iac.core.topology import Service, Topology
from conpaas_iac.host import nebula
from conpaas_iac.network import certificates, vpn
from conpaas_iac.network.vpn import Place, Transport
from tests.e2e.machines import PING, address, lxc, pinged, run, scratch, until

PORT = 8080
SECONDS = 3
TRIPS = 2000
RANGE, BLOCK = IPv4Network("10.44.0.0/16"), IPv4Network("10.44.16.0/20")
TRIED = tuple(Transport(cipher, mtu) for cipher in ("aes", "chachapoly") for mtu in (1300, 1440))

# Reads: the first byte says whether to count what comes or to send it back.
SERVER = """
import socket, sys
server = socket.create_server(("0.0.0.0", int(sys.argv[1])))
while True:
    connection, _ = server.accept()
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    echo, total = connection.recv(1) == b"e", 0
    while data := connection.recv(1 << 17):
        total += len(data)
        if echo:
            connection.sendall(data)
    if not echo:
        connection.sendall(b"%d" % total)
    connection.close()
"""

# Prints [Mbit/s that arrived, median microseconds of a round trip].
CLIENT = """
import json, socket, statistics, sys, time
host, port, seconds, trips = sys.argv[1], *map(int, sys.argv[2:])
def connected(kind):
    made = socket.create_connection((host, port), 10)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    made.sendall(kind)
    return made
sender, block, begun = connected(b"c"), bytes(1 << 17), time.monotonic()
while time.monotonic() < begun + seconds:
    sender.sendall(block)
sender.shutdown(socket.SHUT_WR)
arrived = int(sender.recv(99))
throughput = arrived * 8 / 1e6 / (time.monotonic() - begun)
pinger, took = connected(b"e"), []
for _ in range(trips):
    begun = time.monotonic()
    pinger.sendall(b"x")
    pinger.recv(1)
    took.append(time.monotonic() - begun)
print(json.dumps([throughput, statistics.median(took) * 1e6]))
"""


def measure(runs: int) -> list[Figure]:
    """Every variant in each run, so that what else the machine does meets all of them."""
    topology = _topology()
    bare = Figure("bare bridge", unit="Mbit/s"), Figure("bare bridge, round trip", unit="µs")
    named = [(each, f"VPN, {each.cipher}, MTU {each.mtu}") for each in TRIED]
    figures = {each: (Figure(name, unit="Mbit/s"), Figure(f"{name}, round trip", unit="µs")) for each, name in named}
    boot = Figure("machine boots until a peer answers over the VPN", "1")
    with ExitStack() as things, ThreadPoolExecutor() as pool:
        made = [scratch(), scratch()]
        for machine in made:
            things.push(machine.__exit__)
        client, server = pool.map(lambda each: each.__enter__(), made)
        _enrol(topology, (client, server))
        run(server, "systemd-run", "-q", "python3", "-c", SERVER, str(PORT))
        until(lambda: f":{PORT} " in run(server, "ss", "-Hltn"))
        there = str(topology.nodes[1].address)
        for _ in range(runs):
            _note(bare, client, address(server))
            for transport, pair in figures.items():
                _configure(topology, (client, server), transport)
                until(lambda: bool(pinged(client, [there], 1)))
                _note(pair, client, there)
            _boot(boot, client, there)
    return [each for pair in (bare, *figures.values()) for each in pair] + [boot]


def _note(pair: tuple[Figure, Figure], client: str, server: str) -> None:
    said = run(client, "python3", "-c", CLIENT, server, str(PORT), str(SECONDS), str(TRIPS))
    for figure, value in zip(pair, json.loads(said), strict=True):
        figure.samples.append(value)


def _boot(figure: Figure, machine: str, peer: str) -> None:
    """From the moment when its systemd began; the clock of containers is this host's."""
    lxc("restart", "--force", machine)
    answered = float(run(machine, "python3", "-c", PING + "print(time.monotonic())", "20", peer).split()[-1])
    said = run(machine, "systemctl", "show", "--value", "--property=UserspaceTimestampMonotonic")
    begun = int(said) / 1e6
    active = run(machine, "systemctl", "show", "--value", "--property=ActiveEnterTimestampMonotonic", "nebula")
    figure.samples.append(answered - begun)
    figure.parts.append({"until Nebula runs": int(active) / 1e6 - begun, "first answer": answered - int(active) / 1e6})


def _topology() -> Topology:
    nodes = tuple(
        Node(f"web-{k}", "web", k, ("web",), IPv4Address(BLOCK.network_address + k), "lxd", SIZES["small"])
        for k in (1, 2)
    )
    service = Service("web", "web", "php", BLOCK, True, {"web": 2}, nodes, (), (), {}, {}, (BLOCK[1],))
    return Topology("bench", "default", RANGE, (service,), (Flow(("web", ""), ("web", ""), PORT),))


def _enrol(topology: Topology, machines: tuple[str, str]) -> None:
    program = nebula.need(settings.load()).cert
    authority = certificates.make_authority(program, "bench", RANGE, timedelta(days=1))
    for node, machine in zip(topology.nodes, machines, strict=True):
        run(machine, "nebula-cert", "keygen", "-out-key", vpn.KEY, "-out-pub", f"{vpn.KEY}.pub")
        public = run(machine, "cat", f"{vpn.KEY}.pub")
        signed = certificates.sign(program, authority, public, vpn.subject(node, topology), timedelta(hours=12))
        for path, content in ((vpn.AUTHORITIES, authority.certificate), (vpn.CERTIFICATE, signed)):
            run(machine, "tee", path, stdin=content)


def _configure(topology: Topology, machines: tuple[str, str], transport: Transport) -> None:
    places = {node.name: Place(address(machine)) for node, machine in zip(topology.nodes, machines, strict=True)}
    texts = vpn.configurations(topology, places, transport=transport)
    for node, machine in zip(topology.nodes, machines, strict=True):
        run(machine, "tee", vpn.CONFIG, stdin=texts[node.name])
        run(machine, "systemctl", "stop", "nebula")
    for machine in machines:
        run(machine, "systemctl", "start", "nebula")
