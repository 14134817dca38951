"""The use cases of `conpaas join`: let an operator's machine into the application's network, and out again."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Interface
from pathlib import Path
from shutil import rmtree

from conpaas_iac.backend.holding import holding
from conpaas_iac.backend.place import of_stack, stack_name
from conpaas_iac.backend.record import Certificate, Join, Record
from conpaas_iac.engine.engine import Engine
from conpaas_iac.engine.engine_state import Machines
from conpaas_iac.errors import UserError
from conpaas_iac.host import nebula
from conpaas_iac.machines import visits
from conpaas_iac.machines.configure import Executor, run
from conpaas_iac.machines.sight import seen_now
from conpaas_iac.network import certificates, joins, membership, vpn
from conpaas_iac.network.joins import Port
from conpaas_iac.runs.events import Listener
from conpaas_iac.settings import Settings
from conpaas_iac.system.files import private_folder, write_atomically
from conpaas_iac.usecases.revisiting import Scene


@dataclass(frozen=True)
class Wanted:
    """Who wants in, to reach what, for how long."""

    application: str
    environment: str
    name: str
    reach: tuple[str, ...]  # services
    length: timedelta
    by: str  # user@host
    out: Path | None = None  # None: a folder of the user's state

    def folder(self, settings: Settings) -> Path:
        """Where key, certificate and configuration are to be."""
        stack = stack_name(self.application, self.environment)
        return (self.out or settings.state / "joins" / stack / self.name).absolute()


@dataclass(frozen=True)
class Joined:
    """What the operator is told."""

    join: Join
    ports: tuple[Port, ...]
    folder: Path
    program: Path  # nebula
    is_renewed: bool  # one that runs already takes it in on SIGHUP

    @property
    def command(self) -> tuple[str, ...]:
        """What starts it, as root."""
        return (str(self.program), "-config", str(self.folder / "config.yml"))


def join(wanted: Wanted, settings: Settings, listen: Listener, execute: Executor = run) -> Joined:
    """Issue key, certificate and configuration; under the same name again, renew them.

    What an earlier certificate of that name allows beyond this one is locked out first.
    """
    programs = nebula.need(settings)
    with holding(settings, stack_name(wanted.application, wanted.environment), listen) as settings:
        engine = Engine.existing(settings, wanted.application, wanted.environment)
        scene = Scene.of(engine, settings, listen, execute)
        there = scene.record()
        ports = joins.ports(scene.applied.machines, there, wanted.reach)
        former = joins.former(there, wanted.name, wanted.by, scene.now)
        lights = _lighthouses(scene, there)
        machines = scene.engine.machines()
        folder = _folder(wanted, settings)
        made, text = _signed(wanted, former, scene, there, machines, folder)
        outdated = joins.outdated(former, made)
        there = _lock_out(scene, there, machines, outdated) if outdated else there
        kept = former.certificates if former and not outdated else ()
        there = scene.keep(joins.joined(there, made, kept, scene.now))
        running = next(files[vpn.CONFIG] for port in ports if (files := there.files(port.node)))
        running = vpn.blocking(running, membership.blocked_at(there, scene.now))
        interface = joins.interface(scene.engine.name, wanted.name)
        for name, content in (
            ("ca.crt", scene.applied.authorities.trusted(scene.now)),
            ("node.crt", text),
            ("config.yml", vpn.guest(running, lights, str(folder), interface)),
        ):
            write_atomically(folder / name, content.encode())
        return Joined(made, ports, folder, programs.nebula, former is not None)


def end(
    application: str, environment: str, name: str, settings: Settings, listen: Listener, execute: Executor = run
) -> Join:
    """Lock a joined machine out before its time: every running machine is told now, the others by the next `up`."""
    with holding(settings, stack_name(application, environment), listen) as settings:
        scene = Scene.of(Engine.existing(settings, application, environment), settings, listen, execute)
        there = scene.record()
        found = joins.named(there, name, scene.now)
        if found is None:
            known = ", ".join(each.name for each in joins.live(there, scene.now)) or "none"
            raise UserError(f"nobody has joined {application} as {name!r}", f"joined: {known}")
        there = _lock_out(scene, there, scene.engine.machines(), found.certificates)
        scene.keep(joins.without(there, name, scene.now))
        rmtree(settings.state / "joins" / scene.engine.name / name, ignore_errors=True)
        return found


def _lighthouses(scene: Scene, there: Record) -> dict[str, str]:
    """Address -> provider's address of those that run."""
    seen = seen_now(scene.applied, scene.reach)
    found = {
        machine.fixed_address: seen[machine.node].ip
        for machine in scene.applied.machines
        if machine.node in there.lighthouses and machine.node in seen and seen[machine.node].running
    }
    if not found:
        name, _ = of_stack(scene.engine.name)
        raise UserError(f"nothing of {name} runs that could be asked where its machines are", f"conpaas status {name}")
    return found


def _folder(wanted: Wanted, settings: Settings) -> Path:
    """The folder; raises UserError where it holds the configuration of something else."""
    folder = wanted.folder(settings)
    config = folder / "config.yml"
    if config.exists() and not (folder / "node.pub").exists():
        raise UserError(f"{config} is not of `conpaas join`", "name another folder with --out")
    return private_folder(folder)


def _signed(
    wanted: Wanted, former: Join | None, scene: Scene, there: Record, machines: Machines, folder: Path
) -> tuple[Join, str]:
    """The join and its certificate; the key is made in the folder, and stays there."""
    program = nebula.need(scene.settings).cert
    network = IPv4Interface(scene.applied.machines[0].address).network
    try:
        signer = membership.signing(scene.applied.authorities, there, scene.now)
    except ValueError:
        raise UserError("the authority of this application's network has ended", "conpaas up") from None
    live = joins.live(there, scene.now)
    address = former.address if former else joins.free_address(network, live, scene.applied.machines)
    draft = Join(wanted.name, address, wanted.reach, wanted.by, ())
    text = certificates.sign(
        program,
        visits.authority(machines, signer.fingerprint),
        certificates.keygen(program, folder / "node.key"),
        joins.subject(draft, network),
        wanted.length,
    )
    facts = certificates.read(program, text)[0]
    signed = Certificate(facts.fingerprint, facts.begins, facts.ends)
    return Join(wanted.name, address, wanted.reach, wanted.by, (signed,)), text


def _lock_out(scene: Scene, there: Record, machines: Machines, going: Collection[Certificate]) -> Record:
    """Nobody talks to these certificates any more; what was not told is told by the next `up`, or by trying again."""
    there = scene.keep(membership.with_blocked(there, going, scene.now))
    trees = membership.told(there, scene.now)
    ids = {node: each["id"] for node, each in machines.nodes.items()}
    known = {node: tree for node, tree in trees.items() if ids.get(node) == there.nodes[node].id}
    told = [visit for visit in scene.visits(known, machines) if visit.ip]
    if not told:
        return there
    outcome = scene.visit("tell", told, machines)
    there = scene.confirm(there, told, machines, outcome)
    visits.raise_on_failure(outcome, "not told who is locked out")
    return there
