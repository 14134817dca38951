"""A move between clouds as a row of situations: each is an ordinary one, and a run that is cut off goes on from any."""

from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import UTC, datetime

from conpaas_iac.clouds import Reach
from conpaas_iac.engine.engine import Engine
from conpaas_iac.plans import moves
from conpaas_iac.settings import Settings
from conpaas_iac.usecases import prospect, silence, waypoint
from conpaas_iac.usecases.situation import Situation
from conpaas_iac.usecases.wish import Wish


def stations(now: Situation, engine: Engine, settings: Settings) -> Iterator[tuple[Situation, Engine]]:
    """What to make so one after another, the last one apart; each is looked at once the one before it is there."""
    known, seen = now.record.nodes.keys() - now.record.visiting, now.seen
    serving = [node for node in known if node in seen and seen[node].running]
    for moved in moves.steps(now.wish.topology, now.moving, serving)[:-1]:
        engine = engine.again()
        here = silence.looked(_held(now, moved, settings), engine, settings)
        if not prospect.plan_of(here).is_empty:
            yield here, engine


def arrived(now: Situation, engine: Engine, settings: Settings) -> tuple[Situation, Engine]:
    """What is left once every machine but the last ones has moved."""
    engine = engine.again()
    return silence.looked(replace(now.wish, now=_later(now)), engine, settings), engine


def _later(now: Situation) -> datetime:
    """Certificates that were signed on the way begin after the run did."""
    return max(now.wish.now, datetime.now(UTC))


def _held(now: Situation, moved: Collection[str], settings: Settings) -> Wish:
    """The wish with machines whose turn has not come where they are."""
    there = moves.held(now.applied.machines, now.moving, moved)
    wanted = waypoint.placed(now.wish, there, Reach(now.places, settings))
    return replace(wanted, now=_later(now), replaced=frozenset(), every=False)
