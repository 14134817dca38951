"""The use cases that change an application: the only place that knows the order of the steps."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from ipaddress import IPv4Network

from conpaas_iac import clouds, declaration, lockfile, plan, record, wish
from conpaas_iac.clouds.base import Seen
from conpaas_iac.configure import Executor, Outcome, Visit, run
from conpaas_iac.declaration import Declaration, Machine
from conpaas_iac.engine import Applied, Engine, Machines, stack_name
from conpaas_iac.errors import MachineError, UserError
from conpaas_iac.events import Event, Listener
from conpaas_iac.holding import holding
from conpaas_iac.host.route import ensure_route
from conpaas_iac.plan import Plan
from conpaas_iac.record import Record
from conpaas_iac.render import Tree
from conpaas_iac.settings import Settings
from conpaas_iac.ssh import access
from conpaas_iac.store import Store, at
from conpaas_iac.topology import Node
from conpaas_iac.wish import Request, Wish


@dataclass(frozen=True)
class Result:
    """How an `up` ended."""

    plan: Plan
    urls: Mapping[str, str]  # service -> address to open in a browser


@dataclass(frozen=True)
class Situation:
    """A wish beside what is there."""

    wish: Wish
    record: Record
    applied: Applied
    seen: Mapping[str, Seen]
    target: Declaration  # what is wanted, new incarnations of lost machines included; resting machines are not in it

    @property
    def gone(self) -> frozenset[str]:
        """Machines of the checkpoint that the cloud has lost."""
        return frozenset(machine.node for machine in self.applied.machines if machine.node not in self.seen)

    @property
    def resting(self) -> tuple[Machine, ...]:
        """Machines of services that are not to run now; they are kept."""
        idle = {service.name for service in self.wish.topology.services if not service.start}
        return tuple(machine for machine in self.applied.machines if machine.service in idle)

    @property
    def going(self) -> tuple[Machine, ...]:
        """Machines that nobody wants any more."""
        kept = {machine.node for machine in (*self.target.machines, *self.resting)}
        return tuple(machine for machine in self.applied.machines if machine.node not in kept)

    def plan(self) -> Plan:
        """What there is to do."""
        notes = self.wish.notes
        return plan.make(
            self.wish.topology, self.target, self.applied.machines, self.record, self.wish.trees, self.gone, notes
        )


def wish_of(request: Request, settings: Settings) -> Wish:
    """The wish, with what the backend knows of other applications and of held services."""
    shelf = at(settings.backend_url)
    wanted = wish.build(
        request,
        settings,
        used=lambda: _other_ranges(shelf),
        held=lambda application: record.read(shelf, stack_name(application, request.environment)).held,
    )
    _check_lock(wanted, shelf)
    return wanted


def _other_ranges(shelf: Store) -> list[IPv4Network]:
    locks = (shelf.read(name) for name in shelf.names() if name.endswith("/lock.json"))
    return [lockfile.decode(content).range for content in locks if content]


def _check_lock(wanted: Wish, shelf: Store) -> None:
    """The backend keeps the lock that was applied; another one would move addresses of running machines."""
    content = shelf.read(f"{stack_name(wanted.application, wanted.environment)}/lock.json")
    if content is None:
        return
    applied = lockfile.decode(content)
    moved = [name for name, block in wanted.lock.blocks.items() if applied.blocks.get(name, block) != block]
    if applied.range != wanted.lock.range or moved:
        what = f"the block of {', '.join(moved)}" if moved else f"the range {applied.range}"
        raise UserError(
            f"{wanted.lock_path} disagrees with what is running: {what} is another there",
            "restore the lock file from Git, or `conpaas down` the application first",
        )


def situation(wanted: Wish, engine: Engine, settings: Settings, look: bool) -> Situation:
    """What is there; `look` asks the clouds, otherwise the checkpoint is believed."""
    applied = engine.applied()
    there = record.read(at(settings.backend_url), engine.name)
    seen = _seen(applied, settings) if look else _believed(applied)
    images = _images(wanted, settings)
    gone = [machine.node for machine in applied.machines if machine.node not in seen]
    target = declaration.reborn(declaration.wanted(wanted.topology, images, applied.machines), gone, images)
    return Situation(wanted, there, applied, seen, target)


def _believed(applied: Applied) -> dict[str, Seen]:
    return {each.node: Seen(each.node, "", "", True, each.incarnation) for each in applied.machines}


def _seen(applied: Applied, settings: Settings) -> dict[str, Seen]:
    names = {machine.cloud for machine in applied.machines}
    lists = (clouds.cloud(name).inventory(applied.owner, settings) for name in sorted(names))
    incarnations = {machine.node: machine.incarnation for machine in applied.machines}
    return {each.node: each for found in lists for each in found if incarnations.get(each.node) == each.incarnation}


def _images(wanted: Wish, settings: Settings) -> dict[str, str]:
    kinds = {service.name: wanted.types[service.type] for service in wanted.topology.services}
    return {
        node.name: node.image or clouds.cloud(node.cloud).image(kinds[node.service], settings)
        for node in wanted.topology.nodes
    }


def planned(request: Request, settings: Settings, look: bool = False) -> Plan:
    """The plan of an `up`; touches neither the network nor, unless told to look, the clouds."""
    wanted = wish_of(replace(request, dry=True), settings)
    engine = Engine.find(settings, wanted.application, wanted.environment)
    if engine is None:
        target = declaration.wanted(wanted.topology, _images(wanted, settings))
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
        _configure(now, machines, settings, listen, execute)
        _contract(now, machines, engine, settings, listen, execute)
        return Result(todo, urls(wanted, machines))


def _begin(wanted: Wish, settings: Settings) -> Engine:
    """A stack for a new application, once its clouds have answered: where they do not, nothing is begun."""
    for cloud in sorted({node.cloud for node in wanted.topology.nodes}):
        clouds.cloud(cloud).inventory("", settings)
    return Engine(settings, wanted.application, wanted.environment)


def _expand(now: Situation, engine: Engine, settings: Settings, listen: Listener, execute: Executor) -> Machines:
    """Everything wanted beside everything applied; machines that were stopped run again."""
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
    _rouse(asleep, now.seen, settings, listen)


def _rouse(asleep: Iterable[Machine], seen: Mapping[str, Seen], settings: Settings, listen: Listener) -> None:
    for cloud, machines in _by_cloud(asleep).items():
        for machine in machines:
            listen(Event("machine", "started", machine.node, "starting it again"))
        clouds.cloud(cloud).start([seen[machine.node].name for machine in machines], settings)
        for machine in machines:
            listen(Event("machine", "done", machine.node))


def _by_cloud(machines: Iterable[Machine]) -> dict[str, list[Machine]]:
    found: dict[str, list[Machine]] = {}
    for machine in machines:
        found.setdefault(machine.cloud, []).append(machine)
    return found


def _moved(now: Situation, machines: Machines, settings: Settings) -> dict[str, Mapping[str, str]]:
    """Machines that were started again may have another address on the provider's network."""
    if all(seen.running for seen in now.seen.values()):
        return {}
    seen = _seen(now.applied, settings)
    return {
        node: {**known, "ip": seen[node].ip} for node, known in machines.nodes.items() if node in seen and seen[node].ip
    }


