"""Starting, stopping, resizing and removing machines that are there, all of a cloud's at once."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from conpaas_iac import clouds
from conpaas_iac.clouds.base import Seen
from conpaas_iac.core.declaration import Machine
from conpaas_iac.runs.events import Event, Listener
from conpaas_iac.settings import Settings

Act = Callable[[Iterable[str], Settings], None]


def rouse(asleep: Iterable[Machine], seen: Mapping[str, Seen], settings: Settings, listen: Listener) -> None:
    """Start machines that are stopped."""
    for cloud, machines in _by_cloud(asleep).items():
        there = [seen[machine.node] for machine in machines]
        _told("machine", "starting it again", there, clouds.cloud(cloud).start, settings, listen)


def halt(awake: Iterable[Machine], seen: Mapping[str, Seen], settings: Settings, listen: Listener) -> None:
    """Stop machines that run."""
    for cloud, machines in _by_cloud(awake).items():
        there = [seen[machine.node] for machine in machines]
        _told("stop", "its data is kept", there, clouds.cloud(cloud).stop, settings, listen)


def clear(strays: Mapping[str, Sequence[Seen]], settings: Settings, listen: Listener) -> None:
    """Remove machines that carry our tag and that neither a checkpoint nor a wish knows (cloud -> machines)."""
    for cloud, machines in strays.items():
        _told("remove", "an interrupted run left it", machines, clouds.cloud(cloud).remove, settings, listen)


def resize(altered: Iterable[Machine], seen: Mapping[str, Seen], settings: Settings) -> None:
    """Give machines back the sizes that they were declared with."""
    for cloud, machines in _by_cloud(altered).items():
        sizes = {seen[machine.node].name: (machine.cpu, machine.memory) for machine in machines}
        clouds.cloud(cloud).resize(sizes, settings)


def _told(phase: str, text: str, machines: Sequence[Seen], act: Act, settings: Settings, listen: Listener) -> None:
    for machine in machines:
        listen(Event(phase, "started", machine.node, text))
    act([machine.name for machine in machines], settings)
    for machine in machines:
        listen(Event(phase, "done", machine.node))


def _by_cloud(machines: Iterable[Machine]) -> dict[str, list[Machine]]:
    found: dict[str, list[Machine]] = {}
    for machine in machines:
        found.setdefault(machine.cloud, []).append(machine)
    return found
