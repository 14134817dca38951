"""What templates see of a topology, the same for every machine of a service. Pure."""

from typing import Any

from conpaas_iac.catalog import Catalog
from conpaas_iac.core import mounts, placeholders
from conpaas_iac.core.layout import Node
from conpaas_iac.core.topology import Service, Topology


def shared(topology: Topology, types: Catalog) -> dict[str, Any]:
    """What templates see, the same for every node."""
    return {
        "application": {"name": topology.application, "environment": topology.environment},
        "range": str(topology.range),
        "hosts": _hosts(topology),
        "services": {service.name: _service(service, topology, types) for service in topology.services},
    }


def _service(service: Service, topology: Topology, types: Catalog) -> dict[str, Any]:
    nodes = [node(each) for each in service.nodes]
    groups = types[service.type].descriptor.groups
    return {
        "name": service.name,
        "title": service.title,
        "type": service.type,
        "options": service.options,
        "fields": service.fields,
        "volumes": mounts.volumes(service, topology),
        "mounted": mounts.mounted(service, topology),
        "environment": _variables(service, topology, types),
        "code": service.code,
        "entry": str(service.entry),
        "nodes": nodes,
        "groups": {group: [each for each in nodes if group in each["groups"]] for group in groups},
        "uses": list(service.uses),
        "directory": _directory(service),
    }


def _directory(service: Service) -> dict[str, list[str]]:
    """Machines' name without its number -> their addresses, those to come included."""
    found: dict[str, list[str]] = {}
    for name, address in service.directory:
        found.setdefault(name.rpartition("-")[0], []).append(str(address))
    return found


def node(of: Node) -> dict[str, Any]:
    """A machine."""
    return {
        "name": of.name,
        "address": str(of.address),
        "ordinal": of.ordinal,
        "groups": list(of.groups),
        "service": of.service,
        "cloud": of.cloud,
    }


def _variables(service: Service, topology: Topology, types: Catalog) -> dict[str, str]:
    """What the types of used services offer, under the service's own variables."""
    offered: dict[str, str] = {}
    for used in sorted(service.uses):
        other = topology.service(used)
        for name, text in types[other.type].descriptor.environment.items():
            known = {"address": other.entry, "service": other.name, "secrets": topology.current(other)}
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
