"""AWS: what is declared is what EC2 takes (replayed against moto); what is asked of it; every fault is told."""

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from moto import mock_aws

from conpaas_iac import aws, clouds
from conpaas_iac.aws import images, sizes
from conpaas_iac.clouds.base import Cloud
from conpaas_iac.clouds.shared import tags
from conpaas_iac.core.declaration import Declaration, Machine
from conpaas_iac.core.layout import SIZES
from conpaas_iac.core.places import Place
from conpaas_iac.engine import stack
from conpaas_iac.errors import ConpaasError, MachineError, UserError
from conpaas_iac.provider import greeting
from conpaas_iac.settings import Settings
from tests.unit.clouds.mocks import Declared, run
from tests.unit.clouds.test_contract import target

REGION = "eu-west-1"
DEBIAN = "ami-0debian0new"


@pytest.fixture(autouse=True)
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An account of nobody's, in memory."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setattr(greeting, "greets", lambda ip: "")
    monkeypatch.setenv("MOTO_AMIS_PATH", str(Path(__file__).parent / "amis.json"))
    with mock_aws():
        yield


def ec2() -> Any:
    return boto3.client("ec2", region_name=REGION)


def cloud(**settings: Any) -> Cloud:
    return clouds.at(target("aws", **settings).places["far"], Settings(backend="s3://bucket/prefix"))


def declared(wanted: Declaration) -> Declared:
    return run(lambda: stack.declare(wanted, Settings(backend="s3://bucket/prefix")))[0]


@pytest.fixture(scope="module")
def found() -> Declared:
    """Of the usual target."""
    return declared(target("aws"))


# What is declared.


def opened(found: Declared, name: str) -> set[tuple[int, int, str, str]]:
    """(from, to, protocol, range) of a security group."""
    return {
        (int(rule["fromPort"]), int(rule["toPort"]), rule["protocol"], block)
        for rule in found.resources[name][1]["ingress"]
        for block in rule["cidrBlocks"]
    }


SSH, VPN = (22, 22, "tcp", "203.0.113.0/24"), (4242, 4242, "udp", "0.0.0.0/0")
HTTP, SOME = (80, 80, "tcp", "0.0.0.0/0"), (8080, 8080, "tcp", "198.51.100.0/24")


def test_every_port_of_the_topology_and_no_other(found: Declared) -> None:
    groups = found.of_type("aws:ec2/securityGroup:SecurityGroup")
    assert {name: opened(found, name) for name in groups} == {
        "far.machines": {SSH, VPN},
        "web-proxy-1.public": {HTTP},
        "web-web-1.public": {SOME},
    }
    for name, inputs in found.of_type("aws:ec2/instance:Instance").items():
        own = [f"id-{name}.public"] if f"{name}.public" in groups else []
        assert inputs["vpcSecurityGroupIds"] == ["id-far.machines", *own]
    assert found.resources["far.closed"][1] == {**found.resources["far.closed"][1], "ingress": [], "egress": []}


def test_only_what_is_public_has_a_fixed_address(found: Declared) -> None:
    assert set(found.of_type("aws:ec2/eip:Eip")) == {"web-proxy-1.address", "web-web-1.address"}


def test_data_is_on_a_volume_that_outlives_the_machine() -> None:
    found = declared(target("aws", Data=50))
    volumes = found.of_type("aws:ebs/volume:Volume")
    assert set(volumes) == {"db-1.data", "db-2.data"}
    for name, inputs in volumes.items():
        node = name.partition(".")[0]
        assert (inputs["encrypted"], inputs["size"], inputs["availabilityZone"]) == (True, 50, "eu-west-1a")
        text = found.resources[node][1]["userData"]
        assert f"nvme-Amazon_Elastic_Block_Store_id{node.replace('-', '')}.data" in text
        assert "/var/lib/mysql" in text
        assert found.resources[f"{node}.attached"][1]["volumeId"] == f"id-{name}"
    lost = target("aws", Data=50)
    again = replace(lost, machines=tuple(replace(each, incarnation=2) for each in lost.machines))
    kept = declared(again).of_type("aws:ebs/volume:Volume")
    plain = [{key: each[key] for key in each.keys() - {"tags"}} for each in (*volumes.values(), *kept.values())]
    assert plain[:2] == plain[2:]


