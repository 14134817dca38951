"""What services have to do with each other: uses, former names, the order of starts."""

from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from conpaas_iac.manifest.context import Context, Named, items
from conpaas_iac.manifest.model import Mount
from conpaas_iac.manifest.names import slug, suggestion
from conpaas_iac.manifest.source import quote

Uses = Mapping[str, tuple[str, ...]]  # pointer of a service -> names of services


def uses(context: Context, named: Sequence[Named]) -> Uses:
    """Whom each service may reach: what it says, or every other one."""
    return {service.pointer: _uses(context, service, named) for service in named}


def _uses(context: Context, service: Named, named: Sequence[Named]) -> tuple[str, ...]:
    names = {other.name for other in named}
    if "Uses" not in service.data:
        return tuple(sorted(names - {service.name, ""}))
    found = set()
    for pointer, text in items(service.data["Uses"], f"{service.pointer}/Uses"):
        name = slug(text)
        if name not in names or not name:
            others = [other.title for other in named if other is not service and "Type" in other.data]
            hint = suggestion(text, others, "services")
            context.findings.add("E0211", pointer, f"there is no service {quote(text)}", hint)
        elif name == service.name:
            message = "a service reaches its own machines anyway"
            context.findings.add("W0202", pointer, message, "take it out")
        else:
            found.add(name)
    return tuple(sorted(found))


def renamed(context: Context, named: Sequence[Named]) -> Mapping[str, str]:
    """Former names by pointer of the service."""
    result: dict[str, str] = {}
    for service in named:
        if "RenamedFrom" not in service.data:
            continue
        pointer = f"{service.pointer}/RenamedFrom"
        former = slug(service.data["RenamedFrom"])
        owner = next((other for other in named if other.name == former), None)
        other = next((each for each, name in result.items() if name == former), None)
        if not former:
            message = f"no host name can be made from {quote(service.data['RenamedFrom'])}"
            context.findings.add("E0201", pointer, message, "the name the service had")
        elif owner is service:
            context.findings.add("E0212", pointer, "this is the service's present name", "the name it had before")
        elif owner:
            related = [(owner.pointer, "this one")]
            context.findings.add("E0212", pointer, f"a service {quote(former)} is there", "", related=related)
        elif other:
            related = [(f"{other}/RenamedFrom", "the other one")]
            context.findings.add("E0212", pointer, f"two services were {quote(former)}", "", related=related)
        result[service.pointer] = former
    return result


def start_order(
    context: Context, named: Sequence[Named], using: Uses, mounted: Mapping[str, tuple[Mount, ...]]
) -> None:
    """Say circles of what types need at start, and where the written order was ConPaaS's and is not ours."""
    by_name = {service.name: service for service in named if service.kind and service.name}
    graph = {name: _needed(service, using, by_name, mounted[service.pointer]) for name, service in by_name.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        circle: list[str] = error.args[1]
        first = by_name[min(circle, key=lambda name: by_name[name].pointer)]
        message = f"services need each other at start: {' -> '.join(reversed(circle))}"
        pointer = f"{first.pointer}/Uses" if "Uses" in first.data else f"{first.pointer}/Type"
        context.findings.add("E0213", pointer, message, 'say with "Uses" who needs whom')
        return
    order = [service.name for service in named]
    for name, needed in graph.items():
        for other in sorted(needed):
            if order.index(other) > order.index(name):
                message = f"{quote(other)} is started before {quote(name)}, although it is written after it"
                hint = "ConPaaS started services as written; here their types say what they need"
                context.findings.add("N0107", f"{by_name[other].pointer}/Type", message, hint)


def _needed(
    service: Named, using: Uses, by_name: Mapping[str, Named], mounted: Sequence[Mount]
) -> set[str]:
    needs = service.kind.descriptor.needs if service.kind else ()
    used = (by_name[name] for name in using[service.pointer] if name in by_name)
    needed = {other.name for other in used if other.kind and other.kind.name in needs}
    return needed | {mount.service for mount in mounted if mount.service in by_name} - {service.name}
