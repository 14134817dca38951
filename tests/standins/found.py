"""Founding a stand-in cloud and clearing it away."""

import json
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from conpaas_iac import lxd, settings
from conpaas_iac.host import base_image
from tests.standins import initialise
from tests.standins.lab import POOL, PREFIX, RECORD, Lab, remove_bridge

# What our own images hold more than those of a cloud.
BARE = """set -e
dpkg --purge nftables python3-apt
systemctl disable -q nebula.service
cd /etc && rm systemd/system/nebula.service ssh/sshd_config.d/conpaas.conf systemd/journald.conf.d/conpaas.conf
rm apt/apt.conf.d/90conpaas dpkg/dpkg.cfg.d/conpaas /usr/local/bin/nebula /usr/local/bin/nebula-cert
rmdir /etc/nebula
sync
"""

BIN = Path(__file__).with_name("bin")
DEBIAN = "debian-12-amd64-20251103-2286"
DEBIANS_ACCOUNT = "136693071363"  # that images on AWS are of


@contextmanager
def cloud(kind: str, public: str, images: Mapping[str, Any] | None = None, **told: str) -> Iterator[Lab]:
    """A cloud with a Debian image and public addresses of the range `public`; nothing of it is left at the end."""
    name = f"st-{kind}-{uuid.uuid4().hex[:6]}"
    host = lxd.connect(settings.load(), project="default")
    features = {f"features.{each}": "false" for each in ("images", "profiles", "networks")}
    config = {**features, f"{PREFIX}public": public, f"{PREFIX}external": str(uuid.uuid4())}
    config |= {PREFIX + key.replace("_", "."): value for key, value in told.items()}
    try:
        host.api.projects.post(json={"name": name, "description": "stand-in of the tests", "config": config})
        lab = Lab(name)
        publish(lab, {"label": DEBIAN, **(images or {})})
        yield lab
    finally:
        clear(name)


def publish(lab: Lab, image: Mapping[str, Any]) -> None:
    """An image is a container that never runs: servers are copies of it, which a btrfs pool makes at once."""
    configured, key = settings.load(), uuid.uuid4().hex[:8]
    ours = lxd.connect(configured)
    source = {"type": "image", "alias": base_image.alias(configured)}
    root = {"root": {"type": "disk", "path": "/", "pool": POOL}}
    name = f"image-{key}"
    made = ours.instances.create({"name": name, "source": source, "profiles": [], "devices": root}, wait=True)
    try:
        made.start(wait=True)
        code, _, said = made.execute(["sh", "-c", f"{initialise.UP}\n{BARE}"])
        assert not code, said
        made.stop(force=True, wait=True)
        record = {"id": str(uuid.uuid4()), "name": name, "owner": DEBIANS_ACCOUNT, **image}
        body = {
            "name": name,
            "profiles": [],
            "devices": root,
            "config": {RECORD: json.dumps(record)},
            "source": {"type": "copy", "source": name, "project": ours.project, "instance_only": True},
        }
        lab.client.instances.create(body, wait=True)
    finally:
        if made.state().status != "Stopped":
            made.stop(force=True, wait=True)
        made.delete(wait=True)


def clear(name: str) -> None:
    """Whatever is left of it."""
    host = lxd.connect(settings.load(), project="default")
    inside = lxd.connect(settings.load(), project=name)
    if not any(each.name == name for each in host.projects.all()):
        return
    for each in inside.instances.all():
        if each.status != "Stopped":
            each.stop(force=True, wait=True)
        each.delete(wait=True)
    for key in Lab(name).all("volume"):
        Lab(name).remove_volume(key)
    for network in host.networks.all():
        if network.description == name:
            remove_bridge(host, network.name)
    host.projects.get(name).delete()


def plugins_on_path(path: str) -> str:
    """PATH with the stand-ins before everything else."""
    assert shutil.which("pulumi-resource-openstack", path=str(BIN))
    return f"{BIN}:{path}"
