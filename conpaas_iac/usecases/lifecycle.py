"""The use cases that rest, wake and remove what is there, without a manifest."""

from collections.abc import Collection, Mapping
from dataclasses import replace

from conpaas_iac import catalog
from conpaas_iac.backend import lockfile, record
from conpaas_iac.backend.holding import holding
from conpaas_iac.backend.place import stack_name
from conpaas_iac.backend.record import Record
from conpaas_iac.backend.store import FORMER
from conpaas_iac.backend.stores import at
from conpaas_iac.clouds import Reach
from conpaas_iac.core.declaration import Machine
from conpaas_iac.core.render import Tree
from conpaas_iac.engine.engine import Applied, Engine
from conpaas_iac.errors import MachineError, UserError
from conpaas_iac.machines import power
from conpaas_iac.machines.configure import Executor, run
from conpaas_iac.machines.sight import seen_now, strays_of
from conpaas_iac.machines.visits import raise_on_failure
from conpaas_iac.plans import losses
from conpaas_iac.runs.events import Listener
from conpaas_iac.settings import Settings
from conpaas_iac.usecases.revisiting import Scene


def down(application: str, environment: str, settings: Settings, listen: Listener, may_lose: Collection[str]) -> None:
    """Remove every machine, the network, the stack and its record; the lock file and the images stay.

    Raises UserError where a service holds data that may not be lost.
    """
    name = stack_name(application, environment)
    with holding(settings, name, listen) as settings:
        engine = Engine.existing(settings, application, environment)
        applied, shelf = engine.applied(), at(settings.backend_url)
        there = record.read(shelf, name)
        lost = refuse_losses(application, applied, there, may_lose)
        record.write(shelf, name, replace(there, given_up=there.given_up | lost))
        reach = Reach(applied.places, settings)
        power.clear(strays_of(applied, there.making, reach), reach, listen)
        try:
            engine.destroy(listen)
        except MachineError as error:
            raise _still_there(application, error) from error
        power.clear(strays_of(replace(applied, machines=(), ids={}), (), reach), reach, listen)
        for document in (record.NAME, lockfile.NAME):
            shelf.delete(f"{name}/{document}")
            shelf.delete(f"{name}/{document}{FORMER}")
        engine.forget()
        settings.turn.is_over = True


def _still_there(application: str, error: MachineError) -> MachineError:
    """What blocks; everything else is gone."""
    names = ", ".join(sorted({failure.node for failure in error.failures})) or "something"
    remedy = "what is named is all that is left; when it is mended, the same command again removes it"
    return MachineError(f"{application} is not gone yet: {names} could not be removed", error.failures, remedy)


def refuse_losses(application: str, applied: Applied, there: Record, may_lose: Collection[str]) -> frozenset[str]:
    """Services that lose their data; raises UserError where one of them may not."""
    types = catalog.load()
    lost = losses.of_everything(applied.machines, there, types)
    losses.refuse(lost, {*may_lose, *there.given_up}, application, applied.machines, types)
    return frozenset(lost)


def stop(application: str, environment: str, service: str, settings: Settings, listen: Listener) -> tuple[str, ...]:
    """Hold a service (or all of them) until `start`: its machines are stopped, data and addresses stay."""
    with holding(settings, stack_name(application, environment), listen) as settings:
        engine = Engine.existing(settings, application, environment)
        applied, shelf = engine.applied(), at(settings.backend_url)
        chosen = _of_service(applied, service)
        there = record.read(shelf, engine.name)
        names = frozenset(machine.node for machine in chosen)
        held = there.held | {machine.service for machine in chosen}
        record.write(shelf, engine.name, replace(there, held=held, resting=there.resting | names))
        reach = Reach(applied.places, settings)
        seen = seen_now(applied, reach)
        awake = [machine for machine in chosen if machine.node in seen and seen[machine.node].running]
        power.halt(awake, seen, reach, listen)
        return tuple(machine.node for machine in awake)


def start(
    application: str, environment: str, service: str, settings: Settings, listen: Listener, execute: Executor = run
) -> tuple[str, ...]:
    """Let go of a held service (or all of them), start its machines, and have them prove that they work."""
    with holding(settings, stack_name(application, environment), listen) as settings:
        scene = Scene.of(Engine.existing(settings, application, environment), settings, listen, execute)
        applied, there = scene.applied, scene.record()
        chosen = [machine for machine in _of_service(applied, service) if machine.service in there.held]
        seen = seen_now(applied, scene.reach)
        asleep = [machine for machine in chosen if machine.node in seen and not seen[machine.node].running]
        nodes = frozenset(machine.node for machine in chosen)
        held = there.held - {machine.service for machine in chosen}
        after = replace(there, held=held, resting=there.resting - nodes)
        # Should this be killed, an `up` starts and visits them.
        scene.keep(replace(after, visiting=there.visiting | nodes))
        power.rouse(asleep, seen, scene.reach, listen)
        if trees := {machine.node: tree for machine in asleep if (tree := there.tree(machine.node))}:
            _prove(trees, scene)
        scene.keep(after)
        return tuple(machine.node for machine in asleep)


def _prove(trees: Mapping[str, Tree], scene: Scene) -> None:
    """Machines that others need to work prove that they do before the others."""
    machines, types = scene.engine.machines(), catalog.load()
    chosen = scene.visits(trees, machines)
    for needed in (True, False):
        stage = [visit for visit in chosen if bool(types[visit.type].descriptor.environment) is needed]
        if stage:
            raise_on_failure(scene.visit("prove", stage, machines), "started, and not in order")


def _of_service(applied: Applied, service: str) -> tuple[Machine, ...]:
    chosen = tuple(machine for machine in applied.machines if service in ("", machine.service))
    if not chosen:
        known = ", ".join(sorted({machine.service for machine in applied.machines})) or "none"
        raise UserError(f"no machines of service {service!r}" if service else "no machines", f"services: {known}")
    return chosen
