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
    machine_types = {clouds.cloud(name).MACHINE for name in clouds.names()}
    nodes: dict[str, dict[str, str]] = {}
    secrets: dict[str, str] = {}
    found: dict[str, Any] = {"nodes": nodes, "secrets": secrets}
    for resource in deployment.get("resources") or ():
        made = {name: _plain(value) for name, value in resource.get("outputs", {}).items()}
        if not made or resource.get("delete"):
            continue
        if resource["type"] == IDENTITY:
            found |= {"owner": resource["id"], "login": made["privateKey"]}
        elif resource["type"] == AUTHORITY:
            found["authority"] = {**made, "epoch": resource["inputs"]["epoch"]}
            found["keys"] = made["keys"]
        elif resource["type"] == SECRET:
            secrets[resource["id"]] = made["value"]
        elif resource["type"] in machine_types:
            nodes[resource["inputs"]["node"]] = {"id": resource["id"], "ip": made["ip"], "hostKey": made["hostKey"]}
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping) and _MARK in value:
        return json.loads(value["plaintext"])
    return value
