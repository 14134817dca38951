"""The Python side of our provider: what a Pulumi program declares."""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi


class Identity(pulumi.CustomResource):
    """Owner tag and login key of an application."""

    owner: pulumi.Output[str]
    publicKey: pulumi.Output[str]
    privateKey: pulumi.Output[str]

    def __init__(self, application: str) -> None:
        names = ("owner", "publicKey", "privateKey")
        super().__init__("conpaas:index:Identity", "identity", {"application": application, **dict.fromkeys(names)})


class Network(pulumi.CustomResource):
    """A bridge of the application's own."""

    def __init__(self, name: str, inputs: Mapping[str, Any]) -> None:
        super().__init__("conpaas:lxd:Network", name, inputs)


class Instance(pulumi.CustomResource):
    """A system container."""

    ip: pulumi.Output[str]
    hostKey: pulumi.Output[str]

    def __init__(self, name: str, inputs: Mapping[str, Any], depends_on: Sequence[pulumi.Resource]) -> None:
        options = pulumi.ResourceOptions(depends_on=depends_on)
        super().__init__("conpaas:lxd:Instance", name, {**inputs, "ip": None, "hostKey": None}, options)
