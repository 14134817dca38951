"""A Pulumi program run on nothing: what it declares is noted, as the engine would be told it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi
from pulumi.runtime import rpc

from conpaas_iac.provider import host


@dataclass
class Declared(pulumi.runtime.Mocks):
    """The resources of one run: name -> (type, inputs); `secrets` are paths of inputs that are marked as secret."""

    resources: dict[str, tuple[str, dict[str, Any]]] = field(default_factory=dict)
    providers: dict[str, str] = field(default_factory=dict)  # resource -> its explicit provider, if any
    secrets: set[tuple[str, str]] = field(default_factory=set)

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        """As a cloud would answer."""
        self.resources[args.name] = (args.typ, plain(args.inputs))
        self.providers[args.name] = (args.provider or "").rpartition("::")[0].rpartition("::")[2]
        self.secrets |= {(args.name, name) for name, value in args.inputs.items() if rpc.is_rpc_secret(value)}
        outputs = {"publicIp": "198.51.100.1", "ip": "198.51.100.1", "hostKey": "ssh-ed25519 AAAA"}
        outputs |= {"publicKey": "ssh-ed25519 AAAA", "privateKey": PRIVATE, "owner": "the-owner", "keys": PRIVATE}
        outputs |= {"address": "198.51.100.1", "accessIpV4": "198.51.100.1"}
        outputs |= {"certificates": "", "facts": [], "value": PRIVATE, "availabilityZone": "eu-west-1a"}
        if args.typ == "conpaas:cloud:Host":
            inputs = plain(args.inputs)
            text = inputs.get("template", "").replace(host.PRIVATE, PRIVATE).replace(host.PUBLIC, "ssh-ed25519 AAAA")
            outputs |= {"bootImage": inputs.get("bootsWith", ""), "userData": text}
        return f"id-{args.name}", {**plain(args.inputs), **outputs}

    def call(self, args: pulumi.runtime.MockCallArgs) -> dict[str, Any]:
        """Look-ups."""
        return {"id": "ami-of-debian", "vpcId": "vpc-there", "availabilityZone": "eu-west-1b", **plain(args.args)}

    def of_type(self, kind: str) -> dict[str, dict[str, Any]]:
        """Inputs of the resources of a type, by name."""
        return {name: inputs for name, (typ, inputs) in self.resources.items() if typ == kind}


PRIVATE = "private half"


def plain(value: Any) -> Any:
    """Without the marks of secrets."""
    if rpc.is_rpc_secret(value):
        return plain(rpc.unwrap_rpc_secret(value))
    if isinstance(value, Mapping):
        return {name: plain(each) for name, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, list) else value


def texts(value: Any) -> Iterator[str]:
    """Every text in a value."""
    if isinstance(value, Mapping):
        for each in value.values():
            yield from texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from texts(each)
    elif isinstance(value, str):
        yield value


def run(program: Callable[[], Any]) -> tuple[Declared, Any]:
    """What the program declares, and what its outputs come to."""
    declared, found = Declared(), []
    pulumi.runtime.set_mocks(declared, preview=False)

    @pulumi.runtime.test
    def whole() -> Any:
        return pulumi.Output.from_input(program()).apply(found.append)

    whole()
    return declared, found[0]
