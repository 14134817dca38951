"""LXD on this machine: system containers with systemd, each an honest small machine."""

from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from conpaas_iac import lxd
from conpaas_iac.catalog import ServiceType
from conpaas_iac.clouds import base
from conpaas_iac.clouds.base import Seen, Tagged
from conpaas_iac.clouds.shared import naming
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


@dataclass(frozen=True)
class Cloud(base.Cloud):
    """Its machines are in an LXD project: that of the user's settings, or of the place's."""

    SUMMARY = "system containers on this machine"
    SETTINGS: ClassVar[Mapping[str, Any]] = {
        "properties": {
            "Project": {
                "type": "string",
                "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$",
                "description": "LXD project of its machines; to set it up: CONPAAS_LXD_PROJECT=… conpaas setup",
            }
        }
    }  # fmt: skip
    FIXED = ("Project",)
    MACHINE = "conpaas:lxd:Instance"
    MTU = 1500
    KEEPS_ADDRESS = True
    RESIZES = True
    BAKES = True
    ADOPTS = True
    KEYS_IN_USER_DATA = False
    OWN_RESOURCES = False

    @property
    def own(self) -> Settings:
        """The user's settings, with what is set for the place."""
        return replace(self.settings, lxd_project=self.place.settings.get("Project", self.settings.lxd_project))

    @property
    def network(self) -> str:
        """The bridge of this host, which all projects share."""
        return f"lxd {self.settings.lxd_socket} {self.settings.lxd_bridge}"

    def machine_name(self, application: str, environment: str, node: str) -> str:
        """Unique among all applications: slugs never hold a double hyphen."""
        return naming.host_name(application, environment, node, "LXD takes")

    def declare(
        self, declaration: Declaration, machines: tuple[Machine, ...], identity: "Identity"
    ) -> Mapping[str, "pulumi.Output[Any]"]:
        """The application's machines; node -> {id, ip, hostKey}."""
        import pulumi

        from conpaas_iac.provider.sdk import Instance

        common = {"owner": identity.owner, "application": declaration.application}
        place = {
            "cloud": self.place.resource,
            "project": self.own.lxd_project,
            "publicKey": identity.publicKey,
            "backend": self.settings.origin,
        }
        made: dict[str, pulumi.Output[Any]] = {}
        for machine in machines:
            name = self.machine_name(declaration.application, declaration.environment, machine.resource)
            instance = Instance(machine.resource, {"name": name, **_inputs(machine), **place, **common})
            made[machine.node] = pulumi.Output.all(id=instance.id, ip=instance.ip, hostKey=instance.hostKey)
        return made

    @staticmethod
    def applied(inputs: Mapping[str, Any], beside: Mapping[str, Mapping[str, Any]]) -> Machine:
        """Numbers of the checkpoint may be floats."""
        return Machine(
            node=inputs["node"],
            service=inputs["service"],
            type=inputs["type"],
            cloud=inputs.get("cloud", "lxd"),
            address=inputs["address"],
            cpu=int(inputs["cpu"]),
            memory=int(inputs["memory"]),
            image=inputs["image"],
            incarnation=int(inputs["incarnation"]),
        )

    @staticmethod
    def made(outputs: Mapping[str, Any], beside: Mapping[str, Mapping[str, Any]]) -> Mapping[str, str]:
        """The machine itself says both."""
        return {"ip": outputs["ip"], "hostKey": outputs["hostKey"]}

    def preflight(self, machines: Collection[Machine]) -> None:
        """LXD answers, and the place's project is there."""
        project = self.own.lxd_project
        with lxd.errors(f"LXD project {project}"):
            if lxd.absent_is_none(lxd.connect(self.own).projects.get, project) is None:
                raise UserError(f"no LXD project {project}", f"CONPAAS_LXD_PROJECT={project} conpaas setup")

    def inventory(self, owner: str) -> tuple[Seen, ...]:
        """Machines of our project that carry the owner's tag."""
        return tuple(_seen(instance) for instance in _list(self.own) if instance["config"].get(lxd.OWNER) == owner)

    def everything(self) -> tuple[Tagged, ...]:
        """Machines of our project that carry an owner's tag."""
        return tuple(_tagged(instance) for instance in _list(self.own) if instance["config"].get(lxd.OWNER))

    def operators(self) -> tuple[str, ...]:
        """This host, as guests see it: the bridge."""
        return (str(gateway(self.settings).ip),)

    def start(self, names: Iterable[str]) -> None:
        """All at once."""
        from conpaas_iac.provider.lxd_instance import wait_for_ssh

        def one(instance: Any) -> None:
            if instance.status == "Frozen":
                instance.unfreeze(wait=True)
            else:
                instance.start(wait=True)
            wait_for_ssh(instance)

        self._each(names, "start", one)

    def stop(self, names: Iterable[str]) -> None:
        """All at once; a machine that does not obey within 30 s is stopped hard."""
        self._each(names, "stop", lambda instance: instance.stop(timeout=30, force=False, wait=True))

    def resize(self, sizes: Mapping[str, tuple[int, int]]) -> None:
        """All at once; guests see it at once."""
        from conpaas_iac.provider.lxd_instance import limits

        def one(instance: Any) -> None:
            instance.config.update(limits(*sizes[instance.name]))
            instance.save(wait=True)

        self._each(sizes, "new size", one)

    def remove(self, names: Iterable[str]) -> None:
        """All at once, running or not; gone already is fine."""

        def one(instance: Any) -> None:
            if instance.status != "Stopped":
                instance.stop(force=True, wait=True)
            instance.delete(wait=True)

        self._each(names, "removal", one, may_be_gone=True)

    def _each(
        self, names: Iterable[str], verb: str, act: Callable[[Any], None], may_be_gone: bool = False
    ) -> None:
        client = lxd.connect(self.own)

        def one(name: str) -> None:
            with lxd.errors(f"{verb} of machine {name}"):
                get = client.instances.get
                instance = lxd.absent_is_none(get, name) if may_be_gone else get(name)
                if instance is not None:
                    act(instance)

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(one, names))

    def image(self, kind: ServiceType) -> str:
        """Base image and install tasks name it, so it changes with either."""
        digest = base_image.alias(self.settings).rpartition("-")[2]
        return f"conpaas-{kind.name}-{kind.install_digest[:6]}{digest[:6]}"

    def bake(self, kind: ServiceType, listen: Listener, execute: Executor) -> None:
        """Boot the base image, run the type's install tasks, publish what came out."""
        from conpaas_iac.provider.lxd_image import bake as bake_image

        name = self.image(kind)
        with lxd.errors(f"image {name}"):
            if lxd.absent_is_none(lxd.connect(self.own).images.get_by_alias, name) is None:
                bake_image(kind, name, self.own, listen, execute)


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
        cpu=lxd.cores(config.get("limits.cpu", "")),
        memory=lxd.mebibytes(config.get("limits.memory", "")),
        port=int(config.get(lxd.SSH_PORT, "22")),
    )
