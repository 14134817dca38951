"""The bridge that joins the guests, gives them addresses and leads them outside."""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Interface

from conpaas_iac import lxd
from conpaas_iac.host import ranges
from conpaas_iac.host.inside_lxd import OURS, lxd_errors, shared, waits_for_lxd
from conpaas_iac.host.part import Finding, Say, missing, there, wrong
from conpaas_iac.host.route import Route, overlapping, read_routes
from conpaas_iac.settings import Settings


@dataclass(frozen=True)
class Bridge:
    """The network of the guests: NAT to the outside, addresses by DHCP."""

    settings: Settings
    name: str = "bridge"

    def look(self) -> Finding:
        if waiting := waits_for_lxd(self.settings):
            return waiting
        with lxd_errors("looking at LXD's bridge"):
            found = lxd.absent_is_none(shared(self.settings).networks.get, self.settings.lxd_bridge)
        config = None if found is None else found.config
        return decide(self.settings, config, read_routes())

    def mend(self, say: Say) -> None:
        address = gateway(self.settings)
        say(f"bridge {self.settings.lxd_bridge}: {address}, DHCP, NAT, no IPv6")
        config = {"ipv4.address": str(address), "ipv4.nat": "true", "ipv4.dhcp": "true", "ipv6.address": "none", **OURS}
        with lxd_errors("making the bridge"):
            shared(self.settings).networks.create(
                self.settings.lxd_bridge, description="conpaas applications", type="bridge", config=config
            )


def gateway(settings: Settings) -> IPv4Interface:
    """This machine's address on the bridge: the first of its range."""
    network = ranges.bridge(settings)
    return IPv4Interface(f"{network[1]}/{network.prefixlen}")


def decide(settings: Settings, config: Mapping[str, str] | None, routes: tuple[Route, ...]) -> Finding:
    """A bridge of ours has to have our range; one of the user's is taken as it is; a range in use is refused."""
    name, wanted = settings.lxd_bridge, gateway(settings)
    if config is None:
        others = [route for route in overlapping(wanted.network, routes) if route.device != name]
        if others:
            return wrong(
                f"this machine already uses {others[0]}, which overlaps the bridge's {wanted.network}",
                "set CONPAAS_LXD_BRIDGE_RANGE to a free range inside the address pool",
            )
        return missing(f"no bridge {name}")
    address = config.get("ipv4.address", "none")
    if "user.conpaas" in config and address != str(wanted):
        return wrong(
            f"{name} has {address}, the settings say {wanted}",
            f"set CONPAAS_LXD_BRIDGE_RANGE to {IPv4Interface(address).network}, "
            f"or remove the bridge: lxc network delete {name}",
        )
    if address == "none" or config.get("ipv4.dhcp", "true") == "false":
        return wrong(f"{name} gives guests no IPv4 address", "name another bridge in CONPAAS_LXD_BRIDGE")
    return there(f"{name}, {address}")
