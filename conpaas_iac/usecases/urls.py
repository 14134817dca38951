"""Where an application answers to the outside."""

from collections.abc import Mapping

from conpaas_iac.engine.engine_state import Machines
from conpaas_iac.usecases.wish import Wish


def urls(wanted: Wish, machines: Machines) -> Mapping[str, str]:
    """Where each service answers to the outside: the provider address of its entry's machine."""
    found = {}
    for service in wanted.topology.services:
        descriptor = wanted.types[service.type].descriptor
        entry = next((node for node in service.nodes if descriptor.entry in node.groups), None)
        if descriptor.url and entry and entry.name in machines.nodes:
            found[service.name] = descriptor.url.format(address=machines.nodes[entry.name]["ip"])
    return found
