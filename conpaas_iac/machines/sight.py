"""What the clouds have of an application, beside what its checkpoint says."""

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

from conpaas_iac.clouds import Reach, fixed
from conpaas_iac.clouds.base import Seen
from conpaas_iac.core.declaration import Machine
from conpaas_iac.core.places import is_same, named
from conpaas_iac.engine.engine_state import Applied
from conpaas_iac.errors import MachineError, UserError
from conpaas_iac.machines.ssh import greets

Lists = Mapping[str, tuple[Seen, ...]]  # cloud -> machines with our tag

LOOKS = (0.2, 0.4, 0.8)  # seconds before each further look for what a list lacks: clouds show new machines late


def believed(applied: Applied, at: Collection[str] | None = None) -> dict[str, Seen]:
    """The machines, or those at some clouds, as the checkpoint alone says."""
    machines = (each for each in applied.machines if at is None or each.cloud in at)
    return {each.node: Seen(each.node, "", "", True, each.incarnation) for each in machines}


def seen_now(applied: Applied, reach: Reach) -> dict[str, Seen]:
    """Machines of the checkpoint, as the clouds have them now."""
    return known(applied, lists(applied, reach))


def strays_of(applied: Applied, making: Collection[str], reach: Reach) -> Lists:
    """Those beside the checkpoint, at all places that a run began to use."""
    names = _names(applied, reach) or {reach.settings.default_cloud}
    return strays(applied, (), _patiently(applied, making, lambda: _asked(names, applied.owner, reach)), reach)


def lists(
    applied: Applied,
    reach: Reach,
    renamed: Mapping[str, str] | None = None,
    making: Collection[str] = (),
    silent: dict[str, str] | None = None,
) -> Lists:
    """What each cloud has, under new names where machines have them; `renamed` is former name -> name.

    Where `silent` is given, it learns of clouds that do not answer, and why, unless none does.
    """
    names = _names(applied, reach) if applied.owner else set()

    def ask() -> Lists:
        return _renamed(_asked(names, applied.owner, reach, silent), renamed or {})

    return _patiently(applied, making, ask, silent)


def _names(applied: Applied, reach: Reach) -> set[str]:
    """Places with machines, and those that a run began to use, or will."""
    return {*reach.places, *(machine.cloud for machine in applied.machines)}


def _patiently(
    applied: Applied, making: Collection[str], ask: Callable[[], Lists], silent: Collection[str] | None = None
) -> Lists:
    """What the checkpoint knows, or a run began to make, and no cloud shows, is looked for again before it is lost."""
    found = ask()
    applied = replace(applied, machines=tuple(each for each in applied.machines if each.cloud not in (silent or ())))
    unknown = set(making) - {machine.node for machine in applied.machines}
    for pause in LOOKS:
        there = {each.node for seen in found.values() for each in seen}
        if len(known(applied, found)) == len(applied.machines) and unknown <= there:
            break
        time.sleep(pause)
        found = ask()
    return found


def _asked(names: Collection[str], owner: str, reach: Reach, silent: dict[str, str] | None = None) -> Lists:
    """A place with two names shows its machines once; one that was silent is not asked again."""
    found: dict[str, tuple[Seen, ...]] = {}
    shown: set[tuple[str, str]] = set()
    for name, cloud in reach.each(set(names) - (silent or {}).keys()):
        try:
            here = cloud.inventory(owner)
        except (MachineError, UserError) as error:
            if silent is None or len(silent) + 1 == len(names):
                raise
            silent[name] = error.message
            continue
        found[name] = tuple(each for each in here if (each.id, each.name) not in shown)
        shown |= {(each.id, each.name) for each in here}
    return found


def _renamed(found: Lists, new: Mapping[str, str]) -> Lists:
    return {
        cloud: tuple(replace(each, node=new.get(each.node, each.node)) for each in seen)
        for cloud, seen in found.items()
    }


def known(applied: Applied, found: Lists) -> dict[str, Seen]:
    """Node -> its machine, where there is one of the incarnation that the checkpoint knows; by its id if there are two.
    """
    incarnations = {machine.node: machine.incarnation for machine in applied.machines}
    machines = [each for seen in found.values() for each in seen if incarnations.get(each.node) == each.incarnation]
    machines.sort(key=lambda each: each.id == applied.ids.get(each.node))
    return {each.node: each for each in machines}


def strays(applied: Applied, wanted: Iterable[Machine], found: Lists, reach: Reach) -> Lists:
    """What failed creates left.

    Where creates adopt what they find, those of a wanted machine's incarnation are no strays; elsewhere all that the
    checkpoint does not know are.
    """
    left = {}
    machines = (*applied.machines, *wanted)
    of = partial(named, reach.places)
    for cloud, seen in found.items():
        adopts = reach[cloud].ADOPTS
        here = [each for each in machines if each.cloud == cloud or is_same(of(each.cloud), of(cloud), fixed)]
        ours = {(machine.node, machine.incarnation) for machine in here} if adopts else set()
        new = (each for each in seen if each.id not in applied.ids.values())
        left[cloud] = tuple(each for each in new if (each.node, each.incarnation) not in ours)
    return {cloud: seen for cloud, seen in left.items() if seen}


def silent(seen: Mapping[str, Seen]) -> dict[str, str]:
    """Machines that run and whose SSH cannot be reached, and why; asked side by side."""
    running = [each for each in seen.values() if each.running and each.ip]
    with ThreadPoolExecutor(32) as pool:
        answers = pool.map(lambda each: greets(each.ip, each.port), running)
        return {each.node: why for each, why in zip(running, answers, strict=True) if why}
