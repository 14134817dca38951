"""EC2, as far as our cloud file uses it."""

import base64
import os
import re
import uuid
from functools import partial
from ipaddress import IPv4Network
from typing import Any

from tests.standins.lab import Absent, Lab, Record, Refused
from tests.standins.plugin import Face, Kind, main
from tests.standins.records import deleted, drop, recorded, there, unchanged

TYPES = {  # name -> cores, MiB
    "t3.nano": (2, 512), "t3.micro": (2, 1024), "t3.small": (2, 2048), "t3.medium": (2, 4096), "t3.large": (2, 8192),
    "t3.xlarge": (4, 16384),
    "c6i.xlarge": (4, 8192),
}  # fmt: skip
REGIONS = ("eu-west-1", "us-east-1")
ANYWHERE = "0.0.0.0/0"


def new(prefix: str) -> Any:
    """Ids as EC2 has them."""
    return lambda: f"{prefix}-{uuid.uuid4().hex[:17]}"


def create_vpc(lab: Lab, inputs: Record) -> tuple[str, Record]:
    key, table, group = new("vpc")(), new("rtb")(), new("sg")()
    with lab.locked():
        lab.put("vpc", key, {"cidr": inputs["cidrBlock"], "table": table})
        lab.put("table", table, {"vpc": key, "routes": {}, "main": True})
        lab.put("group", group, {"name": "default", "vpc": key, "rules": {"out": rule("egress", {"protocol": "-1"})}})
    return key, {"mainRouteTableId": table, "defaultRouteTableId": table, "defaultSecurityGroupId": group}


def delete_vpc(lab: Lab, key: str, state: Record) -> None:
    with lab.locked():
        lab.get("vpc", key)
        if any(each["vpc"] == key for each in lab.all("subnet").values()):
            raise Refused(f"DependencyViolation: The vpc '{key}' has dependencies and cannot be deleted.")
        for kind in ("table", "group"):
            for name, each in lab.all(kind).items():
                if each["vpc"] == key:
                    lab.drop(kind, name)
        lab.drop("vpc", key)


def create_subnet(lab: Lab, inputs: Record) -> tuple[str, Record]:
    key, cidr = new("subnet")(), inputs["cidrBlock"]
    with lab.locked():
        vpc = lab.get("vpc", inputs["vpcId"])
        if not IPv4Network(cidr).subnet_of(IPv4Network(vpc["cidr"])):
            raise Refused(f"InvalidSubnet.Range: The CIDR '{cidr}' is invalid.")
        opens = bool(inputs.get("mapPublicIpOnLaunch"))
        record = {"vpc": inputs["vpcId"], "cidr": cidr, "bridge": lab.make_bridge(cidr), "public": opens, "table": ""}
        lab.put("subnet", key, record)
        open_routed(lab)
    return key, {"availabilityZone": inputs.get("availabilityZone") or f"{REGIONS[0]}a"}


def delete_subnet(lab: Lab, key: str, state: Record) -> None:
    with lab.locked():
        record = lab.get("subnet", key)
        if any(each["bridge"] == record["bridge"] for each in lab.servers().values()):
            raise Refused(f"DependencyViolation: The subnet '{key}' has dependencies and cannot be deleted.")
        lab.remove_bridge(record["bridge"])
        lab.drop("subnet", key)


def update_subnet(lab: Lab, key: str, old: Record, new: Record) -> Record:
    with lab.locked():
        lab.put("subnet", key, {**lab.get("subnet", key), "public": bool(new.get("mapPublicIpOnLaunch"))})
    return {}


def open_routed(lab: Lab) -> None:
    """A subnet whose route table leads to an internet gateway has a way out. Hold the lock."""
    tables = lab.all("table")
    for record in lab.all("subnet").values():
        main = next((each for each in tables.values() if each["vpc"] == record["vpc"] and each["main"]), None)
        table = tables.get(record["table"], main)
        if table and table["routes"].get(ANYWHERE, "").startswith("igw-"):
            lab.open_bridge(record["bridge"])


def routed(lab: Lab, key: str, routes: list[Record]) -> None:
    table = lab.get("table", key)
    for each in routes:
        table["routes"][each.get("cidrBlock") or each["destinationCidrBlock"]] = each.get("gatewayId") or ""
        if each.get("gatewayId"):
            lab.get("gateway", each["gatewayId"])
    lab.put("table", key, table)
    open_routed(lab)


