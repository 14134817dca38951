"""SSH host keys of machines that booted with a one-time key: made by the machine, recorded, then taken into use."""

from collections.abc import Callable
from dataclasses import replace

from conpaas_iac import clouds
from conpaas_iac.backend.hostkeys import is_proven, own, shown
from conpaas_iac.backend.record import HostKey, Record
from conpaas_iac.core.render import Tree
from conpaas_iac.engine.engine_state import Machines
from conpaas_iac.machines.configure import Executor
from conpaas_iac.machines.ssh import access
from conpaas_iac.machines.visit import Visit
from conpaas_iac.runs.events import Listener
from conpaas_iac.usecases.wish import Wish

KEY = "ssh-ed25519 "


def made(
    wanted: Wish,
    machines: Machines,
    there: Record,
    keep: Callable[[Record], object],
    listen: Listener,
    execute: Executor,
) -> Record:
    """The record with the keys of new machines. One that does not answer says so at its first visit."""
    due = [
        Visit(node.name, known["ip"], wanted.topology.service(node.service).type, (), Tree.empty(node.name), baked=True)
        for node in wanted.topology.nodes
        if (known := machines.nodes.get(node.name))
        and clouds.kind(wanted.topology.provider(node)).KEYS_IN_USER_DATA
        and not own(there, node.name, known["id"])
        and not is_proven(there, node.name, known["id"])
    ]
    if not due:
        return there
    with access(machines.login, shown(there, machines.nodes)) as way:
        outcome = execute("hostkey", due, way, listen)
    new = {
        node: HostKey(machines.nodes[node]["id"], public)
        for node, public in outcome.host_keys.items()
        if public.startswith(KEY)
    }
    kept = {node: key for node, key in there.host_keys.items() if node in machines.nodes}
    after = replace(there, host_keys={**kept, **new})
    keep(after)
    return after
