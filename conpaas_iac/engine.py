"""The Pulumi engine through its Automation API: one stack per application, errors mapped to ours."""

import os
import secrets
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from shutil import rmtree
from typing import Any

import pulumi
from pulumi import automation as auto
from pulumi.automation import errors as auto_errors

from conpaas_iac import certificates, clouds, engine_events, engine_lock, engine_state, stack
from conpaas_iac.declaration import Declaration, Machine, encode, natural
from conpaas_iac.engine_calls import Command, Stack, Workspace
from conpaas_iac.engine_lock import Holder
from conpaas_iac.engine_state import AUTHORITY, IDENTITY, SECRET
from conpaas_iac.errors import Failure, LeaseHeldError, MachineError, UserError
from conpaas_iac.events import Listener
from conpaas_iac.files import private_folder, write_atomically
from conpaas_iac.host import engine as binary
from conpaas_iac.membership import Authorities
from conpaas_iac.record import certificate
from conpaas_iac.settings import Settings
from conpaas_iac.store import at

PROJECT = "conpaas"
STACKS = f".pulumi/stacks/{PROJECT}"  # the engine's layout


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
    cut_off: bool = False  # by a kill; there may be more than it says


def stack_name(application: str, environment: str) -> str:
    """The stack of an application; slugs hold no dot."""
    return f"{application}.{environment}"


class Engine:
    """The stack of one application; opening it makes the stack where there is none yet."""

    def __init__(self, settings: Settings, application: str, environment: str, create: bool = True) -> None:
        """Raises auto_errors.StackNotFoundError when there is no stack and none is to be made."""
        self._settings = settings
        self.name = stack_name(application, environment)
        self._workspace = _workspace(settings, self.name)
        try:
            self._stack = Stack(self.name, self._workspace, create)
        except auto_errors.StackNotFoundError:
            raise
        except auto_errors.CommandError as error:
            raise engine_events.translated(error, []) from error

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

    def applied(self) -> Applied:
        """What the checkpoint held when the stack was opened."""
        machine_types = {clouds.cloud(name).MACHINE: clouds.cloud(name) for name in clouds.names()}
        owner, span, authorities, machines, ips, keys = "", "", Authorities(), [], {}, []
        for resource in self._workspace.checkpoint.get("resources") or ():
            if resource["type"] == IDENTITY:
                owner = resource["id"]
            elif resource["type"] == AUTHORITY and "outputs" in resource:
                authorities = _authorities({**resource["outputs"], "epoch": resource["inputs"]["epoch"]})
                span = resource["inputs"]["range"]
            elif resource["type"] == SECRET:
                keys.append(resource["id"])
            elif cloud := machine_types.get(resource["type"]):
                machine, name = cloud.applied(resource["inputs"]), resource["urn"].rsplit("::", 1)[-1]
                machines.append(machine if machine.node == name else replace(machine, made_as=name))
                ips[machines[-1].node] = resource.get("outputs", {}).get("ip", "")
        machines.sort(key=lambda machine: natural(machine.node))
        known = {node: ip for node, ip in ips.items() if ip}
        cut_off = bool(self._workspace.checkpoint.get("pending_operations"))
        return Applied(owner, tuple(machines), known, authorities, span, tuple(sorted(keys)), cut_off)

    def up(self, declaration: Declaration, listen: Listener, given: Mapping[str, str] | None = None) -> Machines:
        """Make it as declared, with the secrets `given`; raises MachineError naming machines that failed."""
        failures: list[Failure] = []
        outputs: dict[str, Any] = {}

        def program() -> None:
            pulumi.Output.all(**stack.declare(declaration, self._settings, given)).apply(outputs.update)

        write_atomically(Path(self._workspace.work_dir) / "declaration.json", encode(declaration))
        self._run(lambda: self._stack.up(program=program, continue_on_error=True, **_quiet(listen, failures)), failures)
        return _machines(outputs)

    def expand(
        self, declaration: Declaration, listen: Listener, given: Mapping[str, str] | None = None
    ) -> tuple[Machines, tuple[Failure, ...]]:
        """As `up`, but where nothing but machines failed: those that are there, and the failures of the others."""
        try:
            return self.up(declaration, listen, given), ()
        except MachineError as error:
            names = {machine.resource: machine.node for machine in declaration.machines}
            if not {failure.node for failure in error.failures} <= names.keys():
                raise
            return self.machines(), tuple(replace(each, node=names[each.node]) for each in error.failures)

    def machines(self) -> Machines:
        """What is there now."""
        return _machines(engine_state.outputs(self._workspace.decrypted(self.name)))

    def destroy(self, listen: Listener) -> None:
        """Remove everything; the stack stays until it is forgotten."""
        failures: list[Failure] = []
        self._run(lambda: self._stack.destroy(**_quiet(listen, failures)), failures)

    def forget(self) -> None:
        """The stack itself; the last trace of an application, so that what was killed before is done again."""
        self._run(lambda: self._workspace.remove_stack(self.name), [])
        rmtree(self._workspace.work_dir, ignore_errors=True)
        shelf = at(self._settings.backend_url, STACKS)
        for left in (f"{self.name}.json.bak", f"{self.name}.json.bak.attrs"):  # the engine keeps them
            shelf.delete(left)

    def _run(self, call: Callable[[], object], failures: list[Failure]) -> None:
        """A call of the engine; its lock is taken from a run that was killed, never from one that lives."""
        try:
            try:
                call()
            except auto_errors.ConcurrentUpdateError:
                holders = engine_lock.holders(self._settings, self.name)
                if not holders or not all(holder.is_dead for holder in holders):
                    raise _held(holders) from None
                self._stack.cancel()
                call()
        except auto_errors.CommandError as error:
            raise engine_events.translated(error, failures) from error


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


