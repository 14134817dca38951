"""A move between clouds as a row of situations: each is an ordinary one, and a run that is cut off goes on from any."""

from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from conpaas_iac import catalog
from conpaas_iac.clouds import Reach
from conpaas_iac.core import render
from conpaas_iac.engine.engine import Engine
from conpaas_iac.plans import moves
from conpaas_iac.settings import Settings
from conpaas_iac.usecases import prospect
from conpaas_iac.usecases.situation import Situation, situation
from conpaas_iac.usecases.wish import Wish


def stations(now: Situation, engine: Engine, settings: Settings) -> Iterator[tuple[Situation, Engine]]:
    """What to make so one after another, the last one apart; each is looked at once the one before it is there."""
    known, seen = now.record.nodes.keys() - now.record.visiting, now.seen
    serving = [node for node in known if node in seen and seen[node].running]
    for moved in moves.steps(now.wish.topology, now.moving, serving)[:-1]:
        engine = engine.again()
        here = situation(_held(now, moved, settings), engine, settings, look=True)
        if not prospect.plan_of(here).is_empty:
            yield here, engine


def arrived(now: Situation, engine: Engine, settings: Settings) -> tuple[Situation, Engine]:
    """What is left once every machine but the last ones has moved."""
    engine = engine.again()
    return situation(replace(now.wish, now=_later(now)), engine, settings, look=True), engine


def _later(now: Situation) -> datetime:
    """Certificates that were signed on the way begin after the run did."""
    return max(now.wish.now, datetime.now(UTC))


def _held(now: Situation, moved: Collection[str], settings: Settings) -> Wish:
    """The wish with machines whose turn has not come where they are."""
    wanted, there = now.wish, moves.held(now.wish.topology, now.applied.machines, moved)
    services = tuple(
        replace(service, nodes=tuple(replace(node, cloud=there.get(node.name, node.cloud)) for node in service.nodes))
        for service in wanted.topology.services
    )
    layout = replace(wanted.topology, services=services, places=now.places)
    reach = Reach(now.places, settings)
    former = {name: cloud.operators() for name, cloud in reach.each(set(there.values()) - wanted.operators.keys())}
    operators = {**wanted.operators, **former}
    trees = render.trees(layout, wanted.types, catalog.load_internal(), operators)
    later: dict[str, Any] = {"now": _later(now), "replaced": frozenset(), "every": False}
    return replace(wanted, topology=layout, trees=trees, operators=operators, **later)
