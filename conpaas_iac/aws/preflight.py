"""What is asked of AWS before the first machine is made: who we are, and whether everything that is needed is there."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from ipaddress import IPv4Network
from typing import Any

from conpaas_iac import aws
from conpaas_iac.aws import images, listing, sizes
from conpaas_iac.aws.ranges import RANGE
from conpaas_iac.clouds.shared import ranges, tags
from conpaas_iac.core.declaration import Machine
from conpaas_iac.core.places import Place
from conpaas_iac.errors import ConpaasError, UserError

VCPUS = ("ec2", "L-1216C47A")  # running on-demand instances of the standard families
ADDRESSES = ("ec2", "L-0263D0A3")  # elastic addresses of EC2 in VPCs
NETWORKS = ("vpc", "L-F678F1CE")  # VPCs of a region
STANDARD = tuple("acdhimrtz")  # families that the first of them counts
MORE = "ask for more: AWS console, Service Quotas, Amazon EC2; or fewer or smaller machines"


def check(place: Place, machines: Collection[Machine]) -> None:
    """Raises UserError with what is wrong; every check is one call of the API."""
    aws.refuse_another_account(place)
    _region(place)
    _ranges(place, machines)
    types = Counter(sizes.instance_type(place, each.cpu, each.memory) for each in machines)
    zone = _subnet(place, machines) if "Subnet" in place.settings else place.settings.get("Zone", "")
    _types(place, types, zone)
    for image in sorted({each.image for each in machines}):
        _allowed(place, _image(place, image), min(types))
    _cores(place, types)
    _networks(place)
    _addresses(place, sum(bool(each.ports) for each in machines))


def _region(place: Place) -> None:
    region = place.settings["Region"]
    with aws.errors(f"region {region}", place):
        found = aws.client(place).describe_regions(AllRegions=True)["Regions"]
    known = {each["RegionName"]: each.get("OptInStatus", "") for each in found}
    if region not in known:
        raise UserError(f"cloud {place.name}: AWS has no region {region!r}", f"its regions: {', '.join(sorted(known))}")
    if known[region] == "not-opted-in":
        remedy = f"aws account enable-region --region-name {region}"
        raise UserError(f"cloud {place.name}: the account has not enabled region {region}", remedy)


def _ranges(place: Place, machines: Iterable[Machine]) -> None:
    """Packets to an address that both networks have could go either way."""
    if "Subnet" not in place.settings:
        here = IPv4Network(place.settings.get("Range", RANGE))
        ranges.refuse_overlap(place, here, machines, ranges.OWN)


def _subnet(place: Place, machines: Collection[Machine]) -> str:
    """Its zone, once it was seen that the subnet has room and a way out."""
    name = place.settings["Subnet"]
    client = aws.client(place)
    with aws.errors(f"subnet {name}", place):
        found = client.describe_subnets(Filters=[{"Name": "subnet-id", "Values": [name]}])["Subnets"]
    if not found:
        what = f"there is no subnet {name} in {place.settings['Region']}"
        raise UserError(f"cloud {place.name}: {what}", "its subnets: aws ec2 describe-subnets")
    subnet: Mapping[str, Any] = found[0]
    ranges.refuse_overlap(place, IPv4Network(subnet["CidrBlock"]), machines, "another subnet")
    if subnet["AvailableIpAddressCount"] < (count := len(machines)):
        what = f"subnet {name} has {subnet['AvailableIpAddressCount']} free addresses, {count} are needed"
        raise UserError(f"cloud {place.name}: {what}", "a larger subnet")
    with aws.errors(f"routes of subnet {name}", place):
        tables = client.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [subnet["VpcId"]]}])["RouteTables"]
    own = [each for each in tables if any(link.get("SubnetId") == name for link in each["Associations"])]
    main = [each for each in tables if any(link.get("Main") for link in each["Associations"])]
    routes = [route for table in own or main for route in table["Routes"]]
    if not any(str(route.get("GatewayId", "")).startswith("igw-") for route in routes):
        what = f"subnet {name} has no route to an internet gateway: its machines could not be reached"
        raise UserError(f"cloud {place.name}: {what}", "a public subnet, or none: then a network is made")
    return str(subnet["AvailabilityZone"])


def _types(place: Place, types: Iterable[str], zone: str) -> None:
    kind, where = ("availability-zone", zone) if zone else ("region", place.settings["Region"])
    names = sorted(types)
    filters = [{"Name": "instance-type", "Values": names}, {"Name": "location", "Values": [where]}]
    with aws.errors("instance types", place):
        pages = aws.client(place).get_paginator("describe_instance_type_offerings")
        found = {
            each["InstanceType"]
            for page in pages.paginate(LocationType=kind, Filters=filters)
            for each in page["InstanceTypeOfferings"]
        }
    if missing := [name for name in names if name not in found]:
        remedy = 'another one: "Sizes": {"small": …}; or another Zone or Region'
        raise UserError(f"cloud {place.name}: there is no instance type {', '.join(missing)} in {where}", remedy)


def _image(place: Place, image: str) -> str:
    """Its id; of Debian's own, any of them."""
    with aws.errors(f"image {image}", place):
        found = aws.client(place).describe_images(**images.query(image))["Images"]
    if not found:
        remedy = '"Image" of the service: the id of one that is there'
        raise UserError(f"cloud {place.name}: there is no image {image} in {place.settings['Region']}", remedy)
    return str(found[0]["ImageId"])