def _configure(now: Situation, machines: Machines, settings: Settings, listen: Listener, execute: Executor) -> None:
    """Visit the machines whose digest is not confirmed, in stages; each confirmation is recorded at once."""
    shelf, name = at(settings.backend_url), stack_name(now.wish.application, now.wish.environment)
    there = replace(now.record, resting=frozenset())
    awoken = now.record.resting | {node for node, seen in now.seen.items() if not seen.running}
    stages = _stages(now.wish, machines, there, awoken)
    if not stages:
        return
    with access(machines.login, machines.nodes) as way:
        for visits in stages:
            outcome = execute("configure", visits, way, listen)
            trees = [(machines.nodes[node]["id"], now.wish.trees[node]) for node in outcome.confirmed]
            there = there.confirmed(trees)
            record.write(shelf, name, there)
            _raise_on_failure(outcome)


def _stages(wanted: Wish, machines: Machines, there: Record, awoken: Iterable[str]) -> list[list[Visit]]:
    """Services in start order; in a running service, machines that bring the traffic settle after the others."""
    stages: dict[int, list[Visit]] = {}
    for service in wanted.topology.services:
        kind = wanted.types[service.type]
        running = any(node.name in there.nodes for node in service.nodes)
        for node in service.nodes:
            made = machines.nodes[node.name]
            if there.confirms(node.name, made["id"], wanted.trees[node.name].digest) and node.name not in awoken:
                continue
            brings_traffic = not running or bool(set(kind.descriptor.start_order[-1:]) & set(node.groups))
            stages.setdefault(service.rank, []).append(_visit(wanted, node, made, brings_traffic))
    return [stages[key] for key in sorted(stages)]


def _visit(wanted: Wish, node: Node, made: Mapping[str, str], brings_traffic: bool) -> Visit:
    service = wanted.topology.service(node.service)
    return Visit(
        node=node.name,
        ip=made["ip"],
        type=service.type,
        groups=node.groups,
        tree=wanted.trees[node.name],
        baked=not node.image and clouds.cloud(node.cloud).BAKES,
        address=str(node.address),
        archive=str(wanted.archives.get(service.name, "")),
        options=service.options,
        brings_traffic=brings_traffic,
    )


