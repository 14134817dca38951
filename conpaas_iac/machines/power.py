"""Starting, stopping, resizing and removing machines that are there, all of a cloud's at once."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from conpaas_iac.clouds import Reach
from conpaas_iac.clouds.base import Seen
from conpaas_iac.core.declaration import Machine
from conpaas_iac.runs.events import Event, Listener

Act = Callable[[Iterable[str]], None]


def rouse(asleep: Iterable[Machine], seen: Mapping[str, Seen], reach: Reach, listen: Listener) -> None:
    """Start machines that are stopped."""
    for cloud, machines in _by_cloud(asleep).items():
        there = [seen[machine.node] for machine in machines]
        _told("machine", "starting it again", there, reach[cloud].start, listen)


def halt(awake: Iterable[Machine], seen: Mapping[str, Seen], reach: Reach, listen: Listener) -> None:
    """Stop machines that run."""
    for cloud, machines in _by_cloud(awake).items():
        there = [seen[machine.node] for machine in machines]
        _told("stop", "its data is kept", there, reach[cloud].stop, listen)


def clear(strays: Mapping[str, Sequence[Seen]], reach: Reach, listen: Listener) -> None:
    """Remove machines that carry our tag and that neither a checkpoint nor a wish knows (cloud -> machines)."""
    for cloud, machines in strays.items():
        _told("remove", "an interrupted run left it", machines, reach[cloud].remove, listen)


def resize(altered: Iterable[Machine], seen: Mapping[str, Seen], reach: Reach) -> None:
    """Give machines back the sizes that they were declared with."""
    for cloud, machines in _by_cloud(altered).items():
        sizes = {seen[machine.node].name: (machine.cpu, machine.memory) for machine in machines}
        reach[cloud].resize(sizes)


def _told(phase: str, text: str, machines: Sequence[Seen], act: Act, listen: Listener) -> None:
    for machine in machines:
        listen(Event(phase, "started", machine.node, text))
    act([machine.name for machine in machines])
    for machine in machines:
        listen(Event(phase, "done", machine.node))


def _by_cloud(machines: Iterable[Machine]) -> dict[str, list[Machine]]:
    found: dict[str, list[Machine]] = {}
    for machine in machines:
        found.setdefault(machine.cloud, []).append(machine)
    return found
