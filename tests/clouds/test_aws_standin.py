"""The AWS stand-in is one, as that of OpenStack."""

import re
from collections.abc import Callable
from pathlib import Path

import pulumi
import pulumi_aws as aws
import pytest
from pulumi.automation.errors import CommandError

from tests.clouds.programs import LOGIN, USER_DATA, Programs, reached
from tests.e2e.machines import until
from tests.standins.found import DEBIANS_ACCOUNT
from tests.standins.lab import Lab

CIDR = "10.61.30.0/24"
GATEWAY = "10.61.30.1"  # this host, as the instances see it


def instance(kind: str = "t3.micro", source: str = f"{GATEWAY}/32", elastic: bool = False) -> Callable[[], None]:
    """A program: a network, a group with one rule, a key, an instance with a public address."""

    def program() -> None:
        vpc = aws.ec2.Vpc("net", cidr_block=CIDR)
        gateway = aws.ec2.InternetGateway("net", vpc_id=vpc.id)
        subnet = aws.ec2.Subnet("net", vpc_id=vpc.id, cidr_block=CIDR, map_public_ip_on_launch=True)
        route = aws.ec2.RouteTableRouteArgs(cidr_block="0.0.0.0/0", gateway_id=gateway.id)
        table = aws.ec2.RouteTable("net", vpc_id=vpc.id, routes=[route])
        leads = aws.ec2.RouteTableAssociation("net", subnet_id=subnet.id, route_table_id=table.id)
        group = aws.ec2.SecurityGroup("web", vpc_id=vpc.id)
        aws.vpc.SecurityGroupIngressRule(
            "ssh", security_group_id=group.id, ip_protocol="tcp", from_port=22, to_port=22, cidr_ipv4=source
        )
        key = aws.ec2.KeyPair("login", public_key=LOGIN[1])
        debian = aws.ec2.get_ami(
            most_recent=True, owners=[DEBIANS_ACCOUNT], filters=[{"name": "name", "values": ["debian-12-amd64-*"]}]
        )
        made = aws.ec2.Instance(
            "web", ami=debian.id, instance_type=kind, subnet_id=subnet.id, vpc_security_group_ids=[group.id],
            key_name=key.key_name, user_data=pulumi.Output.secret(USER_DATA), tags={"Name": "web", "owner": "me"},
            metadata_options=aws.ec2.InstanceMetadataOptionsArgs(http_tokens="required"),
            opts=pulumi.ResourceOptions(depends_on=[leads]),
        )  # fmt: skip
        if elastic:
            pulumi.export("elastic", aws.ec2.Eip("web", domain="vpc", instance=made.id).public_ip)
        pulumi.export("public", made.public_ip)
        pulumi.export("private", made.private_ip)

    return program


def test_an_instance_is_reached_changed_and_gone(programs: Programs, aws: Lab, tmp_path: Path) -> None:
    """Strictly, at the first connection, at its public address and at no other."""
    made = programs.up(instance())
    until(lambda: reached(made["public"], tmp_path))
    assert not reached(made["private"], tmp_path)
    before = aws.servers()
    assert [each["tags"] for each in before.values()] == [{"Name": "web", "owner": "me"}]

    made = programs.up(instance("t3.small", elastic=True))
    assert {key: each["memory"] for key, each in aws.servers().items()} == dict.fromkeys(before, 2048)
    until(lambda: reached(made["elastic"], tmp_path))

    programs.up(instance("t3.small", f"{GATEWAY.removesuffix('1')}99/32", elastic=True))
    assert not reached(made["elastic"], tmp_path)

    programs.destroy()
    kinds = ("vpc", "subnet", "gateway", "table", "group", "key", "address")
    assert {kind: aws.all(kind) for kind in kinds} == {kind: {} for kind in kinds}
    assert aws.servers() == {}
    assert [each.name for each in aws.host.networks.all() if each.description == aws.project] == []


def test_what_the_real_one_would_refuse(programs: Programs, aws: Lab) -> None:
    """Inputs by name, as the SDK knows them; things that are not there; more than the quota; no region."""

    def refusal(program: Callable[[], None]) -> str:
        with pytest.raises(CommandError) as raised:
            programs.up(program)
        return re.sub(r"\s+", " ", str(raised.value))

    def misspelt() -> None:
        pulumi.CustomResource("aws:ec2/vpc:Vpc", "n", {"cidr": CIDR})

    assert "An argument named 'cidr' is not expected here" in refusal(misspelt)
    assert "Invalid value 't9.huge' for InstanceType" in refusal(instance("t9.huge"))
    programs.destroy()
    with aws.locked():
        aws.set("quota.vcpus", "1")
    assert "VcpuLimitExceeded" in refusal(instance())
    programs.environment["AWS_REGION"] = "mars-1"
    assert "invalid AWS Region: mars-1" in refusal(misspelt)
    programs.environment["AWS_REGION"] = "eu-west-1"
