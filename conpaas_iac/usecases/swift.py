"""The short way of an `up` in which nothing but code changes, on machines that take a version without a pause."""

from collections.abc import Callable
from dataclasses import replace

from conpaas_iac.backend.hostkeys import shown
from conpaas_iac.backend.record import Record
from conpaas_iac.engine.engine_state import Machines
from conpaas_iac.machines import visits
from conpaas_iac.machines.ssh import access
from conpaas_iac.plans.plan import MachineChange, Plan
from conpaas_iac.usecases import prospect
from conpaas_iac.usecases.means import Means
from conpaas_iac.usecases.situation import Situation
from conpaas_iac.usecases.wish import Wish

PLAY = "switch"


def is_likely(wanted: Wish, there: Record) -> bool:
    """Whether machines that can prove a version have another one. Then what `up` needs is read beside the planning."""
    return any(
        node.name in there.nodes
        and (code := wanted.trees[node.name].code) is not None
        and code.version != there.nodes[node.name].code
        and _proves(wanted, node.service)
        for node in wanted.topology.nodes
    )


def applies(now: Situation, todo: Plan) -> bool:
    """Whether the plan is of code alone. Then it names no resource, and the engine would have nothing to do."""
    odd = now.strays or now.silent or now.stale_secrets or now.wish.every or now.record.visiting
    former = any(len(versions) > 1 for versions in now.wish.topology.secrets.values())
    quiet = not (todo.shared or odd or former)
    return quiet and bool(todo.changes) and all(_is_code(each, now) for each in todo.changes)


def _is_code(change: MachineChange, now: Situation) -> bool:
    """Whether the machine is told what it was told before, but for a version that it can prove before it takes it."""
    tree, before = now.wish.trees.get(change.node), now.record.tree(change.node)
    if change.action != "change" or tree is None or before is None or not (tree.code and before.code):
        return False
    if {part.kind for part in change.parts} != {"code"}:
        return False
    return _proves(now.wish, change.service) and replace(before, code=tree.code).digest == tree.digest


def _proves(wanted: Wish, service: str) -> bool:
    return bool(wanted.types[wanted.topology.service(service).type].descriptor.code_check)


def up(now: Situation, read: Callable[[], Machines], means: Means) -> Machines:
    """Prove the version on all machines, then make it current on all of them; raises MachineError."""
    machines, there = now.placed(read(), means.settings), now.record
    chosen = [visit for stage in visits.stages(now.wish, machines, there, ()) for visit in stage]
    there = replace(there, visiting=there.visiting | {visit.node for visit in chosen})
    means.keep(there)
    with access(machines.login, shown(there, machines.nodes)) as way:
        outcome = means.execute(PLAY, chosen, way, means.listen)
    trees = [(machines.nodes[node]["id"], now.wish.trees[node]) for node in outcome.confirmed]
    there = there.confirmed(trees).without_doubts(outcome.untouched)
    if not outcome.confirmed:  # nothing was switched: also who failed runs what it ran
        there = there.without_doubts(failure.node for failure in outcome.failures)
    if not outcome.failures:
        there = replace(there, inputs=prospect.table(now.wish))
    means.keep(there)
    visits.raise_on_failure(outcome)
    return machines
