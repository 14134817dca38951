"""What a machine is told at its first boot, as cloud-init takes it: its name, who may log in, its one-time host key.

A machine of a type that keeps data has a volume of its own for it, which outlives the machine. It is made usable by a
unit that waits for it: the volume comes when the machine already runs. Pure.
"""

import json
from dataclasses import dataclass
from typing import Any

DATA = "/usr/local/sbin/conpaas-data"
UNIT = "conpaas-data.service"


@dataclass(frozen=True)
class Volume:
    """Where a machine finds its data volume, and where its data is to be."""

    device: str  # "/dev/disk/by-id/…"
    path: str  # "/var/lib/mysql"


def cloud_config(node: str, login: str, private: str, public: str, volume: Volume | None = None) -> str:
    """`login` is the public half of the login key; `private` and `public` are the one-time host key."""
    config: dict[str, Any] = {
        "hostname": node,
        "preserve_hostname": False,
        "manage_etc_hosts": False,
        "users": [],
        "disable_root": False,
        "ssh_pwauth": False,
        "ssh_authorized_keys": [login],
        "ssh_deletekeys": True,
        "ssh_keys": {"ed25519_private": private, "ed25519_public": public},
        "ssh_publish_hostkeys": {"enabled": False},
        "package_update": False,
    }
    if volume:
        config["write_files"] = [
            {"path": DATA, "permissions": "0755", "content": _script(volume)},
            {"path": f"/etc/systemd/system/{UNIT}", "permissions": "0644", "content": _unit(volume)},
        ]
        config["runcmd"] = [["systemctl", "enable", "--now", "--no-block", UNIT]]
    return "#cloud-config\n" + json.dumps(config, indent=1) + "\n"


def _script(volume: Volume) -> str:
    """A volume that holds a file system is never formatted."""
    return f"""#!/bin/sh
set -eu
device={volume.device}
tries=0
until [ -b "$device" ]; do
    tries=$((tries + 1))
    [ "$tries" -le 600 ] || {{ echo "$device did not come within 600 s" >&2; exit 1; }}
    sleep 1
done
device=$(readlink -f "$device")
type=$(blkid -p -o value -s TYPE "$device" || true)
[ -n "$type" ] || mkfs.ext4 -q -L conpaas "$device"
mkdir -p {volume.path}
mountpoint -q {volume.path} || mount -o nofail "$device" {volume.path}
rmdir {volume.path}/lost+found 2>/dev/null || true
"""


def _unit(volume: Volume) -> str:
    return f"""[Unit]
Description=Volume of the data in {volume.path}
After=local-fs.target
Before=mariadb.service conpaas-mysql.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart={DATA}

[Install]
WantedBy=multi-user.target
"""
