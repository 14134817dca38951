"""Starting and stopping machines that are there, all of a cloud's at once."""

from collections.abc import Iterable, Mapping

from conpaas_iac import clouds
from conpaas_iac.clouds.base import Seen
from conpaas_iac.core.declaration import Machine
from conpaas_iac.runs.events import Event, Listener
from conpaas_iac.settings import Settings


def rouse(asleep: Iterable[Machine], seen: Mapping[str, Seen], settings: Settings, listen: Listener) -> None:
    for cloud, machines in _by_cloud(asleep).items():
        for machine in machines:
            listen(Event("machine", "started", machine.node, "starting it again"))
        clouds.cloud(cloud).start([seen[machine.node].name for machine in machines], settings)
        for machine in machines:
            listen(Event("machine", "done", machine.node))


def clear(strays: Mapping[str, Iterable[Seen]], settings: Settings, listen: Listener) -> None:
    """Remove machines that carry our tag and that neither a checkpoint nor a wish knows (cloud -> machines)."""
    for cloud, machines in strays.items():
        for machine in machines:
            listen(Event("remove", "started", machine.node, "an interrupted run left it"))
        clouds.cloud(cloud).remove([machine.name for machine in machines], settings)
        for machine in machines:
            listen(Event("remove", "done", machine.node))


def _by_cloud(machines: Iterable[Machine]) -> dict[str, list[Machine]]:
    found: dict[str, list[Machine]] = {}
    for machine in machines:
        found.setdefault(machine.cloud, []).append(machine)
    return found


def halt(awake: Iterable[Machine], seen: Mapping[str, Seen], settings: Settings, listen: Listener) -> None:
    for cloud, machines in _by_cloud(awake).items():
        for machine in machines:
            listen(Event("stop", "started", machine.node, "its data is kept"))
        clouds.cloud(cloud).stop([seen[machine.node].name for machine in machines], settings)
        for machine in machines:
            listen(Event("stop", "done", machine.node))
