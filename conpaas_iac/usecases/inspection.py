"""The use cases that only look: status, logs, the way into a machine."""

import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from conpaas_iac import catalog
from conpaas_iac.backend import record
from conpaas_iac.backend.hostkeys import shown
from conpaas_iac.backend.record import Record
from conpaas_iac.catalog import Descriptor
from conpaas_iac.clouds import Reach
from conpaas_iac.clouds.base import Seen
from conpaas_iac.core.declaration import Machine
from conpaas_iac.engine.engine import Engine
from conpaas_iac.engine.engine_state import Applied
from conpaas_iac.errors import UserError
from conpaas_iac.machines.ssh import Access, access
from conpaas_iac.settings import Settings
from conpaas_iac.views import status
from conpaas_iac.views.status import ApplicationStatus, Probe

SECONDS = 10  # how long a machine or a URL may take to answer


class SilentError(Exception):
    """A machine did not answer; why."""


@dataclass(frozen=True)
class View:
    """An application that is there, and the way to its machines."""

    application: str
    environment: str
    applied: Applied
    seen: Mapping[str, Seen]
    record: Record
    access: Access
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)  # version, as "db@3" -> value

    def reach(self, machine: Machine) -> Seen | None:
        """The machine, if it can be asked."""
        seen = self.seen.get(machine.node)
        return seen if seen and seen.running and seen.ip else None

    def run(
        self, node: str, command: str, text: str = "", seconds: float | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command there, which reads `text`; 255 where ssh itself failed."""
        return subprocess.run(
            ssh_command(self.access, self.seen[node].ip, command),
            env={"PATH": "/usr/bin:/bin", **self.access.environment},
            input=text,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            check=False,
        )

    def ask(self, node: str, command: str, text: str, seconds: float) -> str:
        """What a command prints that must succeed; raises SilentError."""
        try:
            done = self.run(node, command, text, seconds)
        except subprocess.TimeoutExpired:
            raise SilentError(f"no answer within {seconds:.0f} s") from None
        if done.returncode:
            raise SilentError(last_word(done))
        return done.stdout


def last_word(done: subprocess.CompletedProcess[str]) -> str:
    """Why a command failed, as far as it said."""
    return (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]


def ssh_command(way: Access, ip: str, *command: str) -> list[str]:
    """The ssh command line of one machine."""
    return ["ssh", *way.options(), "-o", f"ConnectTimeout={SECONDS}", f"root@{ip}", *command]


@contextmanager
def view(application: str, environment: str, settings: Settings) -> Iterator[View]:
    """Look at an application; raises UserError when there is none of that name."""
    engine = Engine.existing(settings, application, environment)
    applied, machines = engine.applied(), engine.machines()
    clouds = Reach(applied.places, settings).each({machine.cloud for machine in applied.machines})
    seen = {each.node: each for _, cloud in clouds for each in cloud.inventory(applied.owner)}
    here = {node: {**known, "ip": seen[node].ip} for node, known in machines.nodes.items() if node in seen}
    there = record.read(engine.shelf, engine.name)
    with access(machines.login, shown(there, here)) as way:
        yield View(application, environment, applied, seen, there, way, machines.secrets)


def machines_of(application: str, environment: str, settings: Settings) -> tuple[str, ...]:
    """Names of an application's machines, from the checkpoint alone."""
    engine = Engine.existing(settings, application, environment)
    return tuple(machine.node for machine in engine.applied().machines)


def status_of(application: str, environment: str, settings: Settings, service: str = "") -> ApplicationStatus:
    """The truth of the moment: what the cloud lists, what machines say, what URLs answer."""
    with view(application, environment, settings) as looked, ThreadPoolExecutor(16) as pool:
        machines, now = select(looked, [service] if service else []), datetime.now(UTC)
        found = {name: url for name, url in urls(looked).items() if service in ("", name)}
        answers = pool.map(_answer, found.values())
        probes = pool.map(lambda machine: _probe(looked, machine), machines)
        nodes = tuple(
            status.node_status(machine, looked.seen.get(machine.node), probe, looked.record, now)
            for machine, probe in zip(machines, probes, strict=True)
        )
        answered = dict(zip(found, answers, strict=True))
        held, joined = tuple(sorted(looked.record.held)), status.joined(looked.record, now)
        ways = {name: way for name, way in connections(looked).items() if service in ("", name)}
        return ApplicationStatus(application, environment, nodes, found, answered, held, joined, ways)


def _probe(looked: View, machine: Machine) -> Probe | None:
    if looked.reach(machine) is None:
        return None
    known = looked.record.nodes.get(machine.node)
    units = known.units if known else ()
    done = looked.run(machine.node, status.question(units) if units else "true")
    if done.returncode == 255:
        return Probe({}, False, last_word(done))
    return status.read_probe(units, done.stdout)


def _entries(looked: View) -> Iterator[tuple[Machine, Descriptor]]:
    """Machines that visitors and other services come to."""
    types = catalog.load()
    for machine in looked.applied.machines:
        kind, known = types.get(machine.type), looked.record.nodes.get(machine.node)
        if kind and known and kind.descriptor.entry in known.groups:
            yield machine, kind.descriptor


def urls(looked: View) -> dict[str, str]:
    """Service -> URL, of the machines that run now."""
    found: dict[str, str] = {}
    for machine, descriptor in _entries(looked):
        if descriptor.url and (seen := looked.reach(machine)):
            found.setdefault(machine.service, descriptor.url.format(address=seen.ip))
    return found


def connections(looked: View) -> dict[str, str]:
    """Service -> the command that connects to it, inside the application's network."""
    found: dict[str, str] = {}
    for machine, descriptor in _entries(looked):
        if descriptor.connect:
            command = descriptor.connect.format(address=machine.fixed_address, service=machine.service)
            found.setdefault(machine.service, command)
    return found


def _answer(url: str) -> str:
    try:
        with urllib.request.urlopen(url, timeout=SECONDS) as response:
            return str(response.status)
    except urllib.error.HTTPError as error:
        return str(error.code)
    except (urllib.error.URLError, OSError) as error:
        return str(getattr(error, "reason", error))


def logs(looked: View, machines: Sequence[Machine], lines: int) -> Iterator[tuple[str, str]]:
    """(node, line), of the units that the machines run, machine by machine."""

    def fetch(machine: Machine) -> str:
        known = looked.record.nodes.get(machine.node)
        units = " ".join(f"-u '{unit}'" for unit in known.units) if known else ""
        command = f"journalctl --no-pager -o short-iso --no-hostname -q -n {lines} {units}"
        done = looked.run(machine.node, command)
        return done.stdout if done.returncode == 0 else f"(cannot be read: {done.stderr.strip()})"

    reachable = [machine for machine in machines if looked.reach(machine)]
    with ThreadPoolExecutor(16) as pool:
        for machine, text in zip(reachable, pool.map(fetch, reachable), strict=True):
            for line in text.splitlines():
                yield machine.node, line


def select(looked: View, path: Sequence[str]) -> tuple[Machine, ...]:
    """Machines of `APP[/SERVICE[/NODE]]` after APP; a node may also be named right after APP."""
    machines = looked.applied.machines
    if path:
        machines = tuple(each for each in machines if path[0] in (each.service, each.node))
    if len(path) > 1:
        machines = tuple(each for each in machines if path[1] in (each.node, each.node.rpartition("-")[2]))
    if not machines:
        known = ", ".join(machine.node for machine in looked.applied.machines) or "none"
        raise UserError(f"no machine {'/'.join(path)!r} in {looked.application}", f"its machines: {known}")
    return machines
