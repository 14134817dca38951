"""Why a file is on a machine, and what of the manifest is in it."""

from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from conpaas_iac.catalog import File, ServiceType
from conpaas_iac.core import placeholders
from conpaas_iac.core.mounts import name_of, named
from conpaas_iac.core.render import Tree
from conpaas_iac.drift import adoption, trial
from conpaas_iac.drift.adoption import Parameter
from conpaas_iac.manifest.model import Service
from conpaas_iac.manifest.source import SECRET_NAME
from conpaas_iac.network import vpn
from conpaas_iac.why.whyground import Ground
from conpaas_iac.why.whystep import Answer, Step, role

CODE = "/srv/conpaas/code"
NETWORK = {
    vpn.CONFIG: "how the machine takes part in the application's network, and whom it lets in: what the relations say",
    vpn.AUTHORITIES: "who signs the certificates of the application's network",
    vpn.CERTIFICATE: "who the machine is in the application's network; `conpaas up` renews it",
    vpn.KEY: "the machine's own key; it made it itself, and it never leaves it",
}


def paths(ground: Ground) -> list[str]:
    """Every file that the tool writes on a machine of the application."""
    kinds = [*ground.internal.values(), *(ground.types[each.type] for each in ground.manifest.services)]
    mounting = {path for each in ground.manifest.services for _, _, _, path in _mounting(each, ground)}
    return sorted({file.path for kind in kinds for file in kind.descriptor.files} | {*NETWORK} | mounting)


def _mounting(service: Service, ground: Ground) -> Iterator[tuple[int, ServiceType, int, str]]:
    """Files for the mounts of a service: number of the mount, type, number of the file, path."""
    for place, mount in enumerate(service.mounts):
        kind = ground.types[ground.topology.service(mount.service).type]
        files = kind.descriptor.mount.files if kind.descriptor.mount else ()
        yield from ((place, kind, number, named(file.path, name_of(mount))) for number, file in enumerate(files))


def of_file(query: str, ground: Ground) -> Iterator[Answer]:
    """By its path, or the end of it."""
    if "/" not in query and "." not in query:
        return
    for path in paths(ground):
        if path == query or (not query.startswith("/") and PurePosixPath(path).match(query)):
            yield from _of_path(path, ground)


def _of_path(path: str, ground: Ground) -> Iterator[Answer]:
    if path in NETWORK:
        nodes = tuple(node for node, tree in ground.trees.items() if tree.member) or _all(ground)
        yield Answer("file", path, (Step(NETWORK[path], "conpaas_iac/network/vpn.py:1:1"),), nodes)
    for kind in ground.internal.values():
        for number, file in enumerate(kind.descriptor.files):
            if file.path == path:
                yield Answer("file", path, tuple(_written(kind, number, file)), _all(ground))
    for service in ground.manifest.services:
        kind = ground.types[service.type]
        for number, file in enumerate(kind.descriptor.files):
            if file.path == path:
                having = _having(service, path, ground)
                steps = (*_written(kind, number, file), *_fed(service, path, having, ground))
                yield Answer("file", path, steps, having)
        for place, kind, number, other in _mounting(service, ground):
            if other == path:
                at = f"{service.pointer}/Mounts/{place}"
                mounts = Step(f"service {service.title!r} mounts {service.mounts[place].volume!r}", ground.where(at))
                whose = role(kind, "meta/service.yml", "mount", "files", number)
                steps = (Step(f"of {kind.name}, for machines that mount a volume", whose), mounts)
                yield Answer("file", path, steps, _having(service, path, ground))


def _all(ground: Ground) -> tuple[str, ...]:
    return tuple(node.name for node in ground.topology.nodes)


def _having(service: Service, path: str, ground: Ground) -> tuple[str, ...]:
    nodes = [node.name for node in ground.topology.service(service.name).nodes]
    return tuple(node for node in nodes if node in ground.trees and _file(ground.trees[node], path))


def _file(tree: Tree, path: str) -> bool:
    return any(file.path == path for file in tree.files)


def _written(kind: ServiceType, number: int, file: File) -> Iterator[Step]:
    who = ", ".join(file.groups) or ("every machine" if kind.descriptor.internal else "every group")
    yield Step(f"of {kind.name}, for {who}; mode {file.mode}", role(kind, "meta/service.yml", "files", number))
    template = kind.template(file.path).relative_to(kind.folder.parent)
    yield Step("from the template", f"roles/{template.as_posix()}:1:1")
    if file.unit and file.on_change != "nothing":
        yield Step(f"a change of it: {file.on_change} {file.unit}")


def _fed(service: Service, path: str, having: Iterable[str], ground: Ground) -> Iterator[Step]:
    kind, at = ground.types[service.type], service.pointer
    yield Step(f"service {service.title!r} is of type {kind.name}", ground.where(f"{at}/Type", at))
    for node in having:
        known = trial.parameters(service)
        rendered = trial.rendering(node, path, service.name, ground.topology, ground.types, ground.settings)
        for parameter in adoption.feeding(known, rendered):
            yield _value(parameter, known[parameter], service, kind, ground)
        for _, used in adoption.feeding(trial.relations(service), rendered):
            yield Step(f"what {used} offers to who uses it", ground.where(f"{at}/Uses", at))
        for name in sorted(_secrets(ground.trees[node], path)):
            fields = [field for field, secret in service.secrets.items() if secret == name]
            variables = [variable for variable, secret in service.environment_secrets.items() if secret == name]
            pointers = (*(f"{at}/{each}" for each in fields), *(f"{at}/Environment/{each}" for each in variables))
            yield Step(f"holds the secret {name}", ground.where(*pointers))
        break


def _secrets(tree: Tree, path: str) -> set[str]:
    text = next(file.content for file in tree.files if file.path == path)
    return {key.partition("@")[0] for key in placeholders.keys(text)}


def _value(parameter: Parameter, value: object, service: Service, kind: ServiceType, ground: Ground) -> Step:
    field, name = parameter
    place = ground.where(f"{service.pointer}/{field}/{name}")
    default = "" if place else " (default)"
    steps = ("argument_specs", "main", "options", name)
    shown = "(not shown)" if field == "Environment" and SECRET_NAME.search(name) else repr(value)
    word = "option" if field == "Configuration" else "variable"
    return Step(f"{word} {name} = {shown}{default}", place or role(kind, "meta/argument_specs.yml", *steps))


def of_code(query: str, ground: Ground) -> Iterator[Answer]:
    """What is below the folder of the application's code."""
    if not query.startswith(CODE):
        return
    for service in ground.manifest.services:
        if service.archive:
            nodes = ground.topology.service(service.name).nodes
            carrying = tuple(node.name for node in nodes if node.name in ground.trees and ground.trees[node.name].code)
            place = ground.where(f"{service.pointer}/Archive/Url", f"{service.pointer}/Archive")
            yield Answer("code", query, (Step(f"code of service {service.title!r}", place),), carrying)
