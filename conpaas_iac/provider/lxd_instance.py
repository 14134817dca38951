"""conpaas:lxd:Instance: a system container that is a small machine: own address, own SSH host key, limits."""

import hashlib
import time
from typing import Any

from conpaas_iac import lxd, settings
from conpaas_iac.errors import ConpaasError, UserError
from conpaas_iac.host.profile import PROFILE
from conpaas_iac.machines.ssh import greets
from conpaas_iac.provider.identity import ssh_key_pair
from conpaas_iac.provider.resource import Change, Made, Values, differing

IN_PLACE = ("cpu", "memory", "node", "service", "address", "backend")
IDENTITY = ("name", "project", "owner", "incarnation", "publicKey")
# `image` is in neither: it is read at creation only, a new image must not replace machines.

HOST_KEY = "/etc/ssh/ssh_host_ed25519_key"
BOOT_SECONDS = 60


class Instance:
    """Create adopts only what carries the same owner and incarnation, and refuses anything else."""

    def check(self, inputs: Values) -> dict[str, str]:
        """LXD allows 63 characters for a name."""
        return {} if len(inputs["name"]) <= 63 else {"name": "longer than 63 characters"}

    def diff(self, old: Values, new: Values) -> Change:
        """Limits, labels and the address in the VPN change in place; what the machine is does not."""
        return Change(updated=differing(old, new, IN_PLACE), replaced=differing(old, new, IDENTITY))

    def create(self, inputs: Values) -> Made:
        """Make, or finish what an interrupted run began; ends when SSH answers."""
        name, client = inputs["name"], _client(inputs)
        with lxd.errors(f"machine {name}"):
            instance = lxd.absent_is_none(client.instances.get, name)
            if instance is None:
                instance = client.instances.create(_definition(inputs), wait=True)
            elif not _is_ours(instance, inputs):
                raise UserError(
                    f"machine {name} exists in LXD project {inputs['project']} and is not this application's",
                    "conpaas doctor --orphans says whose it is",
                )
            if instance.status != "Running":
                _push_files(instance, inputs)
                instance.start(wait=True)
            return _made(instance)

    def read(self, identifier: str, state: Values) -> Made | None:
        """What LXD says of it now."""
        with lxd.errors(f"machine {state['name']}"):
            instance = lxd.absent_is_none(_client(state).instances.get, state["name"])
            if instance is None or not _is_ours(instance, state):
                return None
            return _made(instance) if instance.status == "Running" else Made(identifier, state)

    def update(self, identifier: str, old: Values, new: Values) -> Values:
        """New limits and labels, without a restart."""
        with lxd.errors(f"machine {new['name']}"):
            instance = _client(new).instances.get(new["name"])
            size = limits(new["cpu"], new["memory"])
            instance.config.update({**size, lxd.NODE: new["node"], lxd.BACKEND: new["backend"]})
            instance.save(wait=True)
        return {}

    def delete(self, identifier: str, state: Values) -> None:
        """Stop and remove it, if it is ours."""
        with lxd.errors(f"machine {state['name']}"):
            instance = lxd.absent_is_none(_client(state).instances.get, state["name"])
            if instance is None or not _is_ours(instance, state):
                return
            if instance.status != "Stopped":
                instance.stop(force=True, wait=True)
            instance.delete(wait=True)


def _client(values: Values) -> Any:
    return lxd.connect(settings.load(), project=values["project"])


def _is_ours(instance: Any, inputs: Values) -> bool:
    tags = (instance.config.get(lxd.OWNER), instance.config.get(lxd.INCARNATION))
    return tags == (inputs["owner"], str(int(inputs["incarnation"])))


def limits(cpu: float, memory: float) -> dict[str, str]:
    """As LXD takes cores and MiB."""
    return {"limits.cpu": str(int(cpu)), "limits.memory": f"{int(memory)}MiB"}


def _definition(inputs: Values) -> dict[str, Any]:
    return {
        "name": inputs["name"],
        "source": {"type": "image", "alias": inputs["image"]},
        "profiles": [PROFILE],  # disk, eth0 and resolver
        "config": {
            **limits(inputs["cpu"], inputs["memory"]),
            lxd.OWNER: inputs["owner"],
            lxd.APPLICATION: inputs["application"],
            lxd.NODE: inputs["node"],
            lxd.BACKEND: inputs["backend"],
            lxd.INCARNATION: str(int(inputs["incarnation"])),
            "user.conpaas.hostname": inputs["node"],
            "volatile.eth0.hwaddr": _hardware_address(inputs),
        },
    }


def _hardware_address(inputs: Values) -> str:
    """The same for every incarnation of a machine, so that the bridge gives it the same address: URLs stay."""
    digest = hashlib.sha256(f"{inputs['owner']} {inputs['name']}".encode()).digest()
    return ":".join(["00", "16", "3e", *(f"{byte:02x}" for byte in digest[:3])])


def _push_files(instance: Any, inputs: Values) -> None:
    """What the machine must know before its first boot; a second push of the same is harmless."""
    private, public = ssh_key_pair(inputs["node"])
    files = [
        (HOST_KEY, private, 0o600),
        (f"{HOST_KEY}.pub", public + "\n", 0o644),
        ("/root/.ssh/authorized_keys", inputs["publicKey"] + "\n", 0o600),
    ]
    for path, content, mode in files:
        instance.files.put(path, content.encode(), mode=mode, uid=0, gid=0)


def _made(instance: Any) -> Made:
    ip = wait_for_ssh(instance)
    host_key = instance.files.get(f"{HOST_KEY}.pub").decode().strip().rsplit(" ", 1)[0]
    return Made(instance.config["volatile.uuid"], {"ip": ip, "hostKey": host_key})


def wait_for_ssh(instance: Any) -> str:
    """The machine's address on the provider's bridge, once an SSH server greets there."""
    deadline = time.monotonic() + BOOT_SECONDS
    ip, port = None, int(instance.config.get(lxd.SSH_PORT, "22"))
    while time.monotonic() < deadline:
        ip = ip or _address(instance)
        if ip and not greets(ip, port, seconds=1):
            return ip
        time.sleep(0.1)  # between looks at the condition
    raise ConpaasError(
        f"machine {instance.name}: no SSH answer within {BOOT_SECONDS} s" + ("" if ip else ": it got no address"),
        f"lxc console --show-log --project {instance.client.project} {instance.name}",
    )


def _address(instance: Any) -> str | None:
    interfaces = instance.state().network or {}
    found = (entry["address"] for entry in interfaces.get("eth0", {}).get("addresses", ()) if entry["family"] == "inet")
    return next(found, None)
