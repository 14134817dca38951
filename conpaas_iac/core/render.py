"""Topology -> for every node the complete tree of its configuration, and its digest. Pure: offline, the same always."""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from typing import Any

import msgspec

from conpaas_iac import catalog
from conpaas_iac.catalog import Catalog, ServiceType
from conpaas_iac.core import context, mounts, placeholders
from conpaas_iac.core.layout import Node
from conpaas_iac.core.mounts import Mounted
from conpaas_iac.core.templates import Templates
from conpaas_iac.core.topology import Service, Topology
from conpaas_iac.errors import ConpaasError


@dataclass(frozen=True)
class File:
    """One file of one machine."""

    path: str
    content: str
    mode: str
    owner: str
    group: str
    unit: str
    on_change: str

    @cached_property
    def digest(self) -> str:
        """Names the content."""
        return hashlib.sha256(self.content.encode()).hexdigest()


@dataclass(frozen=True)
class Link:
    """A place in the code that leads out of it, to what no version holds."""

    path: str
    target: str
    owner: str


@dataclass(frozen=True)
class Code:
    """The code a machine carries; `unit` is reloaded when the version changes."""

    version: str
    unit: str
    owner: str
    links: tuple[Link, ...] = ()


@dataclass(frozen=True)
class Member:
    """Who a machine is in the application's network: what its certificate says, and who signs it."""

    name: str
    address: str  # with prefix length
    groups: tuple[str, ...]
    signer: str  # fingerprint of the authority
    trusts: tuple[str, ...]  # fingerprints of authorities
    serial: int  # counts the machine's certificates


@dataclass(frozen=True)
class Tree:
    """All that a machine is told to be."""

    node: str
    groups: tuple[str, ...]
    files: tuple[File, ...]
    absent: tuple[str, ...]  # files of groups that this machine does not run
    units: tuple[str, ...]  # enabled and running
    idle_units: tuple[str, ...]  # disabled and stopped
    code: Code | None
    member: Member | None = None  # None: until it is known where machines are

    @classmethod
    def empty(cls, node: str) -> "Tree":
        """Of a machine that is told nothing: one that is baked or leaves."""
        return cls(node, (), (), (), (), (), None)

    def with_secret(self, name: str, versions: placeholders.Versions) -> "Tree":
        """The same with other versions of a secret."""
        files = tuple(replace(file, content=placeholders.moved(file.content, name, versions)) for file in self.files)
        return self if files == self.files else replace(self, files=files)

    @cached_property
    def digest(self) -> str:
        """Two trees with the same digest need no visit; how a change is taken up is no part of it."""
        files = tuple(replace(file, unit="", on_change="") for file in self.files)
        return hashlib.sha256(msgspec.json.encode(replace(self, files=files))).hexdigest()


def trees(
    topology: Topology,
    types: Catalog,
    internal: Catalog,
    operators: Mapping[str, tuple[str, ...]],
    only: Collection[str] | None = None,
) -> dict[str, Tree]:
    """Node -> tree, for every node of the topology, or for those that are named.

    `internal` is what machines of every type get; `operators` is cloud -> addresses that SSH comes from.
    """
    shared, texts = context.shared(topology, types), Templates()
    found = {}
    for node in topology.nodes:
        if only is not None and node.name not in only:
            continue
        service = topology.service(node.service)
        sources = (*internal.values(), types[service.type])
        own = {
            "operators": operators[node.cloud],
            "public": topology.public(node),
            "secrets": topology.current(service),
            "accepted": {
                name: placeholders.accepted(each, topology.secrets[each]) for name, each in service.secrets.items()
            },
        }
        mounted = mounts.of_node(node, topology, types)
        found[node.name] = _tree(node, service, sources, texts, {**shared, **own}, mounted)
    return found


def _tree(
    node: Node,
    service: Service,
    sources: tuple[ServiceType, ...],
    texts: Templates,
    shared: Any,
    mounted: tuple[Mounted, ...],
) -> Tree:
    seen = {**shared, "service": shared["services"][service.name], "node": context.node(node)}
    varies = {"node": node.name, "public": node.name, "operators": node.cloud}
    varies |= dict.fromkeys(("service", "secrets", "accepted"), service.name)
    units = [[each for each in source.descriptor.units if _asked(each.first_with, node, service)] for source in sources]
    *common, own = ([unit.name for unit in listed if _runs(node, unit.groups)] for listed in units)
    files: list[File] = []
    absent: list[str] = []
    for source in sources:
        for file in source.descriptor.files:
            if not _asked(file.first_with, node, service):
                continue
            if _runs(node, file.groups):
                files.append(_file(source, file, texts.rendered(source, file.path, seen, varies)))
            else:
                absent.append(file.path)
    for each in mounted:
        about = {**seen, "mount": each.context(shared["services"], own)}
        for file in each.mount.files:
            content = texts.rendered(each.kind, file.path, about, {**varies, "mount": f"{node.name} {each.name}"})
            files.append(_file(each.kind, each.of(file), content))
    descriptor = sources[-1].descriptor
    carries_code = bool(service.code) and _runs(node, descriptor.code or ("",))
    owner = descriptor.code_owner if service.options.get("writable_code", True) else ""
    links = tuple(Link(each.link, each.path, each.owner) for each in mounted if each.link)
    return Tree(
        node=node.name,
        groups=node.groups,
        files=tuple({file.path: file for file in files}.values()),  # what several mounts share is there once
        absent=tuple(absent),
        units=(*chain(*common), *(each.mount_unit for each in mounted), *own),
        idle_units=tuple(unit.name for unit in chain(*units) if not _runs(node, unit.groups)),
        code=Code(service.code, descriptor.code_unit, owner, links) if carries_code else None,
    )


def _file(kind: ServiceType, file: catalog.File, content: str) -> File:
    if int(file.mode, 8) & 0o004 and placeholders.keys(content):
        raise ConpaasError(f"roles/{kind.name}: everybody may read {file.path} ({file.mode}), and it holds a secret")
    return File(file.path, content, file.mode, file.owner, file.group, file.unit, file.on_change)


def _runs(node: Node, groups: tuple[str, ...]) -> bool:
    return not groups or bool(set(groups) & set(node.groups))


def _asked(field: str, node: Node, service: Service) -> bool:
    """Whether the manifest wants it, and here; what it wanted before goes by itself."""
    return not field or (bool(service.fields.get(field)) and node.name == service.nodes[0].name)
