"""What the machines of a place share on OpenStack: a network of their own or one that is there, and a firewall."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_openstack as openstack

from conpaas_iac.clouds.shared import firewall
from conpaas_iac.clouds.shared.firewall import Rule
from conpaas_iac.clouds.shared.tags import OWNER
from conpaas_iac.core.places import Place
from conpaas_iac.openstack import lookup


@dataclass(frozen=True)
class Shared:
    """What every machine of the place refers to."""

    resources: pulumi.ResourceOptions  # a provider of its own: places of one stack differ in cloud and region
    network: pulumi.Output[str]
    subnet: pulumi.Output[str] | None  # of the place's own network
    group: pulumi.Output[str]  # of the rules that all machines have
    pool: str  # the network that floating addresses are of, if any is wanted
    routed: tuple[pulumi.Resource, ...]  # what must be there before a floating address leads anywhere


def labels(tags: Mapping[str, Any]) -> list[Any]:
    """Whose a thing is; what has no metadata has labels, of 60 characters."""
    return [pulumi.Output.concat(OWNER, "=", tags[OWNER])]


def declare(place: Place, title: str, tags: Mapping[str, Any], with_addresses: bool) -> Shared:
    """Everything but the machines. `title` is what its things are called there."""
    name, settings = place.resource, place.settings
    provider = openstack.Provider(name, cloud=settings.get("Cloud"), region=settings.get("Region"))
    resources = pulumi.ResourceOptions(provider=provider)
    group = security_group(f"{name}.machines", title, firewall.common(settings["SshFrom"]), tags, resources)
    outside = None
    if with_addresses or "Network" not in settings:
        outside = lookup.network(place, settings.get("ExternalNetwork", ""), external=True)
    pool = outside.name if outside else ""
    if "Network" in settings:
        found = pulumi.Output.from_input(lookup.network(place, settings["Network"]).id)
        return Shared(resources, found, None, group, pool, ())
    assert outside
    network = openstack.networking.Network(
        f"{name}.network", name=title, admin_state_up=True, tags=labels(tags), opts=resources
    )
    subnet = openstack.networking.Subnet(
        f"{name}.subnet",
        name=title,
        network_id=network.id,
        cidr=settings.get("Range", lookup.RANGE),
        ip_version=4,
        dns_nameservers=settings.get("Dns"),
        tags=labels(tags),
        opts=resources,
    )
    router = openstack.networking.Router(
        f"{name}.router", name=title, external_network_id=outside.id, tags=labels(tags), opts=resources
    )
    interface = openstack.networking.RouterInterface(
        f"{name}.interface", router_id=router.id, subnet_id=subnet.id, opts=resources
    )
    return Shared(resources, network.id, subnet.id, group, pool, (interface,))


def security_group(
    name: str, title: str, rules: Iterable[Rule], tags: Mapping[str, Any], resources: pulumi.ResourceOptions
) -> pulumi.Output[str]:
    """Its id. A rule is named by what it says: another one is another rule, and leaves the rest alone."""
    group = openstack.networking.SecGroup(
        name, name=title, description="made by conpaas", tags=labels(tags), opts=resources
    )
    for rule in rules:
        openstack.networking.SecGroupRule(
            f"{name}.{rule.protocol}-{rule.port}-{rule.source}",
            security_group_id=group.id,
            direction="ingress",
            ethertype="IPv4",
            protocol=rule.protocol,
            port_range_min=rule.port,
            port_range_max=rule.port,
            remote_ip_prefix=rule.source,
            description=rule.why,
            opts=resources,
        )
    return group.id
