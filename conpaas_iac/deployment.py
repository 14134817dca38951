"""The use cases that change an application: the only place that knows the order of the steps."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from conpaas_iac import clouds, declaration, lockfile, membership, plan, power, record, visits
from conpaas_iac.configure import FIRST_CONTACT, Executor, Outcome, run
from conpaas_iac.declaration import Machine
from conpaas_iac.engine import Applied, Engine, Machines, stack_name
from conpaas_iac.errors import MachineError, UserError
from conpaas_iac.events import Listener
from conpaas_iac.holding import holding
from conpaas_iac.host.route import ensure_route
from conpaas_iac.plan import Plan
from conpaas_iac.record import Record
from conpaas_iac.settings import Settings
from conpaas_iac.situation import Situation, images_of, joined, seen_now, situation, strays_of, wish_of
from conpaas_iac.ssh import access
from conpaas_iac.store import at
from conpaas_iac.wish import Request, Wish


@dataclass(frozen=True)
class Result:
    """How an `up` ended."""

    plan: Plan
    urls: Mapping[str, str]  # service -> address to open in a browser


def planned(request: Request, settings: Settings, look: bool = False) -> Plan:
    """The plan of an `up`; touches neither the network nor, unless told to look, the clouds."""
    wanted = wish_of(replace(request, dry=True), settings)
    engine = Engine.find(settings, wanted.application, wanted.environment)
    if engine is None:
        target = declaration.wanted(wanted.topology, images_of(wanted, settings))
        return plan.make(wanted.topology, target, (), Record(), wanted.trees, (), wanted.notes)
    return situation(wanted, engine, settings, look).plan()


def up(
    request: Request,
    settings: Settings,
    listen: Listener,
    announce: Callable[[Plan, Wish], None],
    execute: Executor = run,
) -> Result:
    """Make it so: expand, configure, drain, contract. `announce` is called with the plan before anything changes.

    Raises MachineError naming machine and step; another `up` goes on from there.
    """
    wanted = wish_of(request, settings)
    name = stack_name(wanted.application, wanted.environment)
    with holding(settings, name):
        ensure_route(settings)
        engine = Engine.find(settings, wanted.application, wanted.environment) or _begin(wanted, settings)
        now = situation(wanted, engine, settings, look=True)
        todo = now.plan()
        announce(todo, wanted)
        at(settings.backend_url).write(f"{name}/lock.json", lockfile.encode(wanted.lock))
        machines = _expand(now, engine, settings, listen, execute)
        _configure(now, machines, now.record, settings, listen, execute)
        _contract(now, machines, engine, settings, listen, execute)
        return Result(todo, urls(wanted, machines))


def _begin(wanted: Wish, settings: Settings) -> Engine:
    """A stack for a new application, once its clouds have answered: where they do not, nothing is begun."""
    for cloud in sorted({node.cloud for node in wanted.topology.nodes}):
        clouds.cloud(cloud).inventory("", settings)
    return Engine(settings, wanted.application, wanted.environment)


def _expand(now: Situation, engine: Engine, settings: Settings, listen: Listener, execute: Executor) -> Machines:
    """Everything wanted beside everything applied; machines that were stopped run again."""
    power.clear(now.strays, settings, listen)
    _bake(now, settings, listen, execute)
    _wake(now, settings, listen)
    machines = engine.up(declaration.with_going(now.target, now.applied.machines), listen)
    return replace(machines, nodes={**machines.nodes, **_moved(now, machines, settings)})


def _bake(now: Situation, settings: Settings, listen: Listener, execute: Executor) -> None:
    there = {machine.node for machine in now.applied.machines} - now.gone
    kinds = {service.name: service.type for service in now.wish.topology.services}
    coming = {(node.cloud, kinds[node.service]) for node in now.wish.topology.nodes if node.name not in there}
    for cloud, kind in sorted(coming):
        clouds.cloud(cloud).bake(now.wish.types[kind], settings, listen, execute)


def _wake(now: Situation, settings: Settings, listen: Listener) -> None:
    asleep = [each for each in now.target.machines if each.node in now.seen and not now.seen[each.node].running]
    power.rouse(asleep, now.seen, settings, listen)


def _moved(now: Situation, machines: Machines, settings: Settings) -> dict[str, Mapping[str, str]]:
    """Machines that were started again may have another address on the provider's network."""
    if all(seen.running for seen in now.seen.values()):
        return {}
    seen = seen_now(now.applied, settings)
    return {
        node: {**known, "ip": seen[node].ip} for node, known in machines.nodes.items() if node in seen and seen[node].ip
    }


def _configure(
    now: Situation, machines: Machines, there: Record, settings: Settings, listen: Listener, execute: Executor
) -> None:
    """Visit the machines whose digest is not confirmed, in stages; each confirmation is recorded at once."""
    shelf, name = at(settings.backend_url), stack_name(now.wish.application, now.wish.environment)
    ips = {node: known["ip"] for node, known in machines.nodes.items()}
    awoken = there.resting | {node for node, seen in now.seen.items() if not seen.running}
    lighthouses = membership.lighthouses_of(now.wish.topology, ips, there)
    there = replace(there, resting=frozenset(), lighthouses=lighthouses)
    wanted = joined(now.wish, ips, machines.authorities, there)
    stages = visits.stages(wanted, machines, there, awoken)
    if not stages:
        return
    with access(machines.login, machines.nodes) as way:
        for stage in stages:
            outcome = execute("configure", stage, way, listen)
            trees = [(machines.nodes[node]["id"], wanted.trees[node]) for node in outcome.confirmed]
            there = there.confirmed(trees, outcome.certificates)
            record.write(shelf, name, there)
            _raise_on_failure(outcome)


