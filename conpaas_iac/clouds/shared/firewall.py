"""What a cloud's own firewall lets in to a machine, as data; everything else is closed. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from conpaas_iac.core.declaration import Machine
from conpaas_iac.network import vpn

EVERYWHERE = "0.0.0.0/0"
SSH = 22


@dataclass(frozen=True, order=True)
class Rule:
    """One port that one range of addresses may reach."""

    port: int
    protocol: str  # "tcp", "udp"
    source: str  # "203.0.113.0/24"
    why: str


def common(operators: Iterable[str]) -> tuple[Rule, ...]:
    """To every machine of a place: SSH from the operators, the VPN from everywhere."""
    ssh = (Rule(SSH, "tcp", source, "SSH of the operators") for source in sorted(set(operators)))
    return (*ssh, Rule(vpn.PORT, "udp", EVERYWHERE, "VPN of the application"))


def own(machine: Machine) -> tuple[Rule, ...]:
    """To this machine: its public ports."""
    return tuple(
        sorted(
            Rule(each.port, each.protocol, source, f"public port of {machine.service}")
            for each in machine.ports
            for source in each.sources or (EVERYWHERE,)
        )
    )
