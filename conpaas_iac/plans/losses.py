"""Whether a change would destroy the last copy of a service's data. Pure."""

from collections.abc import Collection, Iterable, Mapping

from conpaas_iac.backend.record import Record
from conpaas_iac.catalog import Catalog, Group
from conpaas_iac.core.declaration import Machine
from conpaas_iac.core.topology import Topology
from conpaas_iac.errors import UserError

ENOUGH = 3  # from so many members on, a majority of them has to stay where one copy alone is not enough


def of_change(
    layout: Topology, applied: Iterable[Machine], there: Record, types: Catalog, lost: Collection[str]
) -> dict[str, str]:
    """Service -> why its data would be lost. `lost` are machines that are gone, or would be replaced."""
    applied = tuple(applied)
    groups = _by_group(applied, there, types)
    wanted = {service.name: service for service in layout.services}
    found = {}
    for name, (kind, machines) in holders(applied, there, types).items():
        service = wanted.get(name)
        if service is None or service.type != kind:
            what = "it is no longer in the manifest" if service is None else f"it becomes a {service.type} service"
            found[name] = f"{what}, and its data is on {_names(machines)}"
        elif service.start:
            kinds = types[service.type].descriptor.groups
            for group, members in groups[name].items():
                having = {group, kinds[group].copied_to}
                keeping = {node.name for node in service.nodes if having & {*node.groups}}
                staying = [node for node in members if node in keeping and node not in lost]
                leaving = [node for node in members if node not in keeping]
                if reason := _gone(members, staying, lost) or _steep(kinds[group], members, staying, leaving):
                    found[name] = reason
    return found


def of_everything(applied: Iterable[Machine], there: Record, types: Catalog) -> dict[str, str]:
    """The same for removing the whole application."""
    return {
        name: f"its data is on {_names(machines)}" for name, (_, machines) in holders(applied, there, types).items()
    }


def holders(applied: Iterable[Machine], there: Record, types: Catalog) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Service -> its type, and the machines that have proved to hold its data."""
    found: dict[str, tuple[str, tuple[str, ...]]] = {}
    for machine in applied:
        known, kind = there.nodes.get(machine.node), types.get(machine.type)
        if known and kind and any(kind.descriptor.groups[group].keeps_data for group in known.groups):
            found[machine.service] = (machine.type, (*found.get(machine.service, ("", ()))[1], machine.node))
    return found


def _by_group(
    applied: Iterable[Machine], there: Record, types: Catalog
) -> dict[str, dict[str, tuple[str, ...]]]:
    """Service -> group that keeps data -> the machines that have proved to hold it, or a copy."""
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for machine in applied:
        known, kind = there.nodes.get(machine.node), types.get(machine.type)
        for name, group in kind.descriptor.groups.items() if known and kind else ():
            if known and group.keeps_data and {name, group.copied_to} & {*known.groups}:
                groups = found.setdefault(machine.service, {})
                groups[name] = (*groups.get(name, ()), machine.node)
    return found


def _gone(machines: tuple[str, ...], staying: Collection[str], lost: Collection[str]) -> str:
    """Why nothing of it stays; "" where some does."""
    if staying:
        return ""
    return f"{_names([node for node in machines if node in lost] or machines)} held the last copy of it"


def _steep(group: Group, machines: tuple[str, ...], staying: Collection[str], leaving: Collection[str]) -> str:
    """Why too many would go at once; "" where one copy is enough, or enough of them stay."""
    is_enough = group.copied_to or group.hands_over or 2 * len(staying) > len(machines)
    if len(machines) >= ENOUGH and not is_enough and leaving:
        return f"only {_names(staying)} of {len(machines)} would stay, less than a majority: go in smaller steps"
    return ""


def _names(nodes: Iterable[str]) -> str:
    return ", ".join(nodes)


def refuse(
    lost: Mapping[str, str], may_lose: Collection[str], application: str, machines: Iterable[Machine], types: Catalog
) -> None:
    """Raises UserError where data would be lost that may not be lost."""
    if refused := {name: why for name, why in lost.items() if name not in may_lose}:
        raise UserError(*said(refused, application, {machine.service: machine.type for machine in machines}, types))


def said(losses: Mapping[str, str], application: str, types: Mapping[str, str], catalog: Catalog) -> tuple[str, str]:
    """Message and remedy of a refusal; `types` is service -> type."""
    message = "; ".join(f"{name} would lose its data: {why}" for name, why in sorted(losses.items()))
    saves = [
        f"conpaas {types[name]} save {application}/{name} {name}.sql.gz"
        for name in sorted(losses)
        if types.get(name) in catalog and "save" in catalog[types[name]].descriptor.operations
    ]
    allow = " ".join(f"--allow-data-loss={name}" for name in sorted(losses))
    return message, "; ".join([*(f"save it: {line}" for line in saves), f"to lose it: {allow}"])
