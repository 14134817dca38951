"""The Pulumi engine through its Automation API: one stack per application, errors mapped to ours."""

import signal
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from shutil import rmtree
from typing import Any

import pulumi
from pulumi.automation import errors as auto_errors

from conpaas_iac import clouds
from conpaas_iac.backend import record
from conpaas_iac.backend.place import placed, shelf, stack_name
from conpaas_iac.backend.record import certificate
from conpaas_iac.backend.statefile import IDENTITY
from conpaas_iac.backend.store import Store
from conpaas_iac.core.declaration import Declaration, Machine, encode
from conpaas_iac.core.ordering import natural
from conpaas_iac.core.places import Places, by_resource
from conpaas_iac.engine import engine_events, engine_lock, engine_state, engine_workspace, stack
from conpaas_iac.engine.engine_calls import Stack
from conpaas_iac.engine.engine_state import AUTHORITY, SECRET
from conpaas_iac.errors import ConpaasError, Failure, MachineError, UserError
from conpaas_iac.network import certificates
from conpaas_iac.network.membership import Authorities
from conpaas_iac.runs.events import Listener
from conpaas_iac.settings import Settings
from conpaas_iac.system import processes
from conpaas_iac.system.files import write_atomically


@dataclass(frozen=True)
class Machines:
    """What a run of the engine leaves: owner tag, login key, authorities; per node its id, address and host key."""

    owner: str
    login: str = field(repr=False)
    nodes: Mapping[str, Mapping[str, str]]
    authorities: Authorities
    keys: str = field(repr=False)  # PEM, in the authorities' order
    secrets: Mapping[str, str] = field(repr=False)  # version of a secret, as "db@3" -> value


@dataclass(frozen=True)
class Applied:
    """What the checkpoint says is there."""

    owner: str
    machines: tuple[Machine, ...]
    ips: Mapping[str, str]  # node -> address on the provider's network
    authorities: Authorities
    range: str = ""  # of the application's network
    secrets: tuple[str, ...] = ()  # versions that are there, as "db@3"
    places: Places = field(default_factory=dict)  # of its machines, and those that a run began to use
    ids: Mapping[str, str] = field(default_factory=dict)  # node -> what the cloud knows its machine by