def create_table(lab: Lab, inputs: Record) -> tuple[str, Record]:
    key = new("rtb")()
    with lab.locked():
        lab.put("table", key, {"vpc": inputs["vpcId"], "routes": {}, "main": False})
        routed(lab, key, inputs.get("routes") or [])
    return key, {}


def create_default_table(lab: Lab, inputs: Record) -> tuple[str, Record]:
    """Takes over the one that the VPC came with."""
    with lab.locked():
        routed(lab, inputs["defaultRouteTableId"], inputs.get("routes") or [])
    return inputs["defaultRouteTableId"], {}


def keep(lab: Lab, key: str, state: Record) -> None:
    """Goes with its VPC."""


def create_route(lab: Lab, inputs: Record) -> tuple[str, Record]:
    with lab.locked():
        routed(lab, inputs["routeTableId"], [inputs])
    return f"r-{inputs['routeTableId']}", {}


def create_table_association(lab: Lab, inputs: Record) -> tuple[str, Record]:
    with lab.locked():
        lab.get("table", inputs["routeTableId"])
        record = lab.get("subnet", inputs["subnetId"])
        lab.put("subnet", inputs["subnetId"], {**record, "table": inputs["routeTableId"]})
        open_routed(lab)
    return new("rtbassoc")(), {}


def rule(direction: str, said: Record) -> Record:
    """One rule, of what all the forms of one have in common."""
    protocol = said.get("protocol") or said.get("ipProtocol") or "-1"
    cidr = said.get("cidr") or said.get("cidrIpv4") or ANYWHERE
    first, last = int(said.get("fromPort") or 0), int(said.get("toPort") or 0)
    return {
        "direction": direction,
        "protocol": "" if protocol == "-1" else protocol,
        "first": max(0, first),
        "last": max(0, last),
        "cidr": cidr,
    }


def inline(inputs: Record) -> dict[str, Record]:
    """Rules said within the group itself; nothing goes out unless one says so."""
    found: dict[str, Record] = {}
    for direction in ("ingress", "egress"):
        for index, each in enumerate(inputs.get(direction) or ()):
            if each.get("ipv6CidrBlocks") and not each.get("cidrBlocks"):
                continue
            for cidr in each.get("cidrBlocks") or (() if each.get("self") else (ANYWHERE,)):
                found[f"{direction}-{index}-{cidr}"] = rule(direction, {**each, "cidr": cidr})
    return found


def create_group(lab: Lab, inputs: Record) -> tuple[str, Record]:
    key = new("sg")()
    with lab.locked():
        for each in lab.all("group").values():
            if each["name"] == inputs["name"] and each["vpc"] == inputs.get("vpcId"):
                raise Refused(f"InvalidGroup.Duplicate: The security group '{inputs['name']}' already exists")
        lab.put("group", key, {"name": inputs["name"], "vpc": inputs.get("vpcId"), "rules": inline(inputs)})
        lab.enforce()
    return key, {}


def update_group(lab: Lab, key: str, old: Record, new: Record) -> Record:
    with lab.locked():
        record = lab.get("group", key)
        separate = {name: each for name, each in record["rules"].items() if name.startswith("sgr-")}
        lab.put("group", key, {**record, "rules": {**inline(new), **separate}})
        lab.enforce()
    return {}


def create_default_group(lab: Lab, inputs: Record) -> tuple[str, Record]:
    """Takes over the one that the VPC came with; what it says is all that is let through."""
    with lab.locked():
        found = [
            (key, each) for key, each in lab.all("group").items()
            if each["vpc"] == inputs["vpcId"] and each["name"] == "default"
        ]  # fmt: skip
        if not found:
            raise Absent(f"no default security group of {inputs['vpcId']}")
        lab.put("group", found[0][0], {**found[0][1], "rules": inline(inputs)})
        lab.enforce()
    return found[0][0], {}


def delete_group(lab: Lab, key: str, state: Record) -> None:
    if any(key in each["groups"] for each in lab.servers().values()):
        raise Refused(f"DependencyViolation: resource {key} has a dependent object")
    drop("group", lab, key)


