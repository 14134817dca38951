"""Topology -> for every node the complete tree of its configuration, and its digest. Pure: offline, the same always."""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import msgspec

from conpaas_iac import catalog
from conpaas_iac.catalog import Catalog, ServiceType
from conpaas_iac.core import placeholders
from conpaas_iac.core.layout import Node
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
class Code:
    """The code a machine carries; `unit` is reloaded when the version changes."""

    version: str
    unit: str
    owner: str


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
    shared, texts = _shared(topology, types), Templates()
    found = {}
    for node in topology.nodes:
        if only is not None and node.name not in only:
            continue
        service = topology.service(node.service)
        sources = (*internal.values(), types[service.type])
        own = {
            "operators": operators[node.cloud],
            "public": topology.public(node),
            "secrets": _secrets(service, topology),
            "accepted": {
                name: placeholders.accepted(each, topology.secrets[each]) for name, each in service.secrets.items()
            },
        }
        found[node.name] = _tree(node, service, sources, texts, {**shared, **own})
    return found


def _tree(
    node: Node, service: Service, sources: tuple[ServiceType, ...], texts: Templates, shared: Any
) -> Tree:
    context = {**shared, "service": shared["services"][service.name], "node": _node(node)}
    varies = {"node": node.name, "public": node.name, "operators": node.cloud}
    varies |= dict.fromkeys(("service", "secrets", "accepted"), service.name)
    files: list[File] = []
    absent: list[str] = []
    for source in sources:
        for file in source.descriptor.files:
            if not _asked(file.first_with, node, service):
                continue
            if _runs(node, file.groups):
                content = texts.rendered(source, file.path, context, varies)
                _keeps_secrets(source, file, content)
                files.append(File(file.path, content, file.mode, file.owner, file.group, file.unit, file.on_change))
            else:
                absent.append(file.path)
    descriptor = sources[-1].descriptor
    listed = (unit for source in sources for unit in source.descriptor.units)
    units = [unit for unit in listed if _asked(unit.first_with, node, service)]
    carries_code = bool(service.code) and _runs(node, descriptor.code or ("",))
    owner = descriptor.code_owner if service.options.get("writable_code", True) else ""
    return Tree(
        node=node.name,
        groups=node.groups,
        files=tuple(files),
        absent=tuple(absent),
        units=tuple(unit.name for unit in units if _runs(node, unit.groups)),
        idle_units=tuple(unit.name for unit in units if not _runs(node, unit.groups)),
        code=Code(service.code, descriptor.code_unit, owner) if carries_code else None,
    )


def _runs(node: Node, groups: tuple[str, ...]) -> bool:
    return not groups or bool(set(groups) & set(node.groups))


def _asked(field: str, node: Node, service: Service) -> bool:
    """Whether the manifest wants it, and here; what it wanted before goes by itself."""
    return not field or (bool(service.fields.get(field)) and node.name == service.nodes[0].name)


def _secrets(service: Service, topology: Topology) -> dict[str, str]:
    return {name: placeholders.current(each, topology.secrets[each]) for name, each in service.secrets.items()}


def _keeps_secrets(kind: ServiceType, file: catalog.File, content: str) -> None:
    if int(file.mode, 8) & 0o004 and placeholders.keys(content):
        raise ConpaasError(f"roles/{kind.name}: everybody may read {file.path} ({file.mode}), and it holds a secret")


def _shared(topology: Topology, types: Catalog) -> dict[str, Any]:
    """What templates see, the same for every node."""
    return {
        "application": {"name": topology.application, "environment": topology.environment},
        "range": str(topology.range),
        "hosts": _hosts(topology),
        "services": {service.name: _service(service, topology, types) for service in topology.services},
    }


def _service(service: Service, topology: Topology, types: Catalog) -> dict[str, Any]:
    nodes = [_node(node) for node in service.nodes]
    groups = types[service.type].descriptor.groups
    return {
        "name": service.name,
        "title": service.title,
        "type": service.type,
        "options": service.options,
        "fields": service.fields,
        "environment": _variables(service, topology, types),
        "code": service.code,
        "entry": str(service.entry),
        "nodes": nodes,
        "groups": {group: [node for node in nodes if group in node["groups"]] for group in groups},
        "uses": list(service.uses),
        "directory": _directory(service),
    }


def _directory(service: Service) -> dict[str, list[str]]:
    """Machines' name without its number -> their addresses, those to come included."""
    found: dict[str, list[str]] = {}
    for name, address in service.directory:
        found.setdefault(name.rpartition("-")[0], []).append(str(address))
    return found


def _node(node: Node) -> dict[str, Any]:
    return {
        "name": node.name,
        "address": str(node.address),
        "ordinal": node.ordinal,
        "groups": list(node.groups),
        "service": node.service,
    }


def _variables(service: Service, topology: Topology, types: Catalog) -> dict[str, str]:
    """What the types of used services offer, under the service's own variables."""
    offered: dict[str, str] = {}
    for used in sorted(service.uses):
        other = topology.service(used)
        for name, text in types[other.type].descriptor.environment.items():
            known = {"address": other.entry, "service": other.name, "secrets": _secrets(other, topology)}
            offered.setdefault(name, text.format(**known))
    own = {
        name: placeholders.current(secret, topology.secrets[secret])
        for name, secret in service.environment_secrets.items()
    }
    return {**offered, **service.environment, **own}


def _hosts(topology: Topology) -> list[dict[str, Any]]:
    """Names of every machine, those to come included, and of every service's entry."""
    suffix = f"{topology.application}.internal"
    return [
        {"address": str(address), "names": [name, f"{name}.{suffix}"]}
        for service in topology.services
        for name, address in (*((service.name, each) for each in service.entries), *service.directory)
    ]
