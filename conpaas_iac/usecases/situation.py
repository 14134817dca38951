"""What is wanted beside what is there: the ground that every plan and every run stands on."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from ipaddress import IPv4Network

from conpaas_iac import clouds
from conpaas_iac.backend import lockfile, place, record
from conpaas_iac.backend.record import Record
from conpaas_iac.clouds import Reach
from conpaas_iac.clouds.base import Seen
from conpaas_iac.core import declaration, mounts, placeholders, placing
from conpaas_iac.core.addresses import Lock
from conpaas_iac.core.declaration import Declaration, Machine
from conpaas_iac.core.places import Places
from conpaas_iac.engine.engine import Engine
from conpaas_iac.engine.engine_state import Applied, Machines
from conpaas_iac.errors import UserError
from conpaas_iac.machines import sight
from conpaas_iac.machines.sight import Lists
from conpaas_iac.network import joins, membership, vpn
from conpaas_iac.network.membership import Authorities
from conpaas_iac.network.renewal import Policy
from conpaas_iac.plans import losses, moves
from conpaas_iac.settings import Settings
from conpaas_iac.usecases import pins, wish
from conpaas_iac.usecases.wish import Known, Request, Wish


@dataclass(frozen=True)
class Situation:
    """A wish beside what is there."""

    wish: Wish
    record: Record
    applied: Applied
    seen: Mapping[str, Seen]
    target: Declaration  # what is wanted, new incarnations of lost machines included; resting machines are not in it
    strays: Lists = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    anew: Mapping[str, str] = field(default_factory=dict)  # machine -> why it is made anew
    silent: Mapping[str, str] = field(default_factory=dict)  # cloud that does not answer -> why
    misled: frozenset[str] = frozenset()  # machines with former values of secrets, so far in no record

    @property
    def places(self) -> Places:
        """Where machines are, and where they are to be."""
        return {**self.applied.places, **self.target.places}

    @property
    def replaced(self) -> tuple[Machine, ...]:
        """Machines that are there and are to be made anew."""
        there = self.anew.keys() - self.gone
        return tuple(machine for machine in self.applied.machines if machine.node in there)

    @property
    def coming(self) -> frozenset[str]:
        """Machines that are to be made, or made anew."""
        there = {machine.node for machine in self.applied.machines} - self.anew.keys()
        return frozenset(machine.node for machine in self.target.machines if machine.node not in there)

    @property
    def asleep(self) -> tuple[Machine, ...]:
        """Machines that are there and to be started again."""
        halted = {node for node, each in self.seen.items() if not each.running}
        return tuple(machine for machine in self.target.machines if machine.node in halted)

    @property
    def moving(self) -> dict[str, str]:
        """Machine -> why it is made anew on another cloud."""
        found = moves.moving(self.applied.machines, self.wish.topology)
        return {node: why for node, why in found.items() if self.anew.get(node) == why}

    @property
    def losses(self) -> dict[str, str]:
        """Service -> why its data would be lost."""
        layout, types, moving = self.wish.topology, self.wish.types, self.moving
        lost = self.gone | (self.anew.keys() - moving.keys())
        stranded = moves.stranded(layout, moving, lost, types)
        lost |= {node for node in moving if layout.node(node).service in stranded}
        found = losses.of_change(layout, self.applied.machines, self.record, types, lost)
        return {name: stranded.get(name, why) for name, why in found.items()}

    def refuse_losses(self, may_lose: frozenset[str]) -> None:
        """Raises UserError where data would be lost that nobody has given up."""
        given_up, machines = may_lose | self.record.given_up, self.applied.machines
        losses.refuse(self.losses, given_up, self.wish.application, machines, self.wish.types)

    @property
    def stale_secrets(self) -> bool:
        """Whether the stack holds versions of secrets that nobody accepts any more."""
        return bool(set(self.applied.secrets) - set(self.target.secrets))

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

    @property
    def given(self) -> dict[str, str]:
        """Passwords that the manifest holds, for secrets that are made now; later the secret is what counts."""
        layout = {service.name: service for service in self.wish.topology.services}
        return {
            placeholders.key(layout[service.name].secrets[name], 1): service.passwords[said.field]
            for service in self.wish.manifest.services
            for name, said in self.wish.types[service.type].descriptor.secrets.items()
            if said.field in service.passwords
        }

    def placed(self, machines: Machines, settings: Settings) -> Machines:
        """Where they are: a machine that was started again may have another address on the provider's network."""
        is_awake = all(each.running for each in self.seen.values())
        seen = self.seen if is_awake else sight.seen_now(self.applied, Reach(self.places, settings))
        moved = {(node, each.id): each.ip for node, each in seen.items() if each.ip}
        nodes = {
            node: {**known, "ip": moved.get((node, known["id"]), known["ip"])} for node, known in machines.nodes.items()
        }
        return replace(machines, nodes=nodes)


def wish_of(request: Request, settings: Settings) -> Wish:
    """The wish, with what the backend knows of other applications and of held services."""

    @cache  # read once
    def known(application: str) -> Known:
        stack = place.stack_name(application, request.environment)
        shelf = place.shelf(place.placed(settings, stack))
        there = record.read(shelf, stack)
        about = (there.held, there.secrets, there.secret_names, there.founded, lockfile.applied(shelf, stack))
        return Known(*about, pins.uploaded(settings, stack))

    wanted = wish.build(request, settings, used=lambda: _other_ranges(settings), known=known)
    _check_lock(wanted, known(wanted.application).lock)
    return wanted


