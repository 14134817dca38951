"""What a situation leads to: the plan of all that an `up` would do, with class and causes of each line."""

from collections.abc import Mapping
from dataclasses import replace

from conpaas_iac import __version__, clouds
from conpaas_iac.backend.record import Record
from conpaas_iac.core import declaration, placeholders, render, topology
from conpaas_iac.core.render import Tree
from conpaas_iac.engine.engine import Engine
from conpaas_iac.engine.engine_state import Applied
from conpaas_iac.errors import ConpaasError, MachineError, UserError
from conpaas_iac.machines import sight
from conpaas_iac.manifest.model import Manifest
from conpaas_iac.network import membership, standing
from conpaas_iac.network.membership import Authorities
from conpaas_iac.network.renewal import Policy
from conpaas_iac.plans import causes, danger, inputs, planning
from conpaas_iac.plans.causes import Origins
from conpaas_iac.plans.plan import Part, Plan
from conpaas_iac.plans.planning import Known
from conpaas_iac.settings import Settings
from conpaas_iac.usecases import costing
from conpaas_iac.usecases.situation import Situation, images_of, joined, situation, wish_of
from conpaas_iac.usecases.wish import Request, Wish


def planned(request: Request, settings: Settings, look: bool = False) -> Plan:
    """The plan of an `up`; touches neither the network nor, unless told to look, the clouds."""
    return plan_of(survey(request, settings, look)[0])


def survey(request: Request, settings: Settings, look: bool = False) -> tuple[Situation, Engine | None]:
    """Where an `up` would begin, and the stack where there is one. What cannot be seen is said in a note."""
    wanted = wish_of(replace(request, dry=True), settings)
    engine = Engine.find(settings, wanted.application, wanted.environment)
    if engine is None or not look:
        return expected(wanted, engine, settings), engine
    try:
        silent: dict[str, str] = {}
        now = situation(wanted, engine, settings, look=True, silent=silent)
    except (MachineError, UserError) as error:  # a plan is made all the same
        now, notes = expected(wanted, engine, settings), [f"not looked at: {error.message}; the state is believed"]
    else:
        unseen = sight.silent(now.seen)
        notes = [f"{node} runs and does not answer ({why}): it could not be seen" for node, why in unseen.items()]
        notes += [f"not looked at: {cloud}: {why}; the state is believed" for cloud, why in silent.items()]
    return replace(now, notes=(*now.notes, *notes)), engine


def expected(wanted: Wish, engine: Engine | None, settings: Settings) -> Situation:
    """What is there as far as the backend says."""
    if engine is not None:
        return situation(wanted, engine, settings, look=False)
    target = declaration.wanted(wanted.topology, images_of(wanted, settings))
    return Situation(wanted, Record(), Applied("", (), {}, Authorities()), {}, target)


def plan_of(now: Situation) -> Plan:
    """What there is to do. Offline: everything was looked at before."""
    wanted = at_last(now)
    renewed = membership.renewals(wanted.trees, now.record, now.applied.authorities, wanted.now, Policy())
    made = planning.make(
        wanted.topology,
        now.target,
        now.applied.machines,
        now.record,
        wanted.trees,
        Known(now.anew, now.moving, {machine.node: "it is stopped" for machine in now.asleep}, renewed, wanted.every),
        (*wanted.notes, *now.notes),
        now.losses,
        _shared(now),
    )
    restarting = clouds.restarting(now.places)
    ground = danger.Ground(wanted.topology, wanted.types, now.record, now.applied.machines, wanted.trees, restarting)
    made = replace(made, cost=costing.cost_of(now))
    return causes.explained(danger.classed(made, ground), _origins(now, wanted), _rendered(wanted))


def at_last(now: Situation) -> Wish:
    """The wish as it ends: leaving machines locked out, former versions of secrets forgotten, lighthouses lit."""
    former = {name: versions[-1:] for name, versions in now.wish.topology.secrets.items() if len(versions) > 1}
    wanted = now.wish.with_secrets(former) if former else now.wish
    lights, moving = _lighthouses(now), _moving(now)
    if not now.going and lights == now.record.lighthouses and not moving & set(lights):
        return wanted
    later = {node.name: f"(known once {node.name} is there)" for node in wanted.topology.nodes}
    known = {node: ip for node, ip in now.applied.ips.items() if node not in moving}
    there = membership.locked_out(now.record, [machine.node for machine in now.going], wanted.now)
    return joined(wanted, {**later, **known}, now.applied.authorities, replace(there, lighthouses=lights))


def _moving(now: Situation) -> set[str]:
    """Machines that will have another address on the provider's network than they had."""
    before = {machine.node: machine.cloud for machine in now.applied.machines}
    coming = (node for node in now.wish.topology.nodes if node.name in now.anew)
    standings = now.wish.standings
    return {node.name for node in coming if not standing.keeps(standings, before.get(node.name, ""), node.cloud)}


def _lighthouses(now: Situation) -> tuple[str, ...]:
    """The machines that the others will ask where machines are."""
    layout = now.wish.topology
    ips = {node.name: "" for node in layout.nodes}
    return membership.lighthouses_of(layout, ips, now.record, now.wish.standings)


def _shared(now: Situation) -> tuple[Part, ...]:
    found, applied = [], now.applied
    if not applied.range:
        found.append(Part("network", str(now.wish.topology.range), "add", "VPN of the application, a new authority"))
    elif applied.authorities.next_epoch(now.wish.now, Policy()) != applied.authorities.epoch:
        found.append(Part("authority", str(now.wish.topology.range), "change", "the network's authority: a successor"))
    last = {placeholders.key(name, versions[-1]) for name, versions in now.wish.topology.secrets.items()}
    there = set(applied.secrets)
    found += [Part("secret", each, "add", "made now") for each in now.target.secrets if each not in there]
    found += [Part("secret", each, "remove", "accepted no more") for each in applied.secrets if each not in last]
    strays = (each for seen in now.strays.values() for each in seen)
    found += [Part("machine", each.name, "remove", "an interrupted run left it") for each in strays]
    return tuple(found)


def table(wanted: Wish) -> dict[str, str]:
    """What the application would be made from."""
    return inputs.table(wanted.manifest, wanted.topology, {**wanted.types, **wanted.internal}, __version__)


def _origins(now: Situation, wanted: Wish) -> Origins:
    before, lights = now.record.inputs, _lighthouses(now)
    asked = f"who is asked where machines are: {', '.join(now.record.lighthouses) or 'nobody'} -> {', '.join(lights)}"
    return Origins(
        wanted.manifest,
        inputs.differing(before, table(wanted)),
        bool(before),
        tuple(machine.node for machine in now.going),
        (asked,) if lights != now.record.lighthouses else (),
        frozenset(wanted.internal),
    )


def _rendered(wanted: Wish) -> causes.Rendered:
    """Renders other manifests as this one was."""
    layout = wanted.topology
    codes = {service.name: service.code for service in layout.services}
    held = {service.name: service.start for service in layout.services}
    names = {service.name: service.secrets for service in layout.services}

    def rendered(manifest: Manifest, nodes: frozenset[str]) -> Mapping[str, Tree]:
        services = tuple(replace(each, start=each.start and held[each.name]) for each in manifest.services)
        try:
            former = topology.build(
                replace(manifest, services=services),
                layout.environment,
                wanted.types,
                wanted.lock,
                codes,
                layout.secrets,
                names,
            )
            return render.trees(former, wanted.types, wanted.internal, wanted.operators, nodes)
        except (ConpaasError, KeyError):  # half of an edit may make no sense, nor fit templates that are newer
            return {}

    return rendered
