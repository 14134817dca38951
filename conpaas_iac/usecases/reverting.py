"""The use case behind `conpaas drift --revert`: machines are told to prove themselves again, and an ordinary `up` goes.

Nothing is mended in a way of its own: what was confirmed counts no more, so `up` visits, makes and starts it.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import msgspec

from conpaas_iac.backend import record
from conpaas_iac.backend.holding import holding
from conpaas_iac.backend.place import placed, shelf, stack_name
from conpaas_iac.backend.record import Record
from conpaas_iac.clouds import Reach
from conpaas_iac.core.declaration import Machine
from conpaas_iac.core.render import Tree
from conpaas_iac.drift import driftreport
from conpaas_iac.drift.driftreport import DriftReport
from conpaas_iac.engine.engine import Engine
from conpaas_iac.errors import UserError
from conpaas_iac.machines import power
from conpaas_iac.machines.configure import Executor, run
from conpaas_iac.machines.sight import seen_now
from conpaas_iac.plans import losses
from conpaas_iac.plans.plan import Plan
from conpaas_iac.runs.events import Event, Listener
from conpaas_iac.settings import Settings
from conpaas_iac.usecases import deployment
from conpaas_iac.usecases.situation import Situation, situation, wish_of
from conpaas_iac.usecases.wish import Request, Wish


def manifest_of(application: str, environment: str, given: Path | None, settings: Settings) -> Path:
    """The manifest that the application was last made from; raises UserError where it is not on this computer."""
    if given:
        return given
    stack = stack_name(application, environment)
    origin = record.read(shelf(placed(settings, stack)), stack).origin
    if origin and Path(origin.path).is_file():
        return Path(origin.path)
    where = f"it was {origin.path}, which is not here" if origin else "its last `up` was of an older version"
    raise UserError(f"which manifest is {application}'s? {where}", "--manifest FILE")


def revert(
    report: DriftReport,
    request: Request,
    settings: Settings,
    listen: Listener,
    execute: Executor = run,
    announce: Callable[[Plan, Wish], None] = lambda plan, wish: None,
) -> None:
    """Bring the machines of the report back to what they confirmed, and nothing else; `announce` as `up` does.

    Raises UserError where the manifest asks for more than that, or data would be lost.
    """
    refuse_more(report, request, settings)
    _void(report, settings, listen)
    anew = [each.node for each in driftreport.mendings(report.drifts) if "replace" in each.ways]
    for replaced in (frozenset[str](), *(frozenset({node}) for node in anew)):
        deployment.up(replace(request, replaced=replaced), settings, listen, announce, execute)


def refuse_more(report: DriftReport, request: Request, settings: Settings) -> None:
    """Raises UserError where an `up` of this manifest would do more than mend, or may not do that."""
    wanted = wish_of(replace(request, dry=True), settings)
    if (wanted.application, wanted.environment) != (report.application, report.environment):
        message = f"{request.manifest} is of {wanted.application}, not of {report.application}"
        raise UserError(message, "--manifest FILE")
    now = situation(wanted, Engine.existing(settings, report.application, report.environment), settings, look=True)
    if moved := _moved(now):
        raise UserError(
            f"the manifest, or this conpaas, asks for more than was applied: {', '.join(moved)}",
            f"`conpaas plan {request.manifest}` shows it; `conpaas up {request.manifest}` first, then this again",
        )
    if unfinished := now.record.visiting & {machine.node for machine in now.applied.machines}:
        message = f"a run was interrupted at {', '.join(sorted(unfinished))}"
        raise UserError(message, f"`conpaas up {request.manifest}` goes on there; then this again")
    lost = {*now.gone, *(machine.node for machine in now.asleep)}
    if others := sorted(lost - {each.node for each in report.drifts}):
        message = f"{', '.join(others)}: gone or stopped as well, and would come back with it"
        raise UserError(message, f"of the whole application: conpaas drift {report.application} --revert")
    losses.refuse(now.losses, request.may_lose, report.application, now.applied.machines, wanted.types)


def _moved(now: Situation) -> tuple[str, ...]:
    """Machines that are to be others than they confirmed."""
    there = {machine.node: _plain(machine) for machine in now.applied.machines}
    wanted = {machine.node: _plain(machine) for machine in (*now.target.machines, *now.resting)}
    machines = [node for node in {**there, **wanted} if there.get(node) != wanted.get(node)]
    files = [
        node
        for node, tree in now.wish.trees.items()
        if (before := now.record.tree(node)) and _told(before) != _told(tree)
    ]
    return tuple(dict.fromkeys((*machines, *files)))


def _plain(machine: Machine) -> Machine:
    """Without what another incarnation has, too."""
    return replace(machine, incarnation=0, image="")


def _told(tree: Tree) -> str:
    """Of all but its certificate, which any `up` may renew."""
    return replace(tree, member=None).digest


def _void(report: DriftReport, settings: Settings, listen: Listener) -> None:
    """What was confirmed counts no more; sizes are given back. Should this be killed, the next `up` goes on."""
    with holding(settings, stack_name(report.application, report.environment), listen) as held:
        engine = Engine.existing(held, report.application, report.environment)
        record.write(engine.shelf, engine.name, voided(record.read(engine.shelf, engine.name), report))
        applied = engine.applied()
        altered = {each.node for each in report.drifts if each.mend == "resize"}
        reach = Reach(applied.places, held)
        seen = seen_now(applied, reach) if altered else {}
        power.resize([each for each in applied.machines if each.node in altered & seen.keys()], seen, reach)
        for node in sorted(altered):
            listen(Event("size", "done", node))


def voided(there: Record, report: DriftReport) -> Record:
    """The record of machines that have to be visited again, and of certificates that have to be signed again."""
    visited = _nodes(report, ("visit", "sign")) & there.nodes.keys()
    signed = _nodes(report, ("sign",))
    nodes = {
        node: msgspec.structs.replace(known, certificate=None) if node in signed else known
        for node, known in there.nodes.items()
    }
    return replace(there, nodes=nodes, visiting=there.visiting | visited)


def _nodes(report: DriftReport, mends: Iterable[str]) -> set[str]:
    return {each.node for each in report.drifts if each.mend in mends}