def ruled(direction: str) -> Kind:
    """A rule as a resource of its own."""

    def create(lab: Lab, inputs: Record) -> tuple[str, Record]:
        key, way = new("sgr")(), inputs.get("type") or direction
        spans = inputs.get("cidrBlocks") or [inputs.get("cidrIpv4") or ANYWHERE]
        with lab.locked():
            group = lab.get("group", inputs["securityGroupId"])
            for index, cidr in enumerate(spans):
                added = rule(way, {**inputs, "cidr": cidr})
                if added in group["rules"].values():
                    raise Refused("InvalidPermission.Duplicate: the specified rule already exists")
                group["rules"][f"{key}-{index}"] = added
            lab.put("group", inputs["securityGroupId"], group)
            lab.enforce()
        return key, {}

    def delete(lab: Lab, key: str, state: Record) -> None:
        with lab.locked():
            group = lab.get("group", state["securityGroupId"])
            group["rules"] = {name: each for name, each in group["rules"].items() if not name.startswith(f"{key}-")}
            lab.put("group", state["securityGroupId"], group)
            lab.enforce()

    changing = {"cidrIpv4", "fromPort", "toPort", "ipProtocol", "protocol", "cidrBlocks", "securityGroupId", "type"}
    return Kind(create, delete, unchanged, fixed=frozenset(changing))


def create_key(lab: Lab, inputs: Record) -> tuple[str, Record]:
    name = inputs["keyName"]
    with lab.locked():
        if name in lab.all("key"):
            raise Refused(f"InvalidKeyPair.Duplicate: The keypair '{name}' already exists.")
        lab.put("key", name, {"public": inputs["publicKey"]})
    return name, {"keyPairId": new("key")()}


def size(inputs: Record) -> tuple[int, int]:
    name = inputs.get("instanceType") or ""
    if name not in TYPES:
        raise Refused(f"InvalidParameterValue: Invalid value '{name}' for InstanceType.")
    return TYPES[name]


def user_data(inputs: Record) -> str:
    encoded = inputs.get("userDataBase64")
    return base64.b64decode(encoded).decode() if encoded else inputs.get("userData") or ""


def create_server(lab: Lab, inputs: Record) -> tuple[str, Record]:
    """A container in the subnet, with a public address where that is asked for."""
    cpu, memory = size(inputs)
    with lab.locked():
        limit, used = int(lab.setting("quota.vcpus", "1000000")), sum(each["cpu"] for each in lab.servers().values())
        if used + cpu > limit:
            raise Refused(f"VcpuLimitExceeded: You have requested more than your current vCPU limit of {limit} allows")
        found = next((name for name, each in lab.images().items() if each["id"] == inputs.get("ami")), None)
        if found is None:
            raise Refused(f"InvalidAMIID.NotFound: The image id '[{inputs.get('ami')}]' does not exist")
        if (pair := inputs.get("keyName")) and pair not in lab.all("key"):
            raise Refused(f"InvalidKeyPair.NotFound: The key pair '{pair}' does not exist")
        subnet = lab.get("subnet", inputs["subnetId"])
        groups = inputs.get("vpcSecurityGroupIds") or []
        for group in groups:
            lab.get("group", group)
        is_public = inputs.get("associatePublicIpAddress")
        is_public = subnet["public"] if is_public is None else is_public
        tags = inputs.get("tags") or {}
        record = {
            "name": tags.get("Name", ""),
            "hostname": re.sub(r"[^a-z0-9-]", "-", tags.get("Name", "ip").lower()),
            "tags": {**(inputs.get("tagsAll") or {}), **tags},
            "type": inputs["instanceType"],
            "image": inputs["ami"],
            "cpu": cpu,
            "memory": memory,
            "bridge": subnet["bridge"],
            "subnet": inputs["subnetId"],
            "gateway": str(IPv4Network(subnet["cidr"])[1]),
            "address": lab.free_address(subnet["cidr"]),
            "public": lab.take_address() if is_public else "",
            "is_public": bool(is_public),
            "groups": groups,
            "user_data": user_data(inputs),
        }
        public_key = lab.get("key", pair)["public"] if pair else ""
        key = lab.make_server(found, record, public_key)
        if record["public"]:
            lab.forward(record["bridge"], record["public"], record["address"])
        lab.enforce()
    lab.boot(key)
    return key, {"publicIp": record["public"], "privateIp": record["address"], "instanceState": "running"}


def update_server(lab: Lab, key: str, old: Record, new: Record) -> Record:
    """Tags and groups at once; another type with a restart, after which a public address may be another."""
    cpu, memory = size(new)
    resized = old["instanceType"] != new["instanceType"]
    with lab.locked():
        if resized:
            stop(lab, key)
        tags = {**(new.get("tagsAll") or {}), **(new.get("tags") or {})}
        groups = new.get("vpcSecurityGroupIds") or []
        lab.note(key, tags=tags, groups=groups, type=new["instanceType"], cpu=cpu, memory=memory)
        if resized:
            start(lab, key)
        lab.enforce()
        return {"publicIp": associated(lab, key) or lab.server(key)["public"]}


