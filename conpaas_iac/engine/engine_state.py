"""What a checkpoint holds: what is there, and decrypted the outputs, whether or not its last run came to an end."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from conpaas_iac import clouds
from conpaas_iac.backend.record import certificate
from conpaas_iac.backend.statefile import IDENTITY
from conpaas_iac.core.declaration import Machine
from conpaas_iac.core.ordering import natural
from conpaas_iac.core.places import Places, by_resource
from conpaas_iac.network import certificates
from conpaas_iac.network.membership import Authorities

AUTHORITY = "conpaas:vpn:Authority"
SECRET = "conpaas:index:Secret"

_MARK = "4dabf18193072939515e22adb298388d"  # the engine's mark of what is more than plain JSON


@dataclass(frozen=True)
class Machines:
    """What a run of the engine leaves: owner tag, login key, authorities; per node its id, address and host key."""

    owner: str
    login: str = field(repr=False)
    nodes: Mapping[str, Mapping[str, str]]
    authorities: Authorities
    keys: str = field(repr=False)  # PEM, in the authorities' order
    secrets: Mapping[str, str] = field(repr=False)  # version of a secret, as "db@3" -> value


@dataclass(frozen=True)
class Applied:
    """What the checkpoint says is there."""

    owner: str
    machines: tuple[Machine, ...]
    ips: Mapping[str, str]  # node -> address on the provider's network
    authorities: Authorities
    range: str = ""  # of the application's network
    secrets: tuple[str, ...] = ()  # versions that are there, as "db@3"
    places: Places = field(default_factory=dict)  # of its machines, and those that a run began to use
    ids: Mapping[str, str] = field(default_factory=dict)  # node -> what the cloud knows its machine by


def applied(checkpoint: Mapping[str, Any], places: Places) -> Applied:
    """Of a checkpoint as it is stored; `places` are those that the record knows."""
    machine_types = clouds.kinds()
    names = by_resource(places)
    owner, span, authorities, keys = "", "", Authorities(), []
    there: dict[str, Machine] = {}
    ips: dict[str, str] = {}
    ids: dict[str, str] = {}
    resources = checkpoint.get("resources") or ()
    outputs = {each["urn"].rsplit("::", 1)[-1]: each.get("outputs", {}) for each in resources}
    for resource in resources:
        if resource["type"] == IDENTITY:
            owner = resource["id"]
        elif resource["type"] == AUTHORITY and "outputs" in resource:
            authorities = _authorities({**resource["outputs"], "epoch": resource["inputs"]["epoch"]})
            span = resource["inputs"]["range"]
        elif resource["type"] == SECRET:
            keys.append(resource["id"])
        elif cloud := machine_types.get(resource["type"]):
            name, near = resource["urn"].rsplit("::", 1)[-1], beside(resource["urn"], outputs)
            machine = cloud.applied(resource["inputs"], near)
            made_as = "" if machine.node == name else name
            if machine.node in there and there[machine.node].incarnation > machine.incarnation:
                continue  # one that moved to another provider, whose former machine is not gone yet
            there[machine.node] = replace(machine, made_as=made_as, cloud=names.get(machine.cloud, machine.cloud))
            ids[machine.node] = resource.get("id", "")
            ips[machine.node] = cloud.made(resource["outputs"], near)["ip"] if resource.get("outputs") else ""
    machines = sorted(there.values(), key=lambda machine: natural(machine.node))
    known = {node: ip for node, ip in ips.items() if ip}
    return Applied(owner, tuple(machines), known, authorities, span, tuple(sorted(keys)), places, ids)


def outputs(deployment: Mapping[str, Any]) -> dict[str, Any]:
    """As `stack.declare` exports them."""
    machine_types = clouds.kinds()
    resources = [
        (resource, {name: _plain(value) for name, value in resource.get("outputs", {}).items()})
        for resource in deployment.get("resources") or ()
        if not resource.get("delete")
    ]
    outputs_of = {resource["urn"].rsplit("::", 1)[-1]: made for resource, made in resources}
    nodes: dict[str, dict[str, str]] = {}
    secrets: dict[str, str] = {}
    found: dict[str, Any] = {"nodes": nodes, "secrets": secrets}
    incarnations: dict[str, int] = {}
    for resource, made in resources:
        if not made:
            continue
        if resource["type"] == IDENTITY:
            found |= {"owner": resource["id"], "login": made["privateKey"]}
        elif resource["type"] == AUTHORITY:
            found["authority"] = {**made, "epoch": resource["inputs"]["epoch"]}
            found["keys"] = made["keys"]
        elif resource["type"] == SECRET:
            secrets[resource["id"]] = made["value"]
        elif cloud := machine_types.get(resource["type"]):
            near = beside(resource["urn"], outputs_of)
            machine = cloud.applied(resource["inputs"], near)
            if machine.incarnation >= incarnations.get(machine.node, 0):  # of two, the one that moved
                incarnations[machine.node] = machine.incarnation
                nodes[machine.node] = {"id": resource["id"], **cloud.made(made, near)}
    return found


def machines(outputs: Mapping[str, Any]) -> Machines:
    """From the outputs of a stack."""
    return Machines(
        owner=outputs.get("owner", ""),
        login=outputs.get("login", ""),
        nodes=outputs.get("nodes", {}),
        authorities=_authorities(outputs["authority"]) if "authority" in outputs else Authorities(),
        keys=outputs.get("keys", ""),
        secrets=outputs.get("secrets", {}),
    )


def _authorities(outputs: Mapping[str, Any]) -> Authorities:
    facts = tuple(certificate(each) for each in outputs["facts"])
    return Authorities(tuple(certificates.split(outputs["certificates"])), facts, int(outputs["epoch"]))


def beside(urn: str, outputs: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """What a machine has beside its own resource: "address" of "web-1.address"."""
    prefix = f"{urn.rsplit('::', 1)[-1]}."
    return {name.removeprefix(prefix): made for name, made in outputs.items() if name.startswith(prefix)}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping) and _MARK in value:
        return json.loads(value["plaintext"])
    return value
