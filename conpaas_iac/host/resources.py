"""What set-up makes inside LXD: project, storage pool, bridge, profile. What the user has is used, never changed."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Interface, IPv4Network
from pathlib import Path
from typing import Any

from conpaas_iac import lxd
from conpaas_iac.errors import ConpaasError, UserError
from conpaas_iac.host import machine
from conpaas_iac.host.daemon import Answer, knock
from conpaas_iac.host.part import Finding, Say, missing, there, unknown, wrong
from conpaas_iac.host.route import overlapping, read_routes
from conpaas_iac.settings import Settings

PROFILE = "conpaas"
OURS = {"user.conpaas": "made by conpaas setup"}
PROJECT = {"features.images": "true", "features.profiles": "true", "features.networks": "false",
           "features.storage.volumes": "true"}


@contextmanager
def lxd_errors(what: str) -> Iterator[None]:
    """LXD's refusals as one line with a remedy."""
    try:
        with lxd.errors(what):
            yield
    except UserError:
        raise
    except ConpaasError as error:
        raise UserError(error.message, machine.remedy(error.message) or error.remedy) from error


def reachable(settings: Settings) -> bool:
    """Whether the daemon answers at all: the parts below can only be looked at when it does."""
    return knock(lxd.socket_path(settings)) is Answer.YES


def client(settings: Settings) -> Any:
    """pools and bridges are not in a project of their own: LXD keeps them in `default`."""
    return lxd.connect(settings, "default")


WAITS = "cannot be looked at before LXD answers"


@dataclass(frozen=True)
class Project:
    """Machines, images and profiles live in a project of ours."""

    settings: Settings
    name: str = "project"

    def look(self) -> Finding:
        if not reachable(self.settings):
            return unknown(WAITS)
        with lxd_errors("looking at LXD's project"):
            found = lxd.absent_is_none(client(self.settings).projects.get, self.settings.lxd_project)
        return there(self.settings.lxd_project) if found else missing(f"no LXD project {self.settings.lxd_project}")

    def mend(self, say: Say) -> None:
        say(f"LXD project {self.settings.lxd_project}: images and profiles of its own, networks shared")
        with lxd_errors("making LXD's project"):
            client(self.settings).projects.create(
                self.settings.lxd_project, description="conpaas applications", config={**PROJECT, **OURS}
            )


@dataclass(frozen=True)
class Pool:
    """Where the guests' disks are; a pool of the user's, of any driver, does as well."""

    settings: Settings
    name: str = "storage"

    def look(self) -> Finding:
        if not reachable(self.settings):
            return unknown(WAITS)
        with lxd_errors("looking at LXD's storage pool"):
            pool = lxd.absent_is_none(client(self.settings).storage_pools.get, self.settings.lxd_pool)
        if pool is None:
            return missing(f"no storage pool {self.settings.lxd_pool}")
        slow = " (guests start about 4 s slower than on btrfs)" if pool.driver == "dir" else ""
        return there(f"{pool.name}, {pool.driver}{slow}")

    def mend(self, say: Say) -> None:
        connection = client(self.settings)
        folder = lxd.socket_path(self.settings).parent
        definition = pool_definition(self.settings.lxd_pool, _drivers(connection), machine.free_gib(folder))
        config = definition["config"]
        size = f", a file that grows up to {config['size']}" if "size" in config else ""
        say(f"storage pool {definition['name']}: {definition['driver']}{size}")
        with lxd_errors("making the storage pool"):
            connection.storage_pools.create(definition)


def _drivers(connection: Any) -> frozenset[str]:
    known = connection.host_info["environment"].get("storage_supported_drivers") or []
    return frozenset(driver["Name"] for driver in known)


def pool_definition(name: str, drivers: frozenset[str], free_gib: float) -> dict[str, Any]:
    """btrfs in a sparse file of half the free disk, within bounds; a plain folder where there is no btrfs."""
    if free_gib < 4:
        raise UserError(f"the storage pool needs 4 GiB, and {free_gib:.1f} GiB are free",
                        "make room on the disk (df -h), then run conpaas setup again")
    if "btrfs" not in drivers:
        return {"name": name, "driver": "dir", "config": dict(OURS)}
    size = int(min(max(free_gib / 2, 4), 100))
    return {"name": name, "driver": "btrfs", "config": {"size": f"{size}GiB", **OURS}}