def _contract(
    now: Situation, machines: Machines, engine: Engine, settings: Settings, listen: Listener, execute: Executor
) -> None:
    """Drain, lock out and remove what goes; stop what rests."""
    shelf = at(settings.backend_url)
    if now.going:
        _drain(now, machines, listen, execute)
        there = record.read(shelf, engine.name)
        there = membership.locked_out(there, [machine.node for machine in now.going], now.wish.now)
        record.write(shelf, engine.name, there)
        _configure(now, machines, there, settings, listen, execute)
        kept = replace(now.target, machines=now.target.machines + now.resting)
        engine.up(kept, listen)
    _rest(now, settings, listen)
    there = record.read(shelf, engine.name)
    resting = frozenset(machine.node for machine in now.resting)
    kept_names = {machine.node for machine in (*now.target.machines, *now.resting)}
    after = replace(there.only(kept_names), resting=resting)
    if after != there:
        record.write(shelf, engine.name, after)


def _drain(now: Situation, machines: Machines, listen: Listener, execute: Executor) -> None:
    awake = [machine for machine in now.going if machine.node in now.seen and now.seen[machine.node].running]
    if awake:
        with access(machines.login, machines.nodes) as way:
            outcome = execute("leave", [visits.leaving(machine, machines) for machine in awake], way, listen)
        _raise_on_failure(outcome, "not drained, so not removed", forgiven=FIRST_CONTACT)  # the dead need no drain


def _rest(now: Situation, settings: Settings, listen: Listener) -> None:
    awake = [machine for machine in now.resting if machine.node in now.seen and now.seen[machine.node].running]
    power.halt(awake, now.seen, settings, listen)


def _raise_on_failure(outcome: Outcome, what: str = "not configured", forgiven: str = "") -> None:
    failures = tuple(failure for failure in outcome.failures if failure.step != forgiven)
    if failures:
        names = ", ".join(sorted({failure.node for failure in failures}))
        raise MachineError(f"{names}: {what}", failures, "mend it, then run the same command again")


def urls(wanted: Wish, machines: Machines) -> dict[str, str]:
    """Where each service answers to the outside: the provider address of its entry's machine."""
    found = {}
    for service in wanted.topology.services:
        descriptor = wanted.types[service.type].descriptor
        entry = next((node for node in service.nodes if descriptor.entry in node.groups), None)
        if descriptor.url and entry and entry.name in machines.nodes:
            found[service.name] = descriptor.url.format(address=machines.nodes[entry.name]["ip"])
    return found


def down(application: str, environment: str, settings: Settings, listen: Listener) -> None:
    """Remove every machine, the network, the stack and its record; the lock file and the images stay."""
    name = stack_name(application, environment)
    with holding(settings, name):
        engine = Engine.existing(settings, application, environment)
        power.clear(strays_of(engine.applied(), settings), settings, listen)
        engine.destroy(listen)
        shelf = at(settings.backend_url)
        for document in ("record.json", "lock.json"):
            shelf.delete(f"{name}/{document}")


def stop(application: str, environment: str, service: str, settings: Settings, listen: Listener) -> tuple[str, ...]:
    """Hold a service (or all of them) until `start`: its machines are stopped, data and addresses stay."""
    with holding(settings, stack_name(application, environment)):
        engine = Engine.existing(settings, application, environment)
        applied, shelf = engine.applied(), at(settings.backend_url)
        chosen = _of_service(applied, service)
        there = record.read(shelf, engine.name)
        names = frozenset(machine.node for machine in chosen)
        held = there.held | {machine.service for machine in chosen}
        record.write(shelf, engine.name, replace(there, held=held, resting=there.resting | names))
        seen = seen_now(applied, settings)
        awake = [machine for machine in chosen if machine.node in seen and seen[machine.node].running]
        power.halt(awake, seen, settings, listen)
        return tuple(machine.node for machine in awake)


def start(application: str, environment: str, service: str, settings: Settings, listen: Listener) -> tuple[str, ...]:
    """Let go of a held service (or all of them) and start its machines; ends when SSH answers on each."""
    with holding(settings, stack_name(application, environment)):
        engine = Engine.existing(settings, application, environment)
        applied, shelf = engine.applied(), at(settings.backend_url)
        there = record.read(shelf, engine.name)
        chosen = [machine for machine in _of_service(applied, service) if machine.service in there.held]
        seen = seen_now(applied, settings)
        asleep = [machine for machine in chosen if machine.node in seen and not seen[machine.node].running]
        power.rouse(asleep, seen, settings, listen)
        held = there.held - {machine.service for machine in chosen}
        resting = there.resting - {machine.node for machine in chosen}
        record.write(shelf, engine.name, replace(there, held=held, resting=resting))
        return tuple(machine.node for machine in asleep)


def _of_service(applied: Applied, service: str) -> tuple[Machine, ...]:
    chosen = tuple(machine for machine in applied.machines if service in ("", machine.service))
    if not chosen:
        known = ", ".join(sorted({machine.service for machine in applied.machines})) or "none"
        raise UserError(f"no machines of service {service!r}" if service else "no machines", f"services: {known}")
    return chosen
