"""The profile that every guest of ours is made with."""

from dataclasses import dataclass
from ipaddress import IPv4Interface
from typing import Any

from conpaas_iac import lxd
from conpaas_iac.host.bridge import gateway
from conpaas_iac.host.inside_lxd import OURS, lxd_errors, shared, waits_for_project
from conpaas_iac.host.part import Finding, Say, missing, there
from conpaas_iac.settings import Settings

PROFILE = "conpaas"


@dataclass(frozen=True)
class Profile:
    """What every guest of ours begins with: a disk, a network interface, a name server."""

    settings: Settings
    name: str = "profile"

    def look(self) -> Finding:
        if waiting := waits_for_project(self.settings):
            return waiting
        with lxd_errors("looking at LXD's profile"):
            connection = lxd.connect(self.settings)
            found = lxd.absent_is_none(connection.profiles.get, PROFILE)
            if found is None:
                return missing(f"no profile {PROFILE}")
            wanted = self._wanted()
        if {**found.config, **wanted["config"]} != found.config or {
            **found.devices,
            **wanted["devices"],
        } != found.devices:
            return missing(f"profile {PROFILE} is not as the settings say: pool, bridge, name server, devices")
        return there(PROFILE)

    def mend(self, say: Say) -> None:
        say(f"profile {PROFILE}: disk on {self.settings.lxd_pool}, eth0 on {self.settings.lxd_bridge}")
        with lxd_errors("making the profile"):
            connection = lxd.connect(self.settings)
            found = lxd.absent_is_none(connection.profiles.get, PROFILE)
            wanted = self._wanted()
            if found is None:
                connection.profiles.create(PROFILE, **wanted)
                return
            found.config, found.devices = {**found.config, **wanted["config"]}, {**found.devices, **wanted["devices"]}
            found.save(wait=True)

    def _wanted(self) -> dict[str, Any]:
        bridge = lxd.absent_is_none(shared(self.settings).networks.get, self.settings.lxd_bridge)
        address = bridge.config.get("ipv4.address") if bridge else None
        resolver = str(IPv4Interface(address or gateway(self.settings)).ip)
        return {
            "config": {"user.conpaas.resolver": resolver, **OURS},
            "devices": {
                "root": {"type": "disk", "path": "/", "pool": self.settings.lxd_pool},
                "eth0": {"type": "nic", "name": "eth0", "network": self.settings.lxd_bridge},
                "tun": {"type": "unix-char", "path": "/dev/net/tun"},  # for the VPN
            },
        }
