"""Baking: a machine with a service type's packages becomes an image, so that the next one boots with them in place."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from conpaas_iac import lxd
from conpaas_iac.catalog import ServiceType
from conpaas_iac.core.render import Tree
from conpaas_iac.errors import MachineError
from conpaas_iac.host import base_image
from conpaas_iac.machines.configure import Executor
from conpaas_iac.machines.ssh import access
from conpaas_iac.machines.visit import Visit
from conpaas_iac.provider.identity import ssh_key_pair
from conpaas_iac.provider.lxd_instance import Instance
from conpaas_iac.runs.events import Event, Listener
from conpaas_iac.settings import Settings
from conpaas_iac.system.flock import alone

OVEN = {"cpu": 2, "memory": 2048}


def bake(kind: ServiceType, name: str, settings: Settings, listen: Listener, execute: Executor) -> None:
    """Make image `name` of a service type; one bake of it at a time."""
    with alone(settings, name):
        listen(Event("image", "started", text=f"baking {name}: the packages of {kind.name}, once"))
        login, public = ssh_key_pair("bake")
        with _oven(name, public, settings) as (made, instance):
            clients = tuple(each.name for each in kind.clients)
            visit = Visit(name, made["ip"], kind.name, (), Tree.empty(name), baked=False, clients=clients)
            with access(login, {name: made}) as way:
                outcome = execute("bake", [visit], way, listen)
            if outcome.failures:
                raise MachineError(f"the packages of {kind.name} could not be installed", outcome.failures)
            instance.stop(timeout=30, force=False, wait=True)
            image = instance.publish(wait=True, compression_algorithm="zstd")
            image.add_alias(name, f"conpaas {kind.name}")
        listen(Event("image", "done", text=name))


@contextmanager
def _oven(name: str, public: str, settings: Settings) -> Iterator[tuple[dict[str, str], Any]]:
    """A machine from the base image that is removed afterwards, and before, should a killed bake have left it."""
    inputs = {
        "name": f"bake--{name}",
        "node": "bake",
        "application": "conpaas",
        "owner": str(uuid.uuid4()),
        "incarnation": 1,
        "image": base_image.alias(settings),
        "project": settings.lxd_project,
        "address": "",
        "publicKey": public,
        "backend": settings.origin,
        **OVEN,
    }
    client = lxd.connect(settings)
    _discard(client, inputs["name"])
    try:
        made = Instance().create(inputs)
        yield dict(made.outputs), client.instances.get(inputs["name"])
    finally:
        _discard(client, inputs["name"])


def _discard(client: Any, name: object) -> None:
    left = lxd.absent_is_none(client.instances.get, str(name))
    if left is not None:
        if left.status != "Stopped":
            left.stop(force=True, wait=True)
        left.delete(wait=True)