def _allowed(place: Place, image: str, kind: str) -> None:
    """Whether these credentials may make instances: asked for one that is not made. What else EC2 says is no matter."""
    with aws.errors("may we make instances", place):
        aws.dry_run(aws.client(place).run_instances, ImageId=image, InstanceType=kind, MinCount=1, MaxCount=1)


def _cores(place: Place, wanted: Mapping[str, int]) -> None:
    """The quota counts virtual processors of what runs."""
    standard = {name: count for name, count in wanted.items() if name.startswith(STANDARD)}
    limit = _quota(place, *VCPUS)
    if limit is None or not standard:
        return
    client = aws.client(place)
    with aws.errors("virtual processors in use", place):
        described = client.describe_instance_types(InstanceTypes=sorted(standard))["InstanceTypes"]
        running = [each for each in listing.instances(place) if each["State"]["Name"] in ("pending", "running")]
        used = sum(_vcpus(each) for each in running if each["InstanceType"].startswith(STANDARD))
    needed = sum(standard[each["InstanceType"]] * each["VCpuInfo"]["DefaultVCpus"] for each in described)
    _refuse_beyond(place, "virtual processors", used, needed, limit)


def _vcpus(instance: Mapping[str, Any]) -> int:
    options = instance.get("CpuOptions", {})
    return int(options.get("CoreCount", 1)) * int(options.get("ThreadsPerCore", 1))


def _addresses(place: Place, needed: int) -> None:
    limit = _quota(place, *ADDRESSES) if needed else None
    if limit is None:
        limit = _attribute(place, "vpc-max-elastic-ips") if needed else None
    if limit is not None:
        with aws.errors("elastic addresses in use", place):
            used = len(aws.client(place).describe_addresses()["Addresses"])
        _refuse_beyond(place, "elastic addresses", used, needed, limit)


def _networks(place: Place) -> None:
    """Where a network of ours is there, it may be this place's: then none is made."""
    limit = None if "Subnet" in place.settings else _quota(place, *NETWORKS)
    if limit is None:
        return
    with aws.errors("networks in use", place):
        found = aws.client(place).describe_vpcs()["Vpcs"]
    if not any(tag["Key"] == tags.OWNER for vpc in found for tag in vpc.get("Tags", ())):
        _refuse_beyond(place, "networks (VPC)", len(found), 1, limit)


def _refuse_beyond(place: Place, what: str, used: int, needed: int, limit: int) -> None:
    if used + needed > limit:
        short = used + needed - limit
        text = f"{what}: {needed} more are needed, {used} of {limit} are in use: the quota is short by {short}"
        raise UserError(f"cloud {place.name}: {text}", MORE)


def _quota(place: Place, service: str, code: str) -> int | None:
    """None where these credentials may not ask: then EC2 itself says it."""
    with suppress(ConpaasError), aws.errors(f"quota {code}", place):
        client = aws.client(place, "service-quotas")
        return int(client.get_service_quota(ServiceCode=service, QuotaCode=code)["Quota"]["Value"])
    return None


def _attribute(place: Place, name: str) -> int | None:
    with suppress(ConpaasError), aws.errors(f"limit {name}", place):
        found = aws.client(place).describe_account_attributes(AttributeNames=[name])["AccountAttributes"]
        return int(found[0]["AttributeValues"][0]["AttributeValue"]) if found else None
    return None
