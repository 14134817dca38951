"""How machines of a cloud are reached: on which network they are, and whether from everywhere. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from conpaas_iac.core.topology import Topology
from conpaas_iac.errors import UserError
from conpaas_iac.network.vpn import Place


@dataclass(frozen=True)
class Standing:
    """Machines of clouds with the same `network` reach each other without the VPN."""

    network: str
    is_public: bool = False  # they have addresses that are reached from everywhere
    keeps_address: bool = True  # a machine that is made anew has the one that it had


Standings = Mapping[str, Standing]  # by cloud


def places(topology: Topology, ips: Mapping[str, str], standings: Standings) -> dict[str, Place]:
    """Where each machine is whose address is known, and whether all others can send to it."""
    clouds = {node.name: node.cloud for node in topology.nodes}
    is_one = len({standings[cloud].network for cloud in clouds.values() if cloud in standings}) <= 1
    public = {cloud for cloud, standing in standings.items() if standing.is_public}
    known = (name for name in clouds if name in ips)
    return {name: Place(ips[name], is_one or clouds[name] in public) for name in known}


def keeps(standings: Standings, before: str, after: str) -> bool:
    """Whether a machine that is made anew, maybe on another cloud, has the address that it had."""
    here, there = standings.get(before), standings.get(after)
    return bool(here and there and here.network == there.network and there.keeps_address)


def refuse_apart(topology: Topology, standings: Standings) -> None:
    """Raises UserError where machines would not find each other: no cloud of several can be reached by the others."""
    used = sorted({node.cloud for node in topology.nodes})
    networks = {standings[cloud].network for cloud in used}
    if len(networks) > 1 and not any(standings[cloud].is_public for cloud in used):
        raise UserError(
            f"{topology.application}: no machine on {', '.join(used)} can be reached from all of them, so they would "
            "not find each other",
            "place one machine on a cloud with public addresses",
        )