def stop(lab: Lab, key: str) -> None:
    """The public address of a stopped machine goes back, unless it is an elastic one. Hold the lock."""
    record = lab.server(key)
    lab.power(key, False)
    if record["public"]:
        lab.forward(record["bridge"], record["public"], None)
        lab.note(key, public="")


def start(lab: Lab, key: str) -> None:
    """Hold the lock."""
    record = lab.server(key)
    if record["is_public"] and not record["public"] and not associated(lab, key):
        public = lab.take_address()
        lab.forward(record["bridge"], public, record["address"])
        lab.note(key, public=public)
    lab.power(key, True)


def associated(lab: Lab, key: str) -> str:
    """The elastic address of a machine, or nothing."""
    return next((each["ip"] for each in lab.all("address").values() if each["server"] == key), "")


def delete_server(lab: Lab, key: str, state: Record) -> None:
    with lab.locked():
        remove_server(lab, key)


def remove_server(lab: Lab, key: str) -> None:
    """The face of clients removes them too. Hold the lock."""
    record = lab.server(key)
    if record["public"]:
        lab.forward(record["bridge"], record["public"], None)
    for name, each in lab.all("address").items():
        if each["server"] == key:
            release(lab, name)
    lab.remove_server(key)
    lab.enforce()


def associate(lab: Lab, key: str, server: str) -> None:
    address, record = lab.get("address", key), lab.server(server)
    if record["public"]:
        lab.forward(record["bridge"], record["public"], None)
        lab.note(server, public="")
    lab.forward(record["bridge"], address["ip"], record["address"])
    lab.put("address", key, {**address, "server": server, "bridge": record["bridge"]})


def release(lab: Lab, key: str) -> None:
    address = lab.get("address", key)
    if address["server"]:
        lab.forward(address["bridge"], address["ip"], None)
    lab.put("address", key, {**address, "server": "", "bridge": ""})


def create_address(lab: Lab, inputs: Record) -> tuple[str, Record]:
    key = new("eipalloc")()
    with lab.locked():
        ip = lab.take_address()
        lab.put("address", key, {"ip": ip, "server": "", "bridge": ""})
        if inputs.get("instance"):
            associate(lab, key, inputs["instance"])
    return key, {"publicIp": ip, "allocationId": key}


def update_address(lab: Lab, key: str, old: Record, new: Record) -> Record:
    with lab.locked():
        if old.get("instance") != new.get("instance"):
            release(lab, key)
            if new.get("instance"):
                associate(lab, key, new["instance"])
    return {}


def delete_address(lab: Lab, key: str, state: Record) -> None:
    with lab.locked():
        release(lab, key)
        lab.drop("address", key)


def create_association(lab: Lab, inputs: Record) -> tuple[str, Record]:
    with lab.locked():
        associate(lab, inputs["allocationId"], inputs["instanceId"])
    return new("eipassoc")(), {"publicIp": lab.get("address", inputs["allocationId"])["ip"]}


def delete_association(lab: Lab, key: str, state: Record) -> None:
    with lab.locked():
        release(lab, state["allocationId"])


def create_volume(lab: Lab, inputs: Record) -> tuple[str, Record]:
    key = new("vol")()
    with lab.locked():
        lab.put("volume", key, {"size": int(inputs["size"]), "server": "", "loop": lab.make_volume(key)})
    return key, {}


def attach(lab: Lab, inputs: Record) -> tuple[str, Record]:
    """As Nitro instances see volumes."""
    key = inputs["volumeId"]
    with lab.locked():
        if lab.get("volume", key)["server"]:
            raise Refused(f"VolumeInUse: {key} is already attached to an instance")
        link = f"/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_{key.replace('-', '')}"
        lab.attach(key, inputs["instanceId"], link)
    return f"vai-{key}", {}


def detach(lab: Lab, key: str, state: Record) -> None:
    with lab.locked():
        lab.detach(state["volumeId"])


def delete_volume(lab: Lab, key: str, state: Record) -> None:
    with lab.locked():
        if lab.get("volume", key)["server"]:
            raise Refused(f"VolumeInUse: Volume {key} is currently attached")
        lab.remove_volume(key)


def get_subnet(lab: Lab, arguments: Record) -> Record:
    found = lab.get("subnet", arguments["id"])
    zone = f"{REGIONS[0]}a"
    return {"id": arguments["id"], "vpcId": found["vpc"], "availabilityZone": zone, "cidrBlock": found["cidr"]}