def stacks(settings: Settings) -> tuple[str, ...]:
    """Names of all stacks of the backend."""
    return tuple(sorted(summary.name for summary in _workspace(settings, "list").list_stacks()))


def _workspace(settings: Settings, name: str) -> Workspace:
    if settings.backend_url.startswith("file://"):
        private_folder(Path(settings.backend_url.removeprefix("file://")))
    backend = auto.ProjectBackend(settings.backend_url)
    return Workspace(
        work_dir=str(private_folder(settings.state / "workspaces" / name)),
        pulumi_home=str(binary.home(settings)),
        pulumi_command=_command(settings),
        env_vars=_environment(settings),
        secrets_provider=settings.secrets_provider,
        project_settings=auto.ProjectSettings(PROJECT, runtime="python", backend=backend),
    )


def _command(settings: Settings) -> Command:
    found = binary.find(settings)
    if found is None:
        raise UserError("the Pulumi engine is not installed", "conpaas setup")
    return Command(found, binary.version())


def _environment(settings: Settings) -> dict[str, str]:
    """Our plugin is beside the interpreter; the passphrase is in a file, never in the environment or argv."""
    variables = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_HOME": str(binary.home(settings)),
        "PULUMI_BACKEND_URL": settings.backend_url,
        "PULUMI_DISABLE_CHECKPOINT_BACKUPS": "true",  # one a run, for ever; the last one (.bak) is kept without them
    }
    if settings.secrets_provider == "passphrase" and "PULUMI_CONFIG_PASSPHRASE" not in os.environ:
        variables["PULUMI_CONFIG_PASSPHRASE_FILE"] = os.environ.get(
            "PULUMI_CONFIG_PASSPHRASE_FILE", str(_passphrase(settings))
        )
    return variables


def _passphrase(settings: Settings) -> Path:
    path = private_folder(settings.state) / "passphrase"
    if not path.exists():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(32))
    return path


def _quiet(listen: Listener, failures: list[Failure]) -> dict[str, Any]:
    """What every run is told: nothing is printed, events are heard."""
    silence = {"suppress_outputs": True, "suppress_progress": True, "color": "never"}
    return {**silence, "on_event": engine_events.listener(listen, failures)}


def _held(holders: Iterable[Holder]) -> LeaseHeldError:
    who = ", ".join(f"process {holder.pid} on {holder.host}" for holder in holders) or "a run that has just ended"
    return LeaseHeldError(
        f"the engine is changing this application: {who}",
        f"wait for it; if that machine is gone, remove {engine_lock.FOLDER}/<stack> from the backend",
    )
