"""What the machines of a place share on AWS: a network of their own or a subnet that is there, key and firewall."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from conpaas_iac.aws.ranges import RANGE
from conpaas_iac.clouds.shared import firewall
from conpaas_iac.clouds.shared.firewall import EVERYWHERE, Rule
from conpaas_iac.core.places import Place


@dataclass(frozen=True)
class Shared:
    """What every machine of the place refers to."""

    options: pulumi.InvokeOptions
    resources: pulumi.ResourceOptions  # a provider of its own: places of one stack differ in region and account
    vpc: pulumi.Output[str]
    subnet: pulumi.Output[str]
    zone: pulumi.Output[str]
    key: pulumi.Output[str]
    group: pulumi.Output[str]  # of the rules that all machines have


def declare(place: Place, tags: Mapping[str, Any], login: pulumi.Output[str]) -> Shared:
    """Everything but the machines."""
    name = place.resource
    accounts = [place.settings["Account"]] if "Account" in place.settings else None
    provider = aws.Provider(
        name, region=place.settings["Region"], profile=place.settings.get("Profile"), allowed_account_ids=accounts
    )
    resources, invokes = pulumi.ResourceOptions(provider=provider), pulumi.InvokeOptions(provider=provider)
    if "Subnet" in place.settings:
        found = aws.ec2.get_subnet_output(id=place.settings["Subnet"], opts=invokes)
        vpc, subnet, zone = found.vpc_id, found.id, found.availability_zone
    else:
        own = _own(place, tags, resources)
        vpc, subnet, zone = own.vpc_id, own.id, own.availability_zone
    key = aws.ec2.KeyPair(f"{name}.login", public_key=login, tags=_named(tags, name), opts=resources)
    rules = firewall.common(place.settings["SshFrom"])
    group = security_group(f"{name}.machines", vpc, rules, "every machine", tags, resources)
    return Shared(invokes, resources, vpc, subnet, zone, key.key_name, group)


def _own(place: Place, tags: Mapping[str, Any], resources: pulumi.ResourceOptions) -> aws.ec2.Subnet:
    """A network with one subnet, from which and to which there is a way."""
    name, span = place.resource, place.settings.get("Range", RANGE)
    tagged = _named(tags, name)
    vpc = aws.ec2.Vpc(f"{name}.network", cidr_block=span, enable_dns_support=True, tags=tagged, opts=resources)
    aws.ec2.DefaultSecurityGroup(f"{name}.closed", vpc_id=vpc.id, ingress=[], egress=[], tags=tagged, opts=resources)
    gateway = aws.ec2.InternetGateway(f"{name}.gateway", vpc_id=vpc.id, tags=tagged, opts=resources)
    subnet = aws.ec2.Subnet(
        f"{name}.subnet",
        vpc_id=vpc.id,
        cidr_block=span,
        availability_zone=place.settings.get("Zone"),
        map_public_ip_on_launch=False,
        tags=tagged,
        opts=resources,
    )
    out = aws.ec2.RouteTableRouteArgs(cidr_block=EVERYWHERE, gateway_id=gateway.id)
    routes = aws.ec2.RouteTable(f"{name}.routes", vpc_id=vpc.id, routes=[out], tags=tagged, opts=resources)
    aws.ec2.RouteTableAssociation(f"{name}.routed", subnet_id=subnet.id, route_table_id=routes.id, opts=resources)
    return subnet


def security_group(
    name: str,
    vpc: pulumi.Output[str],
    rules: Iterable[Rule],
    purpose: str,
    tags: Mapping[str, Any],
    resources: pulumi.ResourceOptions,
) -> pulumi.Output[str]:
    """These rules in, everything out; what is added by hand is taken away again."""
    group = aws.ec2.SecurityGroup(
        name,
        vpc_id=vpc,
        description=f"conpaas: {purpose}",
        ingress=[
            aws.ec2.SecurityGroupIngressArgs(
                protocol=rule.protocol,
                from_port=rule.port,
                to_port=rule.port,
                cidr_blocks=[rule.source],
                description=rule.why,
            )
            for rule in rules
        ],
        egress=[aws.ec2.SecurityGroupEgressArgs(protocol="-1", from_port=0, to_port=0, cidr_blocks=[EVERYWHERE])],
        tags=_named(tags, name),
        opts=resources,
    )
    return group.id


def _named(tags: Mapping[str, Any], name: str) -> dict[str, Any]:
    """As AWS's console shows it."""
    return {**tags, "Name": pulumi.Output.concat("conpaas ", tags["conpaas:application"], " ", name)}
