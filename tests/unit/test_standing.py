"""Which machines of several clouds all others can reach: those ask and relay; where there is none, it is said."""

from dataclasses import replace

import pytest
import yaml

from conpaas_iac.core.topology import Topology
from conpaas_iac.errors import UserError
from conpaas_iac.network import standing, vpn
from conpaas_iac.network.standing import Standing
from tests.builders import build, service

LAB, DESK = Standing("lxd bridge"), Standing("lxd bridge", keeps_address=False)
EC2, UNI = Standing("vpc", is_public=True), Standing("campus")


def mixed() -> Topology:
    return build(
        service("db", cloud="lab", counts={"backend": 3}),
        service("web", cloud="ec2", counts={"backend": 2}),
    )


def ips(layout: Topology) -> dict[str, str]:
    return {node.name: f"192.0.2.{number}" for number, node in enumerate(layout.nodes, 1)}


def test_on_one_network_everybody_is_reached() -> None:
    layout = mixed()
    for known in ({"lab": LAB, "ec2": DESK}, {}):
        assert all(place.reachable for place in standing.places(layout, ips(layout), known).values())


def test_on_several_those_with_public_addresses_are_asked_and_relay() -> None:
    layout = mixed()
    known = standing.places(layout, ips(layout), {"lab": LAB, "ec2": EC2})
    assert {name for name, place in known.items() if place.reachable} == {"web-1", "web-2"}
    assert [node.name for node in vpn.lighthouses(layout, known, ("db-1",))] == ["web-1", "web-2"]
    texts = {name: yaml.safe_load(text) for name, text in vpn.configurations(layout, known).items()}
    assert texts["db-1"]["relay"]["relays"] == [str(layout.node(f"web-{number}").address) for number in (1, 2)]
    assert texts["db-1"]["lighthouse"]["advertise_addrs"] == []
    assert texts["web-1"]["relay"] == {"am_relay": True, "use_relays": True, "relays": []}


def test_clouds_that_cannot_reach_one_another_are_said() -> None:
    layout = mixed()
    with pytest.raises(UserError, match="no machine on ec2, lab can be reached from all of them") as raised:
        standing.refuse_apart(layout, {"lab": LAB, "ec2": UNI})
    assert "public addresses" in raised.value.remedy
    standing.refuse_apart(layout, {"lab": LAB, "ec2": EC2})
    standing.refuse_apart(layout, {"lab": LAB, "ec2": DESK})
    alone = replace(layout, services=layout.services[:1])
    standing.refuse_apart(alone, {"lab": UNI})


def test_an_address_stays_on_its_network() -> None:
    known = {"lab": LAB, "cellar": LAB, "desk": DESK, "ec2": EC2}
    assert standing.keeps(known, "lab", "cellar")
    assert standing.keeps(known, "desk", "lab")
    assert not standing.keeps(known, "lab", "desk")
    assert not standing.keeps(known, "lab", "ec2")
    assert not standing.keeps(known, "gone", "lab")