def _contract(
    now: Situation, machines: Machines, engine: Engine, settings: Settings, listen: Listener, execute: Executor
) -> None:
    """Drain and remove what goes; stop what rests."""
    shelf = at(settings.backend_url)
    if now.going:
        awake = [machine for machine in now.going if machine.node in now.seen and now.seen[machine.node].running]
        if awake:
            with access(machines.login, machines.nodes) as way:
                execute("leave", [_leaving(machine, machines) for machine in awake], way, listen)
        kept = replace(now.target, machines=now.target.machines + now.resting)
        engine.up(kept, listen)
    _rest(now, settings, listen)
    there = record.read(shelf, engine.name)
    resting = frozenset(machine.node for machine in now.resting)
    kept_names = {machine.node for machine in (*now.target.machines, *now.resting)}
    after = replace(there.only(kept_names), resting=resting)
    if after != there:
        record.write(shelf, engine.name, after)


def _leaving(machine: Machine, machines: Machines) -> Visit:
    ip = machines.nodes[machine.node]["ip"]
    return Visit(machine.node, ip, machine.type, (), Tree.empty(machine.node), baked=True)


def _rest(now: Situation, settings: Settings, listen: Listener) -> None:
    awake = [machine for machine in now.resting if machine.node in now.seen and now.seen[machine.node].running]
    _halt(awake, now.seen, settings, listen)


def _halt(awake: Iterable[Machine], seen: Mapping[str, Seen], settings: Settings, listen: Listener) -> None:
    for cloud, machines in _by_cloud(awake).items():
        for machine in machines:
            listen(Event("stop", "started", machine.node, "its data is kept"))
        clouds.cloud(cloud).stop([seen[machine.node].name for machine in machines], settings)
        for machine in machines:
            listen(Event("stop", "done", machine.node))


def _raise_on_failure(outcome: Outcome) -> None:
    if outcome.failures:
        names = ", ".join(sorted({failure.node for failure in outcome.failures}))
        raise MachineError(f"{names}: not configured", outcome.failures, "mend it, then run the same command again")


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
        engine = _existing(settings, application, environment)
        engine.destroy(listen)
        shelf = at(settings.backend_url)
        for document in ("record.json", "lock.json"):
            shelf.delete(f"{name}/{document}")


def stop(application: str, environment: str, service: str, settings: Settings, listen: Listener) -> tuple[str, ...]:
    """Hold a service (or all of them) until `start`: its machines are stopped, data and addresses stay."""
    with holding(settings, stack_name(application, environment)):
        engine = _existing(settings, application, environment)
        applied, shelf = engine.applied(), at(settings.backend_url)
        chosen = _of_service(applied, service)
        there = record.read(shelf, engine.name)
        names = frozenset(machine.node for machine in chosen)
        held = there.held | {machine.service for machine in chosen}
        record.write(shelf, engine.name, replace(there, held=held, resting=there.resting | names))
        seen = _seen(applied, settings)
        awake = [machine for machine in chosen if machine.node in seen and seen[machine.node].running]
        _halt(awake, seen, settings, listen)
        return tuple(machine.node for machine in awake)


def start(application: str, environment: str, service: str, settings: Settings, listen: Listener) -> tuple[str, ...]:
    """Let go of a held service (or all of them) and start its machines; ends when SSH answers on each."""
    with holding(settings, stack_name(application, environment)):
        engine = _existing(settings, application, environment)
        applied, shelf = engine.applied(), at(settings.backend_url)
        there = record.read(shelf, engine.name)
        chosen = [machine for machine in _of_service(applied, service) if machine.service in there.held]
        seen = _seen(applied, settings)
        asleep = [machine for machine in chosen if machine.node in seen and not seen[machine.node].running]
        _rouse(asleep, seen, settings, listen)
        held = there.held - {machine.service for machine in chosen}
        resting = there.resting - {machine.node for machine in chosen}
        record.write(shelf, engine.name, replace(there, held=held, resting=resting))
        return tuple(machine.node for machine in asleep)


def _existing(settings: Settings, application: str, environment: str) -> Engine:
    engine = Engine.find(settings, application, environment)
    if engine is None:
        raise UserError(f"no application {application!r} ({environment}) here", "conpaas list")
    return engine


def _of_service(applied: Applied, service: str) -> tuple[Machine, ...]:
    chosen = tuple(machine for machine in applied.machines if service in ("", machine.service))
    if not chosen:
        known = ", ".join(sorted({machine.service for machine in applied.machines})) or "none"
        raise UserError(f"no machines of service {service!r}" if service else "no machines", f"services: {known}")
    return chosen