def test_instances_are_hardened_and_tagged() -> None:
    found = declared(target("aws", Disk=30))
    for name, inputs in found.of_type("aws:ec2/instance:Instance").items():
        assert inputs["metadataOptions"]["httpTokens"] == "required"
        assert inputs["rootBlockDevice"]["encrypted"] is True
        assert inputs["rootBlockDevice"]["volumeSize"] == 30
        assert (inputs["ami"], inputs["instanceType"]) == ("ami-of-debian", "t3.micro")
        assert inputs["tags"]["Name"] == f"shop--{name}"
        assert tags.read(inputs["tags"]) == tags.Tags("the-owner", "shop", name, 1, "s3://bucket/prefix")
        config = json.loads(inputs["userData"].removeprefix("#cloud-config\n"))
        assert config["ssh_keys"]["ed25519_private"] == "private half"
        assert (name, "userData") in found.secrets
    assert found.resources["far"][1]["region"] == REGION


def test_an_existing_subnet_is_used_and_nothing_is_made_around_it() -> None:
    found = declared(target("aws", Subnet="subnet-0a1b"))
    kinds = {typ for typ, _ in found.resources.values()}
    assert not kinds & {"aws:ec2/vpc:Vpc", "aws:ec2/subnet:Subnet", "aws:ec2/internetGateway:InternetGateway"}
    instance = found.resources["web-proxy-1"][1]
    assert instance["subnetId"] == "subnet-0a1b"
    assert found.resources["far.machines"][1]["vpcId"] == "vpc-there"
    assert found.resources["db-1.data"][1]["availabilityZone"] == "eu-west-1b"


def test_credentials_are_never_inputs_of_the_provider() -> None:
    inputs = declared(target("aws", Profile="work", Account="123456789012")).resources["far"][1]
    assert not {"accessKey", "secretKey", "token"} & inputs.keys()
    assert inputs["profile"] == "work"
    assert json.loads(inputs["allowedAccountIds"]) == ["123456789012"]


@pytest.mark.parametrize("name", SIZES)
def test_sizes_are_types_and_types_are_sizes(name: str) -> None:
    place, size = target("aws").places["far"], SIZES[name]
    assert sizes.size(place, sizes.instance_type(place, size.cpu, size.memory)) == size
    own = Place("far", "aws", {"Sizes": {name: "m7i.large"}})
    assert sizes.instance_type(own, size.cpu, size.memory) == "m7i.large"
    assert sizes.size(own, "t4g.nano") is None
    same = Place("far", "aws", {"Sizes": dict.fromkeys(SIZES, "m7i.large")})
    assert sizes.size(same, "m7i.large") is None
    assert sizes.is_ours(same, "m7i.large")
    assert sizes.instance_type(place, 3, 3000) == "c6i.xlarge"


# The same inputs, given to EC2.


