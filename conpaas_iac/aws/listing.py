"""Instances as EC2 lists them."""

from collections.abc import Iterator, Mapping
from typing import Any

from conpaas_iac import aws
from conpaas_iac.aws import sizes
from conpaas_iac.clouds.base import Seen, Tagged
from conpaas_iac.clouds.shared import tags
from conpaas_iac.core.places import Place

ALIVE = ["pending", "running", "stopping", "stopped"]


def instances(place: Place, *conditions: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Those that are not terminated, in one paged call; `conditions` are filters of EC2's.

    Another account holds none of them, which would look as if they were lost: it is refused where it can be known.
    """
    if "Account" in place.settings:
        aws.refuse_another_account(place)
    with aws.errors("list of machines", place):
        filters = [*conditions, {"Name": "instance-state-name", "Values": ALIVE}]
        yield from aws.instances(aws.client(place), Filters=filters)


def of_owner(place: Place, owner: str) -> tuple[Seen, ...]:
    """Machines with the owner's tag."""
    found = instances(place, {"Name": f"tag:{tags.OWNER}", "Values": [owner]})
    return tuple(_tagged(place, each).seen for each in found)


def of_anybody(place: Place) -> tuple[Tagged, ...]:
    """Machines with any owner's tag."""
    return tuple(_tagged(place, each) for each in instances(place, {"Name": "tag-key", "Values": [tags.OWNER]}))


def _tagged(place: Place, instance: Mapping[str, Any]) -> Tagged:
    said = tags.read({each["Key"]: each["Value"] for each in instance["Tags"]})
    cpu, memory = _size(place, instance)
    seen = Seen(
        node=said.node,
        id=instance["InstanceId"],
        name=instance["InstanceId"],
        running=instance["State"]["Name"] in ("pending", "running"),
        incarnation=said.incarnation,
        ip=instance.get("PublicIpAddress", ""),
        cpu=cpu,
        memory=memory,
    )
    return Tagged(said.owner, said.application, seen, instance.get("LaunchTime"), said.origin)


def _size(place: Place, instance: Mapping[str, Any]) -> tuple[int | None, int | None]:
    """As the manifest means it; of a type that stands for no size, the cores that EC2 tells."""
    if sizes.is_ours(place, instance["InstanceType"]):
        known = sizes.size(place, instance["InstanceType"])
        return (known.cpu, known.memory) if known else (None, None)
    options = instance.get("CpuOptions", {})
    return (options.get("CoreCount", 0) * options.get("ThreadsPerCore", 1)) or None, None
