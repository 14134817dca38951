"""How many machines each group of a service has: StartupInstances, Machines, the type's defaults."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from conpaas_iac.catalog import Group, ServiceType
from conpaas_iac.manifest.clouds import Clouds
from conpaas_iac.manifest.context import Context, items
from conpaas_iac.manifest.model import Batch
from conpaas_iac.manifest.source import child, quote


def by_group(
    context: Context, kind: ServiceType, values: Mapping[str, Any], pointer: str
) -> Iterator[tuple[str, str, Any]]:
    """Group, pointer and value of an object whose keys are groups, older names resolved."""
    seen: dict[str, str] = {}
    for written, value in values.items():
        group = kind.descriptor.group_aliases.get(written, written)
        if group not in kind.descriptor.groups:
            continue  # said by the schema; or a field such as `resume`
        place = child(pointer, written)
        if group != written:
            message = f"{quote(written)} is an older name of the group {quote(group)}"
            context.findings.add("N0106", place, message, f'write "{group}"', key=True)
        if group in seen:
            message, related = f"the group {quote(group)} is given twice", [(seen[group], "the other one")]
            context.findings.add("E0207", place, message, "keep one of them", key=True, related=related)
            continue
        seen[group] = place
        yield group, place, value


def counts(context: Context, kind: ServiceType, data: Mapping[str, Any], pointer: str) -> dict[str, int]:
    """Machines of every group, as StartupInstances and the type's defaults say."""
    result = {name: group.default for name, group in kind.descriptor.groups.items()}
    for group, place, value in by_group(context, kind, data.get("StartupInstances", {}), f"{pointer}/StartupInstances"):
        result[group] = int(value)
        _in_range(context, place, group, int(value), kind.descriptor.groups[group])
    return result


def left_out(context: Context, name: str, data: Mapping[str, Any], pointer: str) -> frozenset[str]:
    """Machines that `Without` leaves out; says so where one is none of this service."""
    written = data.get("Without", [])
    for place, node in items(written, f"{pointer}/Without"):
        if not re.fullmatch(rf"{re.escape(name)}-([a-z_]+-)?[1-9][0-9]*", node):
            message, hint = f"{quote(node)} is no machine of {quote(name)}", f'as "{name}-2"'
            context.findings.add("E0214", place, message, hint)
    return frozenset(node for node in written if node)


def bounds(
    context: Context, kind: ServiceType, data: Mapping[str, Any], pointer: str, counts: Mapping[str, int]
) -> dict[str, dict[str, int]]:
    """`Scaling`: group -> Min and Max, as far as they are said; says where a group has fewer or more machines."""
    result = {}
    for group, place, written in by_group(context, kind, data.get("Scaling", {}), f"{pointer}/Scaling"):
        result[group] = {name: int(number) for name, number in written.items()}
        least, most = int(written.get("Min", 0)), int(written.get("Max", counts[group]))
        if "Min" in written and "Max" in written and least > most:
            message = f"no number of {quote(group)} is at least {least} and at most {most}"
            context.findings.add("E0220", place, message, "Min is the smaller one")
        elif not least <= counts[group] <= most:
            word = f"at least {least}" if counts[group] < least else f"at most {most}"
            message = f"{quote(group)} should be {word}, is {counts[group]}: Scaling says so"
            where = _counted(kind, data, pointer, group)
            related = [(place, "the bounds")] if where else []
            context.findings.add("E0220", where or place, message, "another number, or other bounds", related=related)
    return result


def _counted(kind: ServiceType, data: Mapping[str, Any], pointer: str, group: str) -> str:
    """Where a group's number is written; "" where it is the type's default."""
    for field in ("Machines", "StartupInstances"):
        for written in data.get(field, {}):
            if kind.descriptor.group_aliases.get(written, written) == group:
                return child(f"{pointer}/{field}", written)
    return ""


def votes(context: Context, kind: ServiceType, counts: Mapping[str, int], pointer: str) -> None:
    """What is at risk with an even number of machines."""
    for name, group in kind.descriptor.groups.items():
        if group.even and counts[name] > 0 and counts[name] % 2 == 0:
            place = f"{pointer}/StartupInstances/{name}"
            message = f"{counts[name]} machines of {quote(name)}: {group.even}"
            context.findings.add("W0204", place, message, "an odd number")


def _in_range(context: Context, place: str, name: str, count: int, group: Group) -> None:
    if not group.minimum <= count <= group.maximum:
        word = f"at least {group.minimum}" if count < group.minimum else f"at most {group.maximum}"
        message = f"{quote(name)} should be {word}, is {count}"
        context.findings.add("E0206", place, message, "a whole number of machines")


def batches(
    context: Context, kind: ServiceType, data: Mapping[str, Any], pointer: str, clouds: Clouds, cloud: str, size: str
) -> dict[str, tuple[Batch, ...]]:
    """The mix of machines that `Machines` asks for; cloud and size are the service's, for batches that say none."""
    result: dict[str, tuple[Batch, ...]] = {}
    for group, place, values in by_group(context, kind, data.get("Machines", {}), f"{pointer}/Machines"):
        mix = []
        for each, batch in items(values, place):
            batch_cloud = clouds.resolve(batch["Cloud"], f"{each}/Cloud") if "Cloud" in batch else cloud
            batch_size = batch.get("Size") or (clouds.size(batch_cloud) if "Cloud" in batch else size)
            mix.append(Batch(int(batch.get("Count", 0)), batch_cloud, batch_size))
        result[group] = tuple(mix)
        _agrees(context, kind, data, place, group, sum(batch.count for batch in mix))
    return result


def _agrees(context: Context, kind: ServiceType, data: Mapping[str, Any], place: str, group: str, total: int) -> None:
    """A group's plain count and its mix must not say different things."""
    _in_range(context, place, group, total, kind.descriptor.groups[group])
    for written, value in data.get("StartupInstances", {}).items():
        if kind.descriptor.group_aliases.get(written, written) == group and int(value) != total:
            service = place.rpartition("/Machines/")[0]
            related = [(f"{service}/StartupInstances/{written}", f"{value} here")]
            message = f"{quote(group)} has {total} machines here, and another number in StartupInstances"
            context.findings.add("E0210", place, message, "say it in one place", related=related)