class Replay:
    """Makes by boto3 what was declared; ids of the mocks become EC2's."""

    def __init__(self, found: Declared) -> None:
        self.found, self.client = found, ec2()
        self.ids: dict[str, str] = {}
        self.image = DEBIAN

    def id(self, mocked: str) -> str:
        return self.ids[mocked.removeprefix("id-")]

    def tagged(self, kind: str, inputs: dict[str, Any]) -> dict[str, Any]:
        said = [{"Key": name, "Value": value} for name, value in inputs["tags"].items()]
        return {"TagSpecifications": [{"ResourceType": kind, "Tags": said}]}

    def everything(self) -> "Replay":
        makers = {
            "aws:ec2/vpc:Vpc": self.vpc,
            "aws:ec2/internetGateway:InternetGateway": self.gateway,
            "aws:ec2/subnet:Subnet": self.subnet,
            "aws:ec2/routeTable:RouteTable": self.routes,
            "aws:ec2/routeTableAssociation:RouteTableAssociation": self.routed,
            "aws:ec2/keyPair:KeyPair": self.key,
            "aws:ec2/securityGroup:SecurityGroup": self.group,
            "aws:ebs/volume:Volume": self.volume,
            "aws:ec2/instance:Instance": self.instance,
            "aws:ec2/volumeAttachment:VolumeAttachment": self.attachment,
            "aws:ec2/eip:Eip": self.address,
        }
        for kind, make in makers.items():
            for name, inputs in self.found.of_type(kind).items():
                self.ids[name] = make(name, inputs)
        return self

    def vpc(self, name: str, inputs: dict[str, Any]) -> str:
        made = self.client.create_vpc(CidrBlock=inputs["cidrBlock"], **self.tagged("vpc", inputs))
        return str(made["Vpc"]["VpcId"])

    def gateway(self, name: str, inputs: dict[str, Any]) -> str:
        made = self.client.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        self.client.attach_internet_gateway(InternetGatewayId=made, VpcId=self.id(inputs["vpcId"]))
        return str(made)

    def subnet(self, name: str, inputs: dict[str, Any]) -> str:
        where = {"AvailabilityZone": inputs["availabilityZone"]} if "availabilityZone" in inputs else {}
        made = self.client.create_subnet(VpcId=self.id(inputs["vpcId"]), CidrBlock=inputs["cidrBlock"], **where)
        return str(made["Subnet"]["SubnetId"])

    def routes(self, name: str, inputs: dict[str, Any]) -> str:
        made = self.client.create_route_table(VpcId=self.id(inputs["vpcId"]))["RouteTable"]["RouteTableId"]
        for route in inputs["routes"]:
            gateway, block = self.id(route["gatewayId"]), route["cidrBlock"]
            self.client.create_route(RouteTableId=made, DestinationCidrBlock=block, GatewayId=gateway)
        return str(made)

    def routed(self, name: str, inputs: dict[str, Any]) -> str:
        table, subnet = self.id(inputs["routeTableId"]), self.id(inputs["subnetId"])
        return str(self.client.associate_route_table(RouteTableId=table, SubnetId=subnet)["AssociationId"])

    def key(self, name: str, inputs: dict[str, Any]) -> str:
        public = inputs["publicKey"] + "C3NzaC1lZDI1NTE5AAAAIDmcYAH8PzSbYf1LDxVkC5u4BzDFb7bYTL7u1Zqc0Yk1 x"
        made = self.client.import_key_pair(KeyName=name, PublicKeyMaterial=public.encode())
        return str(made["KeyName"])

    def group(self, name: str, inputs: dict[str, Any]) -> str:
        made = self.client.create_security_group(
            GroupName=name, Description=inputs["description"], VpcId=self.id(inputs["vpcId"])
        )["GroupId"]
        rules = [
            {
                "IpProtocol": rule["protocol"],
                "FromPort": int(rule["fromPort"]),
                "ToPort": int(rule["toPort"]),
                "IpRanges": [{"CidrIp": block, "Description": rule["description"]} for block in rule["cidrBlocks"]],
            }
            for rule in inputs["ingress"]
        ]
        self.client.authorize_security_group_ingress(GroupId=made, IpPermissions=rules)
        return str(made)

    def volume(self, name: str, inputs: dict[str, Any]) -> str:
        return str(
            self.client.create_volume(
                AvailabilityZone=inputs["availabilityZone"],
                Size=int(inputs["size"]),
                VolumeType=inputs["type"],
                Encrypted=inputs["encrypted"],
                **self.tagged("volume", inputs),
            )["VolumeId"]
        )

    def instance(self, name: str, inputs: dict[str, Any]) -> str:
        metadata, disk = inputs["metadataOptions"], inputs["rootBlockDevice"]
        made = self.client.run_instances(
            ImageId=self.image,
            InstanceType=inputs["instanceType"],
            MinCount=1,
            MaxCount=1,
            SubnetId=self.id(inputs["subnetId"]),
            SecurityGroupIds=[self.id(each) for each in inputs["vpcSecurityGroupIds"]],
            UserData=inputs["userData"],
            MetadataOptions={
                "HttpTokens": metadata["httpTokens"],
                "HttpEndpoint": metadata["httpEndpoint"],
                "HttpPutResponseHopLimit": int(metadata["httpPutResponseHopLimit"]),
            },
            BlockDeviceMappings=[
                {
                    "DeviceName": "/dev/xvda",
                    "Ebs": {
                        "VolumeSize": int(disk["volumeSize"]),
                        "VolumeType": disk["volumeType"],
                        "Encrypted": disk["encrypted"],
                        "DeleteOnTermination": disk["deleteOnTermination"],
                    },
                }
            ],
            **self.tagged("instance", inputs),
        )
        return str(made["Instances"][0]["InstanceId"])

    def attachment(self, name: str, inputs: dict[str, Any]) -> str:
        instance, volume = self.id(inputs["instanceId"]), self.id(inputs["volumeId"])
        self.client.attach_volume(Device=inputs["deviceName"], InstanceId=instance, VolumeId=volume)
        return name

    def address(self, name: str, inputs: dict[str, Any]) -> str:
        made = self.client.allocate_address(Domain=inputs["domain"])
        self.client.associate_address(AllocationId=made["AllocationId"], InstanceId=self.id(inputs["instance"]))
        return str(made["PublicIp"])


