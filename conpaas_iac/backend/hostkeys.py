"""Which SSH host keys machines may show: those that they booted with, and those that they have made since. Pure."""

from collections.abc import Mapping

from conpaas_iac.backend.record import Record


def own(there: Record, node: str, instance_id: str) -> str:
    """The one that this very machine has made; "" where it has made none."""
    known = there.host_keys.get(node)
    return known.public if known and known.id == instance_id else ""


def is_proven(there: Record, node: str, instance_id: str) -> bool:
    """Whether it has confirmed a configuration: then it uses its own."""
    confirmed = there.nodes.get(node)
    return confirmed is not None and confirmed.id == instance_id


def shown(there: Record, nodes: Mapping[str, Mapping[str, str]]) -> dict[str, Mapping[str, str]]:
    """Machines (node -> {id, ip, hostKey}) with the keys that they may show, a line each."""
    found = dict(nodes)
    for node, known in nodes.items():
        if made := own(there, node, known.get("id", "")):
            first = "" if is_proven(there, node, known["id"]) else f"{known['hostKey']}\n"
            found[node] = {**known, "hostKey": first + made}
    return found
