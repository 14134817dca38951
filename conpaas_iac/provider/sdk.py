"""The Python side of our provider: what a Pulumi program declares."""

from collections.abc import Mapping
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


class Secret(pulumi.CustomResource):
    """One version of a secret value."""

    value: pulumi.Output[str]

    def __init__(self, key: str, given: str = "") -> None:
        inputs = {"key": key, **({"given": pulumi.Output.secret(given)} if given else {})}
        options = pulumi.ResourceOptions(additional_secret_outputs=["value"])
        super().__init__("conpaas:index:Secret", key, {**inputs, "value": None}, options)


class Authority(pulumi.CustomResource):
    """What signs the certificates of an application's network."""

    certificates: pulumi.Output[str]
    facts: pulumi.Output[list[dict[str, str]]]
    keys: pulumi.Output[str]

    def __init__(self, application: str, span: str, epoch: int) -> None:
        inputs = {"name": application, "range": span, "epoch": epoch}
        outputs = dict.fromkeys(("certificates", "facts", "keys"))
        options = pulumi.ResourceOptions(additional_secret_outputs=["keys"])
        super().__init__("conpaas:vpn:Authority", "authority", {**inputs, **outputs}, options)


class Host(pulumi.CustomResource):
    """What is known of a machine that another provider makes, and what it boots with: image, user data, host key.

    `template` is user data in which `provider.host` marks where the key goes; it counts when the machine is made.
    """

    publicKey: pulumi.Output[str]
    privateKey: pulumi.Output[str]
    bootImage: pulumi.Output[str]
    userData: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        facts: Mapping[str, Any],
        owner: pulumi.Output[str],
        image: pulumi.Input[str] = "",
        template: pulumi.Input[str] = "",
    ) -> None:
        outputs = dict.fromkeys(("publicKey", "privateKey", "bootImage", "userData"))
        options = pulumi.ResourceOptions(additional_secret_outputs=["privateKey", "userData"])
        inputs = {**facts, "owner": owner, "bootsWith": image, "template": template}
        super().__init__("conpaas:cloud:Host", name, {**inputs, **outputs}, options)


class Greeting(pulumi.CustomResource):
    """There once an SSH server greets on the machine."""

    def __init__(self, name: str, machine: pulumi.Output[str], ip: pulumi.Output[str]) -> None:
        super().__init__("conpaas:cloud:Greeting", name, {"machine": machine, "ip": ip})


class Instance(pulumi.CustomResource):
    """A system container."""

    ip: pulumi.Output[str]
    hostKey: pulumi.Output[str]

    def __init__(self, name: str, inputs: Mapping[str, Any]) -> None:
        super().__init__("conpaas:lxd:Instance", name, {**inputs, "ip": None, "hostKey": None})
