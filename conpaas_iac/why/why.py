"""From anything on an application's machines back to what asked for it: the manifest's place, and the role's line."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict
from difflib import get_close_matches
from itertools import chain
from pathlib import Path

from conpaas_iac.catalog import ServiceType
from conpaas_iac.errors import UserError
from conpaas_iac.why import rolefiles
from conpaas_iac.why.whyfile import of_code, of_file, paths
from conpaas_iac.why.whyground import Ground
from conpaas_iac.why.whymachine import of_machine, of_service
from conpaas_iac.why.whyport import of_port
from conpaas_iac.why.whystep import Answer, Step, role

BASE = Path(__file__).parents[1] / "host" / "guest"  # what goes into the base image
NEAREST = 4


def why(query: str, ground: Ground) -> tuple[Answer, ...]:
    """All that it may mean; raises UserError with the nearest names where it is nothing that is known."""
    meanings: tuple[Callable[[str, Ground], Iterable[Answer]], ...] = (
        of_machine,
        of_service,
        of_file,
        of_code,
        _of_unit,
        _of_package,
        of_port,
    )
    found = tuple(chain.from_iterable(meaning(query, ground) for meaning in meanings))
    if not found:
        near = _nearest(query, ground)
        remedy = f"nearest: {', '.join(near)}" if near else "an address, a machine, a file, a package, a unit or a port"
        raise UserError(f"nothing of {ground.manifest.application} is called {query!r}", remedy)
    return found


def _nearest(query: str, ground: Ground) -> list[str]:
    addresses = (str(node.address) for node in ground.topology.nodes)
    names = [node.name for node in ground.topology.nodes] + [each.name for each in ground.manifest.services]
    known = {*names, *addresses, *_packages(ground), *(unit for unit, _, _ in _units(ground))}
    if query.isdigit():
        ports = {port.port for kind, _ in _kinds(ground) for port in kind.descriptor.ports} - {0}
        return [str(port) for port in sorted(ports, key=lambda port: abs(port - int(query)))[:NEAREST]]
    by_name = {path.rpartition("/")[2]: path for path in paths(ground)}
    files = get_close_matches(query, paths(ground), NEAREST, 0.6)
    files += [by_name[name] for name in get_close_matches(query.rpartition("/")[2], by_name, NEAREST, 0.6)]
    near = files if "/" in query else [*get_close_matches(query, known, NEAREST, 0.6), *files]
    return list(dict.fromkeys(near))[:NEAREST]


def _kinds(ground: Ground) -> list[tuple[ServiceType, tuple[str, ...]]]:
    """What is on the machines, with the services that have it: all of them, or those of the type."""
    everybody = tuple(service.name for service in ground.manifest.services)
    of_type: dict[str, tuple[str, ...]] = {}
    for service in ground.manifest.services:
        of_type[service.type] = (*of_type.get(service.type, ()), service.name)
    own = [(ground.types[name], names) for name, names in of_type.items()]
    return [*((kind, everybody) for kind in ground.internal.values()), *own]


def _units(ground: Ground) -> Iterator[tuple[str, ServiceType, int]]:
    for kind, _ in _kinds(ground):
        for number, unit in enumerate(kind.descriptor.units):
            yield unit.name, kind, number


def _of_unit(query: str, ground: Ground) -> Iterator[Answer]:
    services = {kind.name: names for kind, names in _kinds(ground)}
    for name, kind, number in _units(ground):
        if query.removesuffix(".service") == name:
            unit = kind.descriptor.units[number]
            who = ", ".join(unit.groups) or "every group"
            steps = [Step(f"runs on machines of {who}", role(kind, "meta/service.yml", "units", number))]
            steps += [
                Step(f"{file.on_change} when {file.path} changes", role(kind, "meta/service.yml", "files", place))
                for place, file in enumerate(kind.descriptor.files)
                if file.unit == name and file.on_change != "nothing"
            ]
            steps += _asked(services[kind.name], ground)
            nodes = tuple(node for node, tree in ground.trees.items() if name in tree.units)
            yield Answer("unit", name, tuple(steps), nodes)


def _packages(ground: Ground) -> Mapping[str, list[tuple[str, tuple[str, ...], str]]]:
    """Package -> (place, services, what asks for it)."""
    found: dict[str, list[tuple[str, tuple[str, ...], str]]] = {}
    everybody = tuple(service.name for service in ground.manifest.services)
    for number, name in enumerate((BASE / "packages.txt").read_text().splitlines(), 1):
        place = f"conpaas_iac/host/guest/packages.txt:{number}:1"
        found.setdefault(name.strip(), []).append((place, everybody, "the base image of every machine"))
    installs = [(each / "tasks" / "install.yml", *of) for of in _kinds(ground) for each in of[0].folders]
    for install, kind, services in installs:
        for name, (line, column) in rolefiles.words(install).items() if install.is_file() else ():
            place = f"{install.relative_to(kind.folder.parents[1]).as_posix()}:{line}:{column}"
            found.setdefault(name, []).append((place, services, f"the image of {kind.name}"))
    return {name: places for name, places in found.items() if name and " " not in name and "/" not in name}


def _of_package(query: str, ground: Ground) -> Iterator[Answer]:
    for place, services, what in _packages(ground).get(query, ()):
        nodes = tuple(node.name for node in ground.topology.nodes if node.service in services)
        yield Answer("package", query, (Step(f"is in {what}", place), *_asked(services, ground)), nodes)


def _asked(services: Iterable[str], ground: Ground) -> list[Step]:
    """The services that a thing is there for."""
    wanted = {*services}
    return [
        Step(f"service {each.title!r} is of type {each.type}", ground.where(f"{each.pointer}/Type", each.pointer))
        for each in ground.manifest.services
        if each.name in wanted
    ]


def document(query: str, answers: Iterable[Answer], ground: Ground) -> dict[str, object]:
    """For `--format json`."""
    return {
        "version": 1,
        "application": ground.manifest.application,
        "environment": ground.topology.environment,
        "query": query,
        "answers": [asdict(each) for each in answers],
    }