def _other_ranges(settings: Settings) -> list[IPv4Network]:
    others = place.stacks(place.whole(settings)).items()
    locks = (lockfile.applied(place.shelf(placed), name) for name, placed in others)
    return [lock.range for lock in locks if lock]


def _check_lock(wanted: Wish, applied: Lock | None) -> None:
    """The backend keeps the lock that was applied; another one would move addresses of running machines."""
    if applied is None:
        return
    moved = [name for name, block in wanted.lock.blocks.items() if applied.blocks.get(name, block) != block]
    if applied.range != wanted.lock.range or moved:
        what = f"the block of {', '.join(moved)}" if moved else f"the range {applied.range}"
        raise UserError(
            f"{wanted.lock_path} disagrees with what is running: {what} is another there",
            "restore the lock file from Git, or `conpaas down` the application first",
        )


def situation(
    wanted: Wish, engine: Engine, settings: Settings, look: bool, silent: dict[str, str] | None = None
) -> Situation:
    """What is there; `look` asks the clouds, otherwise the checkpoint is believed, as for those that `silent` names."""
    applied = engine.applied()
    names = _renamed(wanted, applied)
    applied, nodes = _under_new_names(applied, names)
    wanted, applied = _placed(wanted, applied)
    there = record.read(engine.shelf, engine.name).renamed(nodes, names)
    misled = there.misled(applied.secrets) - there.visiting  # a removal that was cut off took the secrets first
    there = replace(there, visiting=there.visiting | misled)
    reach = Reach({**applied.places, **wanted.topology.places}, settings)
    lists = sight.lists(applied, reach, nodes, there.making, silent) if look else {}
    seen = {**sight.known(applied, lists), **sight.believed(applied, (silent or {}) if look else None)}
    applied = replace(applied, ips={**applied.ips, **{node: each.ip for node, each in seen.items() if each.ip}})
    wanted = replace(wanted, standings=reach.standings())
    joins.refuse_taken(wanted.topology, there, wanted.now)
    wanted = joined(wanted, applied.ips, applied.authorities, there)
    images, epoch = images_of(wanted, settings), applied.authorities.next_epoch(wanted.now, Policy())
    target = declaration.wanted(wanted.topology, images, applied.machines, epoch)
    anew = _anew(wanted, applied, target, seen)
    target = declaration.reborn(target, anew, images)
    strays = sight.strays(applied, target.machines, lists, reach)
    notes = tuple(f"{new} was called {old}: its machines, data and addresses are kept" for old, new in names.items())
    return Situation(wanted, there, applied, seen, target, strays, notes, anew, misled=misled)


def _placed(wanted: Wish, applied: Applied) -> tuple[Wish, Applied]:
    """Both with the names that places have now."""
    where = (applied.machines, applied.places, clouds.fixed)
    layout, machines = placing.placed(wanted.topology, *where, lambda name: not clouds.kind(name).OWN_RESOURCES)
    return replace(wanted, topology=layout), replace(applied, machines=machines)


def _anew(wanted: Wish, applied: Applied, target: Declaration, seen: Mapping[str, Seen]) -> dict[str, str]:
    """Machine -> why it is made anew; raises UserError where one is asked for that is not there."""
    types = {machine.node: machine.type for machine in target.machines}
    if unknown := sorted(wanted.replaced - types.keys()):
        raise UserError(f"no machine {', '.join(unknown)}", f"its machines: {', '.join(types) or 'none'}")
    found = {machine.node: "the cloud has lost it" for machine in applied.machines if machine.node not in seen}
    for machine in applied.machines:
        if machine.node in wanted.replaced:
            found.setdefault(machine.node, "asked for")
        elif types.get(machine.node, machine.type) != machine.type:
            found.setdefault(machine.node, f"type: {machine.type} -> {types[machine.node]}")
    return {**moves.moving(applied.machines, wanted.topology), **found}


def joined(wanted: Wish, ips: Mapping[str, str], authorities: Authorities, there: Record) -> Wish:
    """The wish, its trees with their part in the network as far as it is known where machines are."""
    layout = wanted.topology
    mtu = min((clouds.kind(layout.provider(node)).MTU for node in layout.nodes), default=1500) - vpn.OVERHEAD
    trees = membership.complete(wanted.trees, layout, ips, authorities, there, wanted.now, mtu, wanted.standings)
    return replace(wanted, trees=trees)


def _renamed(wanted: Wish, applied: Applied) -> dict[str, str]:
    """Former name -> name, of services whose machines still carry the former one."""
    there = {machine.service for machine in applied.machines} - {each.name for each in wanted.manifest.services}
    return {
        service.renamed_from: service.name for service in wanted.manifest.services if service.renamed_from in there
    }


def _under_new_names(applied: Applied, names: Mapping[str, str]) -> tuple[Applied, dict[str, str]]:
    """The same machines, and their names: former -> new."""
    machines = declaration.renamed(applied.machines, names)
    nodes = {old.node: new.node for old, new in zip(applied.machines, machines, strict=True)}
    ips = {nodes[node]: ip for node, ip in applied.ips.items()}
    ids = {nodes[node]: each for node, each in applied.ids.items()}
    return replace(applied, machines=machines, ips=ips, ids=ids), nodes


def images_of(wanted: Wish, settings: Settings) -> dict[str, str]:
    kinds = {each.name: mounts.kind_of(each, wanted.topology, wanted.types) for each in wanted.topology.services}
    reach = Reach(wanted.topology.places, settings)

    @cache  # its sources are read
    def image(cloud: str, service: str) -> str:
        return reach[cloud].image(kinds[service])

    return {node.name: node.image or image(node.cloud, node.service) for node in wanted.topology.nodes}
