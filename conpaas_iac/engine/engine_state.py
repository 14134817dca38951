"""What a decrypted checkpoint holds: the outputs of a stack, whether or not its last run came to an end."""

import json
from collections.abc import Mapping
from typing import Any

from conpaas_iac import clouds
from conpaas_iac.backend.statefile import IDENTITY

AUTHORITY = "conpaas:vpn:Authority"
SECRET = "conpaas:index:Secret"

_MARK = "4dabf18193072939515e22adb298388d"  # the engine's mark of what is more than plain JSON


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


def beside(urn: str, outputs: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """What a machine has beside its own resource: "address" of "web-1.address"."""
    prefix = f"{urn.rsplit('::', 1)[-1]}."
    return {name.removeprefix(prefix): made for name, made in outputs.items() if name.startswith(prefix)}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping) and _MARK in value:
        return json.loads(value["plaintext"])
    return value
