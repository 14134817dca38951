"""The unreachable route may cut nothing that the machine uses."""

from ipaddress import IPv4Address, IPv4Network

import pytest

from conpaas_iac.host.part import State
from conpaas_iac.host.route import METRIC, InUse, Route, decide, name_servers, overlapping, parse_routes, peers

POOL = IPv4Network("10.32.0.0/11")
DEFAULT = Route(IPv4Network("0.0.0.0/0"), "eth0")


def route(network: str, device: str = "tun0", kind: str = "unicast") -> Route:
    return Route(IPv4Network(network), device, kind)


def use(address: str) -> InUse:
    return InUse(IPv4Address(address), "name server")


@pytest.mark.parametrize(
    ("routes", "in_use", "state", "says"),
    [
        ((DEFAULT,), (), State.MISSING, "would leave this machine"),
        ((DEFAULT, route("10.32.0.0/11", "", "unreachable")), (), State.THERE, "ends here"),
        ((DEFAULT, route("10.0.0.0/8")), (), State.WRONG, "10.0.0.0/8 on tun0"),
        ((DEFAULT, route("10.60.0.0/16", "conpaas0")), (), State.MISSING, ""),  # narrower: it keeps winning
        ((DEFAULT, route("10.32.0.0/11")), (), State.MISSING, ""),  # the same range at a better metric: it wins
        ((DEFAULT,), (use("10.33.0.53"),), State.WRONG, "the name server 10.33.0.53"),
        ((DEFAULT, route("10.33.0.0/24")), (use("10.33.0.53"),), State.MISSING, ""),
        ((DEFAULT,), (use("192.0.2.53"),), State.MISSING, ""),
        ((DEFAULT, route("172.16.0.0/12")), (), State.MISSING, ""),
    ],
)
def test_decision(routes: tuple[Route, ...], in_use: tuple[InUse, ...], state: State, says: str) -> None:
    finding = decide(POOL, routes, in_use)
    assert finding.state is state
    assert says in finding.text
    assert bool(finding.remedy) == (state is not State.THERE)


def test_kernel_table_is_read() -> None:
    text = f"""[{{"dst":"default","gateway":"192.0.2.1","dev":"eth0","flags":[]}},
               {{"dst":"192.0.2.0/24","dev":"eth0","protocol":"kernel","flags":[]}},
               {{"dst":"192.0.2.9","dev":"eth0","flags":[]}},
               {{"type":"unreachable","dst":"10.32.0.0/11","metric":{METRIC},"flags":[]}}]"""
    assert parse_routes(text) == (
        DEFAULT,
        route("192.0.2.0/24", "eth0"),
        route("192.0.2.9/32", "eth0"),
        Route(POOL, "", "unreachable", METRIC),
    )
    assert parse_routes("") == ()


def test_default_route_and_ours_overlap_with_nothing() -> None:
    assert overlapping(POOL, (DEFAULT, route("10.32.0.0/11", "", "unreachable"))) == []


def test_what_the_machine_uses() -> None:
    text = "# old: nameserver 10.0.0.9\nnameserver 10.33.0.53\nnameserver fd00::1\noptions timeout:2\n"
    assert name_servers(text) == (use("10.33.0.53"),)
    table = (
        "  sl  local_address rem_address   st tx_queue rx_queue\n"
        "   0: 0200000A:0016 0500220A:C350 01 00000000:00000000\n"
        "   1: 00000000:0016 00000000:0000 0A 00000000:00000000\n"
    )
    assert peers(table) == (InUse(IPv4Address("10.34.0.5"), "connected machine"),)
