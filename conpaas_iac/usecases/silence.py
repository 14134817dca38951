"""Clouds that do not answer: what is there is believed, nothing of theirs changes, all others get what is wanted."""

from collections.abc import Mapping
from dataclasses import replace

from conpaas_iac.clouds import Reach
from conpaas_iac.engine.engine import Engine
from conpaas_iac.errors import Failure
from conpaas_iac.machines.visits import CLOUD
from conpaas_iac.settings import Settings
from conpaas_iac.usecases import waypoint
from conpaas_iac.usecases.situation import Situation, joined, situation
from conpaas_iac.usecases.wish import Wish


def looked(wanted: Wish, engine: Engine, settings: Settings) -> Situation:
    """What is there; raises what a cloud raised where none of them answers."""
    silent: dict[str, str] = {}
    return without(situation(wanted, engine, settings, look=True, silent=silent), silent, settings)


def without(now: Situation, silent: Mapping[str, str], settings: Settings) -> Situation:
    """Machines neither come to these clouds nor leave them; `silent` is cloud -> why."""
    if not silent:
        return now
    there = {machine.node: machine for machine in now.applied.machines}
    held = {
        node.name: there[node.name].cloud
        for node in now.wish.topology.nodes
        if node.name in there.keys() - now.gone and {node.cloud, there[node.name].cloud} & silent.keys()
    }
    wish = waypoint.placed(now.wish, held, Reach(now.places, settings))
    wish = joined(wish, now.applied.ips, now.applied.authorities, now.record)
    kept = (there[each.node] if each.node in held else each for each in now.target.machines)
    machines = tuple(each for each in kept if each.node in there or each.cloud not in silent)
    anew = {node: why for node, why in now.anew.items() if node not in held}
    target = replace(now.target, machines=machines, places={each.cloud: now.places[each.cloud] for each in machines})
    notes = [f"{cloud} does not answer, so nothing of it is changed: {why}" for cloud, why in sorted(silent.items())]
    known = {**now.silent, **silent}
    return replace(now, wish=wish, target=target, anew=anew, notes=(*now.notes, *notes), silent=known)


def failures(now: Situation) -> tuple[Failure, ...]:
    """One for each cloud that did not answer."""
    return tuple(Failure(cloud, CLOUD, why) for cloud, why in sorted(now.silent.items()))
