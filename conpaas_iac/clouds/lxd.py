"""LXD on this machine: system containers with systemd, each an honest small machine."""

import re
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING, Any

from conpaas_iac import lxd
from conpaas_iac.catalog import ServiceType
from conpaas_iac.clouds.base import Seen, Tagged
from conpaas_iac.core.declaration import Declaration, Machine
from conpaas_iac.errors import UserError
from conpaas_iac.host import base_image
from conpaas_iac.host.bridge import gateway
from conpaas_iac.machines.configure import Executor
from conpaas_iac.runs.events import Listener
from conpaas_iac.settings import Settings

if TYPE_CHECKING:
    import pulumi

    from conpaas_iac.provider.sdk import Identity

SUMMARY = "system containers on this machine"
MACHINE = "conpaas:lxd:Instance"
MTU = 1500
KEEPS_ADDRESS = True
BAKES = True
LONGEST_NAME = 63


def machine_name(application: str, environment: str, node: str) -> str:
    """Unique among all applications: slugs never hold a double hyphen."""
    name = "--".join((application, node) if environment == "default" else (application, environment, node))
    if len(name) > LONGEST_NAME:
        raise UserError(
            f"the machine of {node} would be called {name}: {len(name)} characters, LXD takes {LONGEST_NAME}",
            "give the application, the environment or the service a shorter name",
        )
    return name


def declare(
    declaration: Declaration, machines: tuple[Machine, ...], identity: "Identity", settings: Settings
) -> Mapping[str, "pulumi.Output[Any]"]:
    """The application's machines; node -> {id, ip, hostKey}."""
    import pulumi

    from conpaas_iac.provider.sdk import Instance

    common = {"owner": identity.owner, "application": declaration.application}
    place = {
        "project": settings.lxd_project,
        "publicKey": identity.publicKey,
        "backend": settings.origin,
    }
    made: dict[str, pulumi.Output[Any]] = {}
    for machine in machines:
        name = machine_name(declaration.application, declaration.environment, machine.resource)
        instance = Instance(machine.resource, {"name": name, **_inputs(machine), **place, **common})
        made[machine.node] = pulumi.Output.all(id=instance.id, ip=instance.ip, hostKey=instance.hostKey)
    return made


def _inputs(machine: Machine) -> dict[str, Any]:
    return {
        "node": machine.node,
        "service": machine.service,
        "type": machine.type,
        "address": machine.address,
        "cpu": machine.cpu,
        "memory": machine.memory,
        "image": machine.image,
        "incarnation": machine.incarnation,
    }


def applied(inputs: Mapping[str, Any]) -> Machine:
    """Numbers of the checkpoint may be floats."""
    return Machine(
        node=inputs["node"],
        service=inputs["service"],
        type=inputs["type"],
        cloud="lxd",
        address=inputs["address"],
        cpu=int(inputs["cpu"]),
        memory=int(inputs["memory"]),
        image=inputs["image"],
        incarnation=int(inputs["incarnation"]),
    )


def inventory(owner: str, settings: Settings) -> tuple[Seen, ...]:
    """Machines of our project that carry the owner's tag."""
    return tuple(_seen(instance) for instance in _list(settings) if instance["config"].get(lxd.OWNER) == owner)


def everything(settings: Settings) -> tuple[Tagged, ...]:
    """Machines of our project that carry an owner's tag."""
    return tuple(_tagged(instance) for instance in _list(settings) if instance["config"].get(lxd.OWNER))


def _list(settings: Settings) -> list[dict[str, Any]]:
    with lxd.errors("list of machines"):
        # pylxd's objects lose the state that comes with recursion=2.
        found: list[dict[str, Any]] = lxd.connect(settings).api.instances.get(params={"recursion": 2}).json()[
            "metadata"
        ]
    return found


def _tagged(instance: Mapping[str, Any]) -> Tagged:
    config, made = instance["config"], instance.get("created_at")
    return Tagged(
        owner=config[lxd.OWNER],
        application=config.get(lxd.APPLICATION, ""),
        seen=_seen(instance),
        made=datetime.fromisoformat(made) if made else None,
        origin=config.get(lxd.BACKEND, ""),
    )