class Engine:
    """The stack of one application; opening it makes the stack where there is none yet."""

    def __init__(self, settings: Settings, application: str, environment: str, create: bool = True) -> None:
        """Raises auto_errors.StackNotFoundError when there is no stack and none is to be made."""
        self.name = stack_name(application, environment)
        self._settings = placed(settings, self.name)
        if create and not self._settings.turn.is_begun:
            raise ConpaasError(f"{self.name} is begun without holding it")
        self._workspace = engine_workspace.of(self._settings, self.name)
        try:
            self._stack = Stack(self.name, self._workspace, create)
        except auto_errors.StackNotFoundError:
            raise
        except auto_errors.CommandError as error:
            raise engine_events.translated(error, [], self.name) from error

    @classmethod
    def find(cls, settings: Settings, application: str, environment: str) -> "Engine | None":
        """The stack of an application that is there, or None."""
        try:
            return cls(settings, application, environment, create=False)
        except auto_errors.StackNotFoundError:
            return None

    @classmethod
    def existing(cls, settings: Settings, application: str, environment: str) -> "Engine":
        """The stack of an application; raises UserError when there is none."""
        found = cls.find(settings, application, environment)
        if found is None:
            raise UserError(f"no application {application!r} ({environment}) here", "conpaas list")
        return found

    def again(self) -> "Engine":
        """The same stack, as it is by now."""
        application, _, environment = self.name.partition(".")
        return Engine.existing(self._settings, application, environment)

    @property
    def shelf(self) -> Store:
        """Our documents beside its checkpoint."""
        return shelf(self._settings)

    def applied(self) -> Applied:
        """What the checkpoint held when the stack was opened."""
        machine_types, places = clouds.kinds(), record.places(self.shelf, self.name)
        names = by_resource(places)
        owner, span, authorities, keys = "", "", Authorities(), []
        there: dict[str, Machine] = {}
        ips: dict[str, str] = {}
        ids: dict[str, str] = {}
        resources = self._workspace.checkpoint.get("resources") or ()
        outputs = {each["urn"].rsplit("::", 1)[-1]: each.get("outputs", {}) for each in resources}
        for resource in resources:
            if resource["type"] == IDENTITY:
                owner = resource["id"]
            elif resource["type"] == AUTHORITY and "outputs" in resource:
                authorities = _authorities({**resource["outputs"], "epoch": resource["inputs"]["epoch"]})
                span = resource["inputs"]["range"]
            elif resource["type"] == SECRET:
                keys.append(resource["id"])
            elif cloud := machine_types.get(resource["type"]):
                name, near = resource["urn"].rsplit("::", 1)[-1], engine_state.beside(resource["urn"], outputs)
                machine = cloud.applied(resource["inputs"], near)
                made_as = "" if machine.node == name else name
                if machine.node in there and there[machine.node].incarnation > machine.incarnation:
                    continue  # one that moved to another provider, whose former machine is not gone yet
                there[machine.node] = replace(machine, made_as=made_as, cloud=names.get(machine.cloud, machine.cloud))
                ids[machine.node] = resource.get("id", "")
                ips[machine.node] = cloud.made(resource["outputs"], near)["ip"] if resource.get("outputs") else ""
        machines = sorted(there.values(), key=lambda machine: natural(machine.node))
        known = {node: ip for node, ip in ips.items() if ip}
        return Applied(owner, tuple(machines), known, authorities, span, tuple(sorted(keys)), places, ids)

    def up(self, declaration: Declaration, listen: Listener, given: Mapping[str, str] | None = None) -> Machines:
        """Make it as declared, with the secrets `given`; raises MachineError naming machines that failed."""
        failures, done = list[Failure](), set[str]()
        outputs: dict[str, Any] = {}

        def program() -> None:
            pulumi.Output.all(**stack.declare(declaration, self._settings, given)).apply(outputs.update)

        nodes = self._nodes(declaration.machines)
        write_atomically(Path(self._workspace.work_dir) / "declaration.json", encode(declaration))
        self._run(
            lambda: self._stack.up(program=program, **_quiet(listen, failures, done, nodes)),
            failures,
            "make machines",
            lambda: _undone(machine.node for machine in declaration.machines if machine.resource not in done),
        )
        return _machines(outputs)

    def expand(
        self, declaration: Declaration, listen: Listener, given: Mapping[str, str] | None = None
    ) -> tuple[Machines, tuple[Failure, ...]]:
        """As `up`, but where nothing but machines failed: those that are there, and the failures of the others."""
        try:
            return self.up(declaration, listen, given), ()
        except MachineError as error:
            failures = tuple(engine_events.of_machines(error.failures, declaration))
            if not {failure.node for failure in failures} <= {machine.node for machine in declaration.machines}:
                raise
            return self.machines(), failures

    def machines(self) -> Machines:
        """What is there now."""
        try:
            return _machines(engine_state.outputs(self._workspace.decrypted(self.name)))
        except auto_errors.CommandError as error:
            raise engine_events.translated(error, []) from error

    def destroy(self, listen: Listener) -> None:
        """Remove everything; the stack stays until it is forgotten."""
        failures: list[Failure] = []
        quiet = _quiet(listen, failures, set(), self._nodes())
        self._run(lambda: self._stack.destroy(**quiet), failures, "remove machines")

    def forget(self) -> None:
        """The stack itself; the last trace of an application, so that what was killed before is done again."""
        self._run(lambda: self._workspace.remove_stack(self.name), [], "remove the stack")
        rmtree(self._workspace.work_dir, ignore_errors=True)

    def _nodes(self, machines: Iterable[Machine] = ()) -> dict[str, str]:
        """Resource -> machine, of those that are there and those that are to be."""
        return {machine.resource: machine.node for machine in (*self.applied().machines, *machines)}

    def _run(
        self, call: Callable[[], object], failures: list[Failure], what: str, undone: Callable[[], str] = str
    ) -> None:
        """A step of the engine; its lock is taken from a run that was killed, never from one that lives.

        Where the turn ends early, the engine ends what it is at and begins nothing more; `undone` says what it left.
        """
        turn = self._settings.turn
        if not turn.is_begun:
            raise ConpaasError(f"{self.name} is changed without holding it")
        turn.step(what)
        try:
            with turn.telling(lambda: processes.tell("pulumi", signal.SIGINT)):
                try:
                    call()
                except auto_errors.ConcurrentUpdateError:
                    engine_lock.refuse_living(self._settings, self.name)
                    self._stack.cancel()
                    call()
        except auto_errors.CommandError as error:
            turn.is_quiet = turn.is_quiet and not engine_events.was_killed(error)
            left = undone() or what
            turn.prove(left)
            if not failures:
                turn.check(left)
            raise engine_events.translated(error, failures) from error


def _undone(nodes: Iterable[str]) -> str:
    names = ", ".join(nodes)
    return f"make machines {names}" if names else "what follows the machines, which are made"


def _machines(outputs: Mapping[str, Any]) -> Machines:
    return Machines(
        owner=outputs.get("owner", ""),
        login=outputs.get("login", ""),
        nodes=outputs.get("nodes", {}),
        authorities=_authorities(outputs["authority"]) if "authority" in outputs else Authorities(),
        keys=outputs.get("keys", ""),
        secrets=outputs.get("secrets", {}),
    )


def _authorities(outputs: Mapping[str, Any]) -> Authorities:
    facts = tuple(certificate(each) for each in outputs["facts"])
    return Authorities(tuple(certificates.split(outputs["certificates"])), facts, int(outputs["epoch"]))


def _quiet(listen: Listener, failures: list[Failure], done: set[str], nodes: Mapping[str, str]) -> dict[str, Any]:
    """What every run is told: nothing is printed, events are heard."""
    silence = {"continue_on_error": True, "suppress_outputs": True, "suppress_progress": True, "color": "never"}
    return {**silence, "on_event": engine_events.listener(listen, failures, done, nodes)}
