"""What is declared: a `Declaration` becomes Pulumi resources, through one module per cloud and once a place."""

from collections.abc import Mapping
from typing import Any

import pulumi

from conpaas_iac.clouds import Reach
from conpaas_iac.core.declaration import Declaration
from conpaas_iac.provider.sdk import Authority, Identity, Secret
from conpaas_iac.settings import Settings


def declare(declaration: Declaration, settings: Settings, given: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The Pulumi program.

    Outputs: `owner`, `login` (a secret), `authority`: {certificates, facts, epoch}, `keys` of the authorities (a
    secret), `nodes`: node -> {id, ip, hostKey}, `secrets`: version of a secret -> value (a secret). `given` are values
    of versions that this run makes and the user said.
    """
    identity = Identity(declaration.application)
    authority = _network(declaration)
    nodes: dict[str, pulumi.Output[dict[str, str]]] = {}
    for name, cloud in Reach(declaration.places, settings).each(declaration.clouds):
        machines = tuple(machine for machine in declaration.machines if machine.cloud == name)
        nodes.update(cloud.declare(declaration, machines, identity))
    login: pulumi.Output[str] = pulumi.Output.secret(identity.privateKey)
    made = {name: Secret(name, (given or {}).get(name, "")).value for name in declaration.secrets}
    secrets: pulumi.Output[dict[str, str]] = pulumi.Output.secret(pulumi.Output.all(**made) if made else {})
    outputs = {
        "owner": identity.owner,
        "login": login,
        "nodes": nodes,
        "secrets": secrets,
        **authority,
    }
    for name, value in outputs.items():
        pulumi.export(name, value)
    return outputs


def _network(declaration: Declaration) -> dict[str, Any]:
    """Nothing while the application has secrets only and no network yet."""
    if not declaration.range:
        return {}
    made = Authority(declaration.application, declaration.range, declaration.epoch)
    public = {"certificates": made.certificates, "facts": made.facts, "epoch": declaration.epoch}
    return {"authority": public, "keys": pulumi.Output.secret(made.keys)}