def _seen(instance: Mapping[str, Any]) -> Seen:
    config, interfaces = instance["config"], (instance["state"] or {}).get("network") or {}
    ips = (each["address"] for each in interfaces.get("eth0", {}).get("addresses", ()) if each["family"] == "inet")
    return Seen(
        node=config[lxd.NODE],
        id=config.get("volatile.uuid", ""),
        name=instance["name"],
        running=instance["status"] == "Running",
        incarnation=int(config[lxd.INCARNATION]),
        ip=next(ips, ""),
        cpu=cores(config.get("limits.cpu", "")),
        memory=mebibytes(config.get("limits.memory", "")),
        port=int(config.get(lxd.SSH_PORT, "22")),
    )


def cores(text: str) -> int | None:
    """Of "2", of a set as "0-3,6", or of nothing."""
    try:
        spans = [[int(end) for end in part.split("-")] for part in text.split(",")] if text else []
    except ValueError:
        return None
    return spans[0][0] if text.isdigit() else sum(1 + span[-1] - span[0] for span in spans)


def mebibytes(text: str) -> int | None:
    """Of "1024MiB" or "2GB"; a share of the host's memory is no size."""
    match = re.fullmatch(r"(\d+) ?([KMGT]?)(i?)B?", text)
    if not match:
        return None if text else 0
    unit: int = (1024 if match[3] else 1000) ** " KMGT".index(match[2] or " ")
    return int(match[1]) * unit // 2**20


def operators(settings: Settings) -> tuple[str, ...]:
    """This host, as guests see it: the bridge."""
    return (str(gateway(settings).ip),)


def start(names: Iterable[str], settings: Settings) -> None:
    """All at once."""
    from conpaas_iac.provider.lxd_instance import wait_for_ssh

    def one(instance: Any) -> None:
        if instance.status == "Frozen":
            instance.unfreeze(wait=True)
        else:
            instance.start(wait=True)
        wait_for_ssh(instance)

    _each(names, "start", one, settings)


def stop(names: Iterable[str], settings: Settings) -> None:
    """All at once; a machine that does not obey within 30 s is stopped hard."""
    _each(names, "stop", lambda instance: instance.stop(timeout=30, force=False, wait=True), settings)


def resize(sizes: Mapping[str, tuple[int, int]], settings: Settings) -> None:
    """All at once; guests see it at once."""
    from conpaas_iac.provider.lxd_instance import limits

    def one(instance: Any) -> None:
        instance.config.update(limits(*sizes[instance.name]))
        instance.save(wait=True)

    _each(sizes, "new size", one, settings)


def remove(names: Iterable[str], settings: Settings) -> None:
    """All at once, running or not; gone already is fine."""

    def one(instance: Any) -> None:
        if instance.status != "Stopped":
            instance.stop(force=True, wait=True)
        instance.delete(wait=True)

    _each(names, "removal", one, settings, may_be_gone=True)


def _each(
    names: Iterable[str], verb: str, act: Callable[[Any], None], settings: Settings, may_be_gone: bool = False
) -> None:
    client = lxd.connect(settings)

    def one(name: str) -> None:
        with lxd.errors(f"{verb} of machine {name}"):
            get = client.instances.get
            instance = lxd.absent_is_none(get, name) if may_be_gone else get(name)
            if instance is not None:
                act(instance)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, names))


def image(kind: ServiceType, settings: Settings) -> str:
    """Base image and install tasks name it, so it changes with either."""
    base = base_image.alias(settings).rpartition("-")[2]
    return f"conpaas-{kind.name}-{kind.install_digest[:6]}{base[:6]}"


def bake(kind: ServiceType, settings: Settings, listen: Listener, execute: Executor) -> None:
    """Boot the base image, run the type's install tasks, publish what came out."""
    from conpaas_iac.provider.lxd_image import bake as bake_image

    name = image(kind, settings)
    with lxd.errors(f"image {name}"):
        if lxd.absent_is_none(lxd.connect(settings).images.get_by_alias, name) is None:
            bake_image(kind, name, settings, listen, execute)
