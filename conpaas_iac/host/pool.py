"""The storage pool."""

from dataclasses import dataclass
from typing import Any

from conpaas_iac import lxd
from conpaas_iac.errors import UserError
from conpaas_iac.host import machine
from conpaas_iac.host.inside_lxd import OURS, lxd_errors, shared, waits_for_lxd
from conpaas_iac.host.part import Finding, Say, missing, there
from conpaas_iac.settings import Settings

LEAST_GIB = 4
MOST_GIB = 100


@dataclass(frozen=True)
class Pool:
    """Where the guests' disks are; a pool of the user's, of any driver, does as well."""

    settings: Settings
    name: str = "storage"

    def look(self) -> Finding:
        if waiting := waits_for_lxd(self.settings):
            return waiting
        with lxd_errors("looking at LXD's storage pool"):
            pool = lxd.absent_is_none(shared(self.settings).storage_pools.get, self.settings.lxd_pool)
        if pool is None:
            return missing(f"no storage pool {self.settings.lxd_pool}")
        slow = " (guests start about 4 s slower than on btrfs)" if pool.driver == "dir" else ""
        return there(f"{pool.name}, {pool.driver}{slow}")

    def mend(self, say: Say) -> None:
        connection = shared(self.settings)
        folder = lxd.socket_path(self.settings).parent
        wanted = definition(self.settings.lxd_pool, _drivers(connection), machine.free_gib(folder))
        config = wanted["config"]
        size = f", a file that grows up to {config['size']}" if "size" in config else ""
        say(f"storage pool {wanted['name']}: {wanted['driver']}{size}")
        with lxd_errors("making the storage pool"):
            connection.storage_pools.create(wanted)


def _drivers(connection: Any) -> frozenset[str]:
    known = connection.host_info["environment"].get("storage_supported_drivers") or []
    return frozenset(driver["Name"] for driver in known)


def definition(name: str, drivers: frozenset[str], free_gib: float) -> dict[str, Any]:
    """btrfs in a sparse file of half the free disk, within bounds; a plain folder where there is no btrfs."""
    if free_gib < LEAST_GIB:
        raise UserError(f"the storage pool needs {LEAST_GIB} GiB, and {free_gib:.1f} GiB are free", machine.MAKE_ROOM)
    if "btrfs" not in drivers:
        return {"name": name, "driver": "dir", "config": dict(OURS)}
    size = int(min(max(free_gib / 2, LEAST_GIB), MOST_GIB))
    return {"name": name, "driver": "btrfs", "config": {"size": f"{size}GiB", **OURS}}
