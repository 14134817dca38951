"""The use cases that change an application: the only place that knows the order of the steps."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from conpaas_iac.backend import lockfile, record
from conpaas_iac.backend.holding import holding
from conpaas_iac.backend.hostkeys import shown
from conpaas_iac.backend.place import stack_name
from conpaas_iac.backend.record import Record
from conpaas_iac.clouds import Reach
from conpaas_iac.core import declaration, mounts, placeholders
from conpaas_iac.engine.engine import Engine
from conpaas_iac.engine.engine_checkpoint import Export
from conpaas_iac.engine.engine_state import Machines
from conpaas_iac.errors import Failure
from conpaas_iac.host.route import ensure_route
from conpaas_iac.machines import power, visits
from conpaas_iac.machines.configure import Executor, run
from conpaas_iac.machines.contact import patient
from conpaas_iac.machines.outcome import FIRST_CONTACT, Outcome
from conpaas_iac.machines.ssh import access
from conpaas_iac.network import membership
from conpaas_iac.plans import losses
from conpaas_iac.plans.plan import Plan
from conpaas_iac.runs.events import Listener
from conpaas_iac.settings import Settings
from conpaas_iac.usecases import hostkeys, moving, preflight, prospect, silence, swift
from conpaas_iac.usecases.leaving import leave
from conpaas_iac.usecases.means import Means
from conpaas_iac.usecases.promising import Saved
from conpaas_iac.usecases.situation import Situation, joined, wish_of
from conpaas_iac.usecases.urls import urls
from conpaas_iac.usecases.wish import Request, Wish


@dataclass(frozen=True)
class Result:
    """How an `up` ended."""

    plan: Plan
    urls: Mapping[str, str]  # service -> address to open in a browser


def up(
    request: Request,
    settings: Settings,
    listen: Listener,
    announce: Callable[[Plan, Wish], None],
    execute: Executor = run,
    *,
    saved: Saved | None = None,
    early: Export | None = None,
) -> Result:
    """Make it so: expand, configure, drain, contract. `announce` is called with the plan before anything changes.

    Where it is not the plan that was `saved`, nothing is done: UserError. `early`: see `Engine.reading`.
    Raises MachineError naming machine and step; another `up` goes on from there.
    """
    if saved:  # before the lock file may be written, and again once nobody else may change anything
        wanted = wish_of(replace(request, dry=True), settings)
        saved.refuse_moved(wanted, Engine.find(settings, wanted.application, wanted.environment), settings)
    wanted = wish_of(request, settings)
    name = stack_name(wanted.application, wanted.environment)
    with holding(settings, name, listen) as settings, ExitStack() as beside:
        means = Means(settings, listen, settings.turn.between(patient(execute, settings.pauses)))
        if settings.turn.waited:
            wanted = wish_of(replace(request, now=datetime.now(UTC)), settings)  # what the other run changed counts
        engine = Engine.find(settings, wanted.application, wanted.environment)
        if saved:
            saved.refuse_moved(wanted, engine, settings)
        read = None
        if engine and (early or swift.is_likely(wanted, means.record())):
            read = beside.enter_context(engine.reading(early))
        ensure_route(settings)
        engine = engine or _begin(wanted, settings)
        now = silence.looked(wanted, engine, settings)
        todo = prospect.plan_of(now)
        if saved:
            saved.refuse_another(todo)
        announce(todo, wanted)
        if todo.cost:
            todo.cost.refuse(wanted.application)
        todo.refuse_beyond(request.within)
        now.refuse_losses(request.may_lose)
        now = silence.without(now, preflight.check(now, settings), settings)
        now = _with_intent(now, means)
        lockfile.keep(means.shelf, name, wanted.lock)
        if swift.applies(now, todo):
            return Result(todo, urls(wanted, swift.up(now, read or engine.machines, means)))
        for station, engine_then in moving.stations(now, engine, settings):
            _brought(_with_intent(station, means), engine_then, means)
        if now.moving:
            now, engine = moving.arrived(now, engine, settings)
            now = _with_intent(now, means)
        now, machines, there = _brought(now, engine, means)
        now = replace(now, wish=replace(now.wish, every=False))  # every machine was visited
        now = _settled(now, machines, there, means)
        _contract(now, machines, engine, means)
        return Result(todo, urls(wanted, machines))


def _brought(now: Situation, engine: Engine, means: Means) -> tuple[Situation, Machines, Record]:
    """Everything that is wanted is there and works; what is not wanted any more is still there, too."""
    machines, failed = _expand(now, engine, means)
    now = _noted(now, means, making=frozenset(failure.node for failure in failed))
    failed = (*failed, *silence.failures(now))
    return now, machines, _configure(now, machines, now.record, means, failed)


def _with_intent(now: Situation, means: Means) -> Situation:
    """What has to be known should this run be killed: which secrets there are, what it makes, whose data begins anew.

    Machines that are to be started have to prove themselves; data that nobody holds any more begins anew.
    """
    kept = losses.holders(now.applied.machines, now.record, now.wish.types).keys() - now.losses.keys()
    return _noted(
        now,
        means,
        secrets=now.wish.topology.secrets,
        secret_names={service.name: service.secrets for service in now.wish.topology.services},
        founded=now.record.founded & kept,
        visiting=now.record.visiting | {machine.node for machine in now.asleep},
        origin=record.Origin(str(now.wish.manifest.path.absolute()), now.wish.manifest.text),
        making=now.record.making | now.coming,
        given_up=now.record.given_up | now.losses.keys(),
        places=now.places,
        home=now.wish.home or now.record.home,
    )


def _noted(now: Situation, means: Means, **changes: Any) -> Situation:
    """With these fields of the record, kept before anything goes on."""
    there = replace(now.record, **changes)
    if there != now.record or now.misled:
        means.keep(there)
    return replace(now, record=there)


def _begin(wanted: Wish, settings: Settings) -> Engine:
    """A stack for a new application, once its clouds have answered: where they do not, nothing is begun."""
    preflight.check(prospect.expected(wanted, None, settings), settings)
    return Engine(settings, wanted.application, wanted.environment)


def _expand(now: Situation, engine: Engine, means: Means) -> tuple[Machines, tuple[Failure, ...]]:
    """Everything wanted beside everything applied; machines that were stopped run again. Some may fail."""
    settings, listen, reach = means.settings, means.listen, means.clouds(now.places)
    power.clear(now.strays, reach, listen)
    _bake(now, reach, means)
    power.rouse(now.asleep, now.seen, reach, listen)
    if now.replaced:
        leave(now.replaced, now, now.placed(engine.machines(), settings), means)
    whole = declaration.with_going(now.target, now.applied.machines, now.places, now.applied.secrets)
    machines, failed = engine.expand(whole, listen, now.given)
    return now.placed(machines, settings), failed


def _bake(now: Situation, reach: Reach, means: Means) -> None:
    layout = now.wish.topology
    kinds = {each.name: mounts.kind_of(each, layout, now.wish.types) for each in layout.services}
    coming = {(node.cloud, node.service) for node in layout.nodes if node.name in now.coming}
    for cloud, digest in sorted({(cloud, kinds[service].install_digest) for cloud, service in coming}):
        kind = next(kind for kind in kinds.values() if kind.install_digest == digest)
        reach[cloud].bake(kind, means.listen, means.execute)


def _configure(
    now: Situation, machines: Machines, there: Record, means: Means, failed: tuple[Failure, ...] = ()
) -> Record:
    """Visit the machines whose digest is not confirmed, in stages; each confirmation is recorded at once.

    A machine that `failed` or does not answer keeps nobody else from coming up, but for those that need it.
    """
    ips = {node: known["ip"] for node, known in machines.nodes.items()}
    awoken = there.resting | {node for node, seen in now.seen.items() if not seen.running}
    lighthouses = membership.lighthouses_of(now.wish.topology, ips, there, now.wish.standings)
    there = replace(there, resting=frozenset(), lighthouses=lighthouses)
    wanted = joined(now.wish, ips, machines.authorities, there)
    there = hostkeys.made(wanted, machines, there, means.keep, means.listen, means.execute)
    stages = visits.stages(wanted, machines, there, awoken)
    if not stages:
        visits.raise_on_failure(Outcome((), failed), "not made")
        return there
    untouched: tuple[str, ...] = ()
    with access(machines.login, shown(there, machines.nodes)) as way:
        for each in stages:
            stage = visits.ready(each, wanted.topology, machines, there)
            if not stage:
                continue
            there = replace(there, visiting=there.visiting | {visit.node for visit in stage})
            means.keep(there)
            outcome = means.execute("configure", stage, way, means.listen)
            trees = [(machines.nodes[node]["id"], wanted.trees[node]) for node in outcome.confirmed]
            there = there.confirmed(trees, outcome.certificates).without_doubts(outcome.untouched)
            there = replace(there, founded=there.founded | visits.founded(wanted, stage, outcome.confirmed))
            means.keep(there)
            failed, untouched = (*failed, *outcome.failures), (*untouched, *outcome.untouched)
            if any(failure.step != FIRST_CONTACT for failure in outcome.failures):
                break
            if outcome.untouched:
                means.settings.turn.check(f"configure {', '.join(outcome.untouched)}")
    visits.raise_on_failure(Outcome((), failed, untouched=untouched))
    return there


def _settled(now: Situation, machines: Machines, there: Record, means: Means) -> Situation:
    """Once everybody uses the current version of each secret, former ones are accepted no more."""
    former = {name: versions[-1:] for name, versions in now.wish.topology.secrets.items() if len(versions) > 1}
    if not former:
        return now
    wanted = now.wish.with_secrets(former)
    there = replace(there, secrets=wanted.topology.secrets)
    target = replace(now.target, secrets=placeholders.all_keys(there.secrets))
    after = replace(now, wish=wanted, target=target)
    means.keep(_configure(after, machines, there, means))
    return after


def _contract(now: Situation, machines: Machines, engine: Engine, means: Means) -> None:
    """Drain, lock out and remove what goes; stop what rests."""
    if now.going:
        leave(now.going, now, machines, means)
        there = membership.locked_out(means.record(), [machine.node for machine in now.going], now.wish.now)
        means.keep(there)
        _configure(now, machines, there, means)
    if now.going or now.stale_secrets:
        engine.up(declaration.with_machines(now.target, now.resting, now.places), means.listen)
    awake = [machine for machine in now.resting if machine.node in now.seen and now.seen[machine.node].running]
    power.halt(awake, now.seen, means.clouds(now.places), means.listen)
    there = means.record()
    resting = frozenset(machine.node for machine in now.resting)
    kept_names = {machine.node for machine in (*now.target.machines, *now.resting)}
    kept = declaration.with_machines(now.target, now.resting, now.places)
    after = replace(there.only(kept_names), resting=resting, places=kept.places)
    after = replace(after, given_up=frozenset(), inputs=prospect.table(now.wish))
    if after != there:
        means.keep(after)