@dataclass(frozen=True)
class Bridge:
    """The network of the guests: NAT to the outside, addresses by DHCP."""

    settings: Settings
    name: str = "bridge"

    def look(self) -> Finding:
        if not reachable(self.settings):
            return unknown(WAITS)
        with lxd_errors("looking at LXD's bridge"):
            found = lxd.absent_is_none(client(self.settings).networks.get, self.settings.lxd_bridge)
        config = None if found is None else found.config
        return decide_bridge(self.settings, config, read_routes())

    def mend(self, say: Say) -> None:
        address = gateway(self.settings)
        say(f"bridge {self.settings.lxd_bridge}: {address}, DHCP, NAT, no IPv6")
        config = {"ipv4.address": str(address), "ipv4.nat": "true", "ipv4.dhcp": "true", "ipv6.address": "none", **OURS}
        with lxd_errors("making the bridge"):
            client(self.settings).networks.create(
                self.settings.lxd_bridge, description="conpaas applications", type="bridge", config=config
            )


def gateway(settings: Settings) -> IPv4Interface:
    """This machine's address on the bridge: the first of its range."""
    network = IPv4Network(settings.lxd_bridge_range)
    return IPv4Interface(f"{network[1]}/{network.prefixlen}")


def decide_bridge(settings: Settings, config: dict[str, str] | None, routes: tuple[Any, ...]) -> Finding:
    """A bridge of ours has to have our range; one of the user's is taken as it is; a range in use is refused."""
    name, wanted = settings.lxd_bridge, gateway(settings)
    if config is None:
        others = [route for route in overlapping(wanted.network, routes) if route.device != name]
        if others:
            return wrong(f"this machine already uses {others[0]}, which overlaps the bridge's {wanted.network}",
                         "set CONPAAS_LXD_BRIDGE_RANGE to a free range inside the address pool")
        return missing(f"no bridge {name}")
    address = config.get("ipv4.address", "none")
    if "user.conpaas" in config and address != str(wanted):
        return wrong(f"{name} has {address}, the settings say {wanted}",
                     f"set CONPAAS_LXD_BRIDGE_RANGE to {IPv4Interface(address).network}, "
                     f"or remove the bridge: lxc network delete {name}")
    if address == "none" or config.get("ipv4.dhcp", "true") == "false":
        return wrong(f"{name} gives guests no IPv4 address", "name another bridge in CONPAAS_LXD_BRIDGE")
    return there(f"{name}, {address}")


@dataclass(frozen=True)
class Profile:
    """What every guest of ours begins with: a disk, a network interface, a name server."""

    settings: Settings
    name: str = "profile"

    def look(self) -> Finding:
        if not reachable(self.settings):
            return unknown(WAITS)
        with lxd_errors("looking at LXD's profile"):
            connection = lxd.connect(self.settings)
            if lxd.absent_is_none(connection.projects.get, self.settings.lxd_project) is None:
                return unknown("cannot be looked at before the project is there")
            found = lxd.absent_is_none(connection.profiles.get, PROFILE)
            if found is None:
                return missing(f"no profile {PROFILE}")
            wanted = self._wanted(connection)
        if {**found.config, **wanted["config"]} != found.config or found.devices != wanted["devices"]:
            return missing(f"profile {PROFILE} names another pool, bridge or name server than the settings")
        return there(PROFILE)

    def mend(self, say: Say) -> None:
        say(f"profile {PROFILE}: disk on {self.settings.lxd_pool}, eth0 on {self.settings.lxd_bridge}")
        with lxd_errors("making the profile"):
            connection = lxd.connect(self.settings)
            found = lxd.absent_is_none(connection.profiles.get, PROFILE)
            wanted = self._wanted(connection)
            if found is None:
                connection.profiles.create(PROFILE, **wanted)
                return
            found.config, found.devices = {**found.config, **wanted["config"]}, wanted["devices"]
            found.save(wait=True)

    def _wanted(self, connection: Any) -> dict[str, Any]:
        bridge = lxd.absent_is_none(lxd.connect(self.settings, "default").networks.get, self.settings.lxd_bridge)
        address = bridge.config.get("ipv4.address") if bridge else None
        resolver = str(IPv4Interface(address or gateway(self.settings)).ip)
        return {
            "config": {"user.conpaas.resolver": resolver, **OURS},
            "devices": {
                "root": {"type": "disk", "path": "/", "pool": self.settings.lxd_pool},
                "eth0": {"type": "nic", "name": "eth0", "network": self.settings.lxd_bridge},
            },
        }


def socket_folder(settings: Settings) -> Path:
    """Where LXD keeps its things, for questions about the disk."""
    return lxd.socket_path(settings).parent