def get_ami(lab: Lab, arguments: Record) -> Record:
    """Name filters may hold stars."""
    wanted = {each["name"]: each["values"] for each in arguments.get("filters") or ()}
    patterns = [re.escape(each).replace(r"\*", ".*") for each in wanted.get("name", ["*"])]
    for each in lab.images().values():
        owner, names = each["owner"], (re.fullmatch(pattern, each["label"]) for pattern in patterns)
        if any(names) and owner in (arguments.get("owners") or [owner]):
            found = {"id": each["id"], "imageId": each["id"], "name": each["label"], "ownerId": owner}
            return {**found, "rootDeviceName": "/dev/xvda", "architecture": "x86_64"}
    raise Absent("Your query returned no results. Please change your search criteria and try again.")


def get_zones(lab: Lab, arguments: Record) -> Record:
    names = [f"{REGIONS[0]}{letter}" for letter in "abc"]
    return {"id": REGIONS[0], "names": names, "zoneIds": names}


def objection(arguments: Record) -> str:
    """As the real one says it."""
    region = arguments.get("region") or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if not region:
        return "Missing region configuration"
    if region not in REGIONS:
        return f"invalid AWS Region: {region}"
    given = ("AWS_ACCESS_KEY_ID", "AWS_PROFILE")
    if not any(os.environ.get(name) for name in given) and not arguments.get("profile"):
        return "No valid credential sources found."
    return ""


KINDS: dict[str, Kind] = {
    "ec2/vpc:Vpc": Kind(create_vpc, delete_vpc, unchanged, there("vpc"), frozenset({"cidrBlock"})),
    "ec2/subnet:Subnet": Kind(
        create_subnet,
        delete_subnet,
        update_subnet,
        there("subnet"),
        frozenset({"cidrBlock", "vpcId", "availabilityZone"}),
    ),
    "ec2/internetGateway:InternetGateway": Kind(
        recorded("gateway", new("igw"), "vpcId"), deleted("gateway"), unchanged, there("gateway")
    ),
    "ec2/routeTable:RouteTable": Kind(create_table, deleted("table"), unchanged, there("table")),
    "ec2/defaultRouteTable:DefaultRouteTable": Kind(create_default_table, keep, unchanged, there("table")),
    "ec2/route:Route": Kind(create_route, keep, unchanged),
    "ec2/routeTableAssociation:RouteTableAssociation": Kind(create_table_association, keep, unchanged),
    "ec2/securityGroup:SecurityGroup": Kind(
        create_group, delete_group, update_group, there("group"), frozenset({"name", "vpcId", "description"}), "name"
    ),
    "ec2/defaultSecurityGroup:DefaultSecurityGroup": Kind(create_default_group, keep, update_group, there("group")),
    "ec2/securityGroupRule:SecurityGroupRule": ruled("ingress"),
    "vpc/securityGroupIngressRule:SecurityGroupIngressRule": ruled("ingress"),
    "vpc/securityGroupEgressRule:SecurityGroupEgressRule": ruled("egress"),
    "ec2/keyPair:KeyPair": Kind(
        create_key, deleted("key"), unchanged, there("key"), frozenset({"keyName", "publicKey"}), "keyName"
    ),
    "ec2/instance:Instance": Kind(
        create_server,
        delete_server,
        update_server,
        lambda lab, key: key in lab.servers(),
        frozenset({"ami", "subnetId", "keyName", "availabilityZone", "associatePublicIpAddress", "privateIp"}),
    ),
    "ebs/volume:Volume": Kind(
        create_volume, delete_volume, unchanged, there("volume"), frozenset({"availabilityZone", "encrypted"})
    ),
    "ec2/volumeAttachment:VolumeAttachment": Kind(
        attach, detach, unchanged, fixed=frozenset({"deviceName", "instanceId", "volumeId"})
    ),
    "ec2/eip:Eip": Kind(create_address, delete_address, update_address, there("address"), frozenset({"domain"})),
    "ec2/eipAssociation:EipAssociation": Kind(
        create_association, delete_association, None, fixed=frozenset({"allocationId", "instanceId"})
    ),
}
FACE = Face(
    "aws",
    {f"aws:{name}": kind for name, kind in KINDS.items()},
    {
        "aws:ec2/getAmi:getAmi": get_ami,
        "aws:ec2/getSubnet:getSubnet": get_subnet,
        "aws:index/getAvailabilityZones:getAvailabilityZones": get_zones,
    },
    objection,
)
run: Any = partial(main, FACE)