@pytest.fixture
def there(found: Declared) -> Replay:
    return Replay(found).everything()


def test_ec2_takes_what_is_declared(there: Replay) -> None:
    seen = {each.node: each for each in cloud().inventory("the-owner")}
    assert set(seen) == {machine.node for machine in target("aws").machines}
    assert {node: each.id for node, each in seen.items()} == {node: there.ids[node] for node in seen}
    assert seen["web-proxy-1"].ip == there.ids["web-proxy-1.address"]
    assert {(each.running, each.incarnation, each.cpu, each.memory) for each in seen.values()} == {(True, 1, 1, 1024)}
    volumes = there.client.describe_volumes(VolumeIds=[there.ids["db-1.data"]])["Volumes"]
    assert [link["InstanceId"] for link in volumes[0]["Attachments"]] == [there.ids["db-1"]]


# What is asked and done without the engine.


def test_a_list_is_of_one_owner_or_of_all_with_a_tag(there: Replay) -> None:
    there.client.run_instances(ImageId=there.image, MinCount=1, MaxCount=1)  # somebody else's
    assert cloud().inventory("somebody") == ()
    everything = cloud().everything()
    assert {(each.owner, each.application, each.origin) for each in everything} == {
        ("the-owner", "shop", "s3://bucket/prefix")
    }
    assert len(everything) == len(target("aws").machines)
    assert all(each.made for each in everything)


def test_more_machines_than_a_page_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    client = aws.client(target("aws").places["far"])
    made = [client.run_instances(ImageId=DEBIAN, MinCount=5, MaxCount=5)["Instances"] for _ in range(8)]
    ids = [each["InstanceId"] for instances in made for each in instances]
    client.create_tags(Resources=ids, Tags=[{"Key": tags.OWNER, "Value": "many"}])
    pages, real = [], client.get_paginator("describe_instances")

    class Small:
        def paginate(self, **asked: Any) -> Iterator[Any]:
            for page in real.paginate(PaginationConfig={"PageSize": 5}, **asked):
                pages.append(page)
                yield page

    monkeypatch.setattr(client, "get_paginator", lambda name: Small())
    assert {each.id for each in cloud().inventory("many")} == {*ids}
    assert len(pages) > 1


def test_stopped_started_resized_and_removed(there: Replay) -> None:
    place, ids = cloud(), [there.ids["db-1"], there.ids["db-2"]]
    place.stop(ids)
    states = {each.node: each.running for each in place.inventory("the-owner")}
    assert {node for node, running in states.items() if not running} == {"db-1", "db-2"}
    place.resize({ids[0]: (2, 2048)})
    place.start(ids)
    seen = {each.node: each for each in place.inventory("the-owner")}
    assert (seen["db-1"].running, seen["db-1"].cpu, seen["db-2"].cpu) == (True, 2, 1)
    place.resize({ids[1]: (4, 8192)})  # while it runs
    seen = {each.node: each for each in place.inventory("the-owner")}
    assert (seen["db-2"].running, seen["db-2"].memory) == (True, 8192)
    place.remove(ids)
    place.remove(ids)
    assert not {"db-1", "db-2"} & {each.node for each in place.inventory("the-owner")}


