"""A route to nowhere for the pool of addresses: a packet to a guest that is gone never leaves this machine."""

import json
import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

from conpaas_iac.host import machine, ranges
from conpaas_iac.host.part import Finding, Say, State, missing, there, wrong
from conpaas_iac.settings import Settings

METRIC = 4278198272  # the kernel's own number for "last resort": any route of the user's for the same range wins
UNIT = Path("/etc/systemd/system/conpaas-route.service")
OTHER_POOL = (
    "set CONPAAS_ADDRESS_POOL (and CONPAAS_LXD_BRIDGE_RANGE inside it) to ranges that this machine does not use"
)


@dataclass(frozen=True)
class Route:
    """A line of the kernel's table."""

    network: IPv4Network
    device: str = ""
    kind: str = "unicast"
    metric: int = 0

    def __str__(self) -> str:
        return f"{self.network}" + (f" on {self.device}" if self.device else "")


@dataclass(frozen=True)
class InUse:
    """An address that this machine talks to, and what for."""

    address: IPv4Address
    purpose: str


def parse_routes(text: str) -> tuple[Route, ...]:
    """`ip -json -4 route show`."""
    lines: list[dict[str, Any]] = json.loads(text or "[]")
    return tuple(
        Route(
            IPv4Network("0.0.0.0/0" if line["dst"] == "default" else line["dst"]),
            line.get("dev", ""),
            line.get("type", "unicast"),
            int(line.get("metric", 0)),
        )
        for line in lines
    )


def read_routes() -> tuple[Route, ...]:
    """This machine's IPv4 routes; none where there is no `ip` yet."""
    program = machine.which("ip")
    if not program:
        return ()
    done = subprocess.run([program, "-json", "-4", "route", "show"], capture_output=True, text=True, check=False)
    return parse_routes(done.stdout)


def overlapping(network: IPv4Network, routes: Iterable[Route]) -> list[Route]:
    """The routes, other than the default and ours, that share addresses with `network`."""
    return [
        route
        for route in routes
        if route.network.prefixlen and route.kind == "unicast" and route.network.overlaps(network)
    ]


def is_ours(pool: IPv4Network, route: Route) -> bool:
    """Whether this is the route that set-up puts there."""
    return route.kind == "unreachable" and route.network == pool


def decide(pool: IPv4Network, routes: tuple[Route, ...], in_use: tuple[InUse, ...]) -> Finding:
    """Our route may cut nothing: neither a wider route of the user's nor an address reached through the default one."""
    if any(is_ours(pool, route) for route in routes):
        return there(f"{pool} ends here")
    near = overlapping(pool, routes)
    wider = [route for route in near if route.network.prefixlen < pool.prefixlen]
    if wider:
        return wrong(f"this machine already uses {wider[0]}, which holds the address pool {pool}", OTHER_POOL)
    for use in in_use:
        if use.address in pool and not any(use.address in route.network for route in near):
            return wrong(f"the {use.purpose} {use.address} is inside the address pool {pool}", OTHER_POOL)
    return missing(f"packets to addresses of {pool} that nobody has would leave this machine")


def name_servers(text: str) -> tuple[InUse, ...]:
    """The IPv4 name servers of a resolv.conf."""
    found = re.findall(r"^\s*nameserver\s+(\d+\.\d+\.\d+\.\d+)\s*$", text, re.MULTILINE)
    return tuple(InUse(IPv4Address(address), "name server") for address in found)


def peers(text: str) -> tuple[InUse, ...]:
    """The far ends of the established connections of /proc/net/tcp: an SSH session, a proxy."""
    rows = [line.split() for line in text.splitlines()[1:]]
    remote = {row[2].partition(":")[0] for row in rows if len(row) > 3 and row[3] == "01"}
    addresses = (IPv4Address(int.from_bytes(bytes.fromhex(digits), "little")) for digits in sorted(remote))
    return tuple(InUse(address, "connected machine") for address in addresses)


def _in_use() -> tuple[InUse, ...]:
    resolver, table = Path("/etc/resolv.conf"), Path("/proc/net/tcp")
    return (
        *(name_servers(resolver.read_text()) if resolver.exists() else ()),
        *(peers(table.read_text()) if table.exists() else ()),
    )


def _command(pool: IPv4Network) -> list[str]:
    return [machine.which("ip") or "ip", "route", "replace", "unreachable", str(pool), "metric", str(METRIC)]


def ensure_route(settings: Settings) -> Finding:
    """Put the route back where a restart took it and nothing speaks against it; cheap, for each `up`."""
    part = PoolRoute(settings)
    finding = part.look()
    if finding.state is State.MISSING:
        part.mend(lambda text: None)
        finding = part.look()
    return finding


@dataclass(frozen=True)
class PoolRoute:
    """The unreachable route, now and (under systemd) after a restart."""

    settings: Settings
    name: str = "route"

    def look(self) -> Finding:
        return decide(ranges.pool(self.settings), read_routes(), _in_use())

    def mend(self, say: Say) -> None:
        command = _command(ranges.pool(self.settings))
        say(" ".join(command))
        machine.run_as_root("the route", command)
        if machine.has_systemd() and not UNIT.exists():
            machine.install_file(UNIT, _unit(command))
            machine.run_as_root("systemctl", ["systemctl", "enable", UNIT.name])


def _unit(command: list[str]) -> str:
    return (
        "[Unit]\nDescription=Addresses of conpaas applications end on this machine\nAfter=network-pre.target\n\n"
        f"[Service]\nType=oneshot\nExecStart={' '.join(command)}\n\n[Install]\nWantedBy=multi-user.target\n"
    )