# Before the first create.


def machines(count: int = 2, **fields: Any) -> list[Machine]:
    known = [replace(each, **fields) for each in target("aws").machines]
    return known[:count]


@pytest.fixture(autouse=True)
def quotas(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """moto knows no quotas of EC2."""
    limits = {"L-1216C47A": 32, "L-0263D0A3": 5, "L-F678F1CE": 5}
    monkeypatch.setattr("conpaas_iac.aws.preflight._quota", lambda place, service, code: limits[code])
    return limits


def refused(place: Cloud, *wanted: Machine) -> str:
    with pytest.raises(UserError) as raised:
        place.preflight(wanted)
    assert raised.value.remedy
    assert raised.value.message.startswith("cloud far: ")
    return raised.value.message.removeprefix("cloud far: ")


def test_what_is_all_there_goes_on() -> None:
    cloud().preflight(machines())
    cloud(Account="123456789012").preflight(machines())


def test_another_account_is_refused() -> None:
    with pytest.raises(UserError, match="of account 123456789012, it is in 210987654321"):
        cloud(Account="210987654321").inventory("the-owner")  # whose machines would look lost
    text = refused(cloud(Account="210987654321"), *machines())
    assert text == "the credentials are of account 123456789012, it is in 210987654321"


def test_what_is_not_there_is_named() -> None:
    small = cloud(Sizes={"small": "t9.nano"})
    assert refused(small, *machines()) == "there is no instance type t9.nano in eu-west-1"
    assert refused(cloud(Subnet="subnet-0abc"), *machines()) == "there is no subnet subnet-0abc in eu-west-1"


def test_the_image_is_the_newest_of_debian_s_own() -> None:
    assert [each["ImageId"] for each in ec2().describe_images(**images.query(images.DEBIAN))["Images"]] == [DEBIAN]


def test_an_image_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(images.FILTERS, "name", "debian-99-*")
    assert refused(cloud(), *machines()) == "there is no image debian-12 in eu-west-1"
    with pytest.raises(ConpaasError, match="ami-0abc"):
        cloud().preflight(machines(image="ami-0abc"))


def test_a_quota_that_is_short_by_one_is_said(quotas: dict[str, int]) -> None:
    quotas["L-1216C47A"] = 3  # two machines of two virtual processors
    assert refused(cloud(), *machines()) == (
        "virtual processors: 4 more are needed, 0 of 3 are in use: the quota is short by 1"
    )
    quotas["L-1216C47A"] = 4
    cloud().preflight(machines())
    client = ec2()
    client.run_instances(ImageId=DEBIAN, InstanceType="t3.micro", MinCount=1, MaxCount=1)
    assert "the quota is short by" in refused(cloud(), *machines())
    quotas["L-1216C47A"], quotas["L-0263D0A3"] = 99, 1
    ports = next(each.ports for each in target("aws").machines if each.ports)
    assert refused(cloud(), *machines(ports=ports)) == (
        "elastic addresses: 2 more are needed, 0 of 1 are in use: the quota is short by 1"
    )
    quotas["L-F678F1CE"] = 1
    assert refused(cloud(), *machines()) == (
        "networks (VPC): 1 more are needed, 1 of 1 are in use: the quota is short by 1"
    )


def test_rights_are_asked_for_before_anything_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    client = aws.client(target("aws").places["far"])
    asked: list[dict[str, Any]] = []

    def run_instances(**arguments: Any) -> None:
        asked.append(arguments)
        raise ClientError({"Error": {"Code": "UnauthorizedOperation", "Message": "not you"}}, "RunInstances")

    monkeypatch.setattr(client, "run_instances", run_instances)
    assert refused(cloud(), *machines()) == "may we make instances: these credentials may not do that: not you"
    assert [each["DryRun"] for each in asked] == [True]


def test_a_network_that_overlaps_the_vpn_is_refused() -> None:
    assert refused(cloud(Range="10.42.128.0/20"), *machines()) == (
        "its network 10.42.128.0/20 overlaps the application's, 10.42.0.0/16"
    )


def test_a_subnet_needs_room_a_way_out_and_a_range_of_its_own(there: Replay) -> None:
    own = there.ids["far.subnet"]
    cloud(Subnet=own).preflight(machines())
    client = ec2()
    vpc = client.create_vpc(CidrBlock="10.42.0.0/16")["Vpc"]["VpcId"]
    inside = client.create_subnet(VpcId=vpc, CidrBlock="10.42.1.0/28")["Subnet"]["SubnetId"]
    assert "overlaps the application's" in refused(cloud(Subnet=inside), *machines())
    vpc = client.create_vpc(CidrBlock="172.20.0.0/16")["Vpc"]["VpcId"]
    lonely = client.create_subnet(VpcId=vpc, CidrBlock="172.20.1.0/28")["Subnet"]["SubnetId"]
    assert "no route to an internet gateway" in refused(cloud(Subnet=lonely), *machines())
    many = [*machines(), *machines(), *machines(), *machines(), *machines(), *machines()]
    assert f"subnet {lonely} has 11 free addresses, 12 are needed" in refused(cloud(Subnet=lonely), *many)


# Errors of AWS, told.


def raised_by(code: str, text: str = "said so") -> ConpaasError:
    place = target("aws").places["far"]
    with pytest.raises(ConpaasError) as raised, aws.errors("list of machines", place):
        raise ClientError({"Error": {"Code": code, "Message": text}}, "DescribeInstances")
    return raised.value


@pytest.mark.parametrize(
    ("code", "kind", "said"),
    [
        ("ExpiredToken", UserError, "have expired"),
        ("RequestExpired", UserError, "have expired"),
        ("AuthFailure", UserError, "does not know these credentials"),
        ("UnauthorizedOperation", UserError, "may not do that: said so"),
        ("RequestLimitExceeded", MachineError, "asked too often, also after waiting"),
        ("InternalError", MachineError, "said so (InternalError)"),
    ],
)
def test_errors_are_told_with_a_remedy(code: str, kind: type[ConpaasError], said: str) -> None:
    error = raised_by(code)
    assert type(error) is kind
    assert error.message.startswith("cloud far: list of machines: ")
    assert said in error.message
    assert error.remedy


@pytest.fixture
def fresh() -> Iterator[None]:
    """Clients know their credentials."""
    aws._client.cache_clear()
    yield
    aws._client.cache_clear()


@pytest.mark.usefixtures("fresh")
def test_no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(UserError, match="there are no credentials for AWS") as raised:
        cloud().inventory("x")
    assert "aws configure sso" in raised.value.remedy
    with pytest.raises(UserError, match="AWS has no profile 'work'"):
        cloud(Profile="work").inventory("x")


@pytest.mark.parametrize(
    ("status", "said"),
    [(None, "AWS has no region 'eu-west-1'"), ("not-opted-in", "the account has not enabled region eu-west-1")],
)
def test_a_region_that_is_not_there_or_not_enabled(
    status: str | None, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, regions = ec2(), [{"RegionName": REGION, "OptInStatus": status}] if status else []
    monkeypatch.setattr(client, "describe_regions", lambda **_: {"Regions": regions})
    monkeypatch.setattr(aws, "client", lambda place, service="ec2": boto3.client("sts") if service == "sts" else client)
    assert refused(cloud(), *machines()) == said


def test_a_region_that_does_not_answer() -> None:
    place = target("aws", Region="eu-nowhere-1").places["far"]
    with pytest.raises(UserError, match="region 'eu-nowhere-1' does not answer"), aws.errors("list", place):
        raise EndpointConnectionError(endpoint_url="https://ec2.eu-nowhere-1.amazonaws.com")


@pytest.mark.usefixtures("fresh")
def test_without_boto3_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "boto3", None)
    with pytest.raises(UserError) as raised:
        cloud().inventory("x")
    assert raised.value.remedy == "pip install 'conpaas[aws]'"


def test_requests_that_are_too_many_are_asked_again() -> None:
    client = aws.client(target("aws").places["far"])
    assert client.meta.config.retries["mode"] == "standard"
    assert client.meta.config.retries["total_max_attempts"] >= 5
