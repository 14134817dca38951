"""The use cases of secrets: what there is, a new value for one without a gap. Needs no manifest.

A new value is made in the stack, then accepted beside the former ones by who is asked for it, then used by everybody;
at last the former ones are accepted no more. Killed in between, the next `up` goes on from there.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from conpaas_iac.backend import record
from conpaas_iac.backend.holding import holding
from conpaas_iac.backend.place import of_stack, stack_name
from conpaas_iac.backend.record import Record
from conpaas_iac.core import declaration, placeholders
from conpaas_iac.core.ordering import count
from conpaas_iac.core.placeholders import Versions
from conpaas_iac.core.render import Tree
from conpaas_iac.engine.engine import Engine
from conpaas_iac.engine.engine_state import Machines
from conpaas_iac.errors import UserError
from conpaas_iac.machines import visits
from conpaas_iac.machines.configure import Executor, run
from conpaas_iac.runs.events import Event, Listener
from conpaas_iac.settings import Settings
from conpaas_iac.usecases.revisiting import Scene


@dataclass(frozen=True)
class Known:
    """A secret, without its value."""

    name: str
    version: int
    users: tuple[str, ...]  # machines whose files hold it


def known(application: str, environment: str, settings: Settings) -> tuple[Known, ...]:
    """All secrets of an application."""
    engine = Engine.existing(settings, application, environment)
    there = record.read(engine.shelf, engine.name)
    texts = {node: _text(there, node) for node in there.nodes}
    return tuple(
        Known(name, versions[-1], tuple(node for node, text in texts.items() if placeholders.holds(text, name)))
        for name, versions in sorted(there.secrets.items())
    )


def value(application: str, environment: str, name: str, settings: Settings) -> str:
    """The current value; raises UserError where there is no such secret."""
    engine = Engine.existing(settings, application, environment)
    there = record.read(engine.shelf, engine.name)
    versions = _versions(there, name)
    return engine.machines().secrets[placeholders.key(name, versions[-1])]


def rotate(
    application: str,
    environment: str,
    name: str,
    settings: Settings,
    listen: Listener,
    value: str | None = None,
    execute: Executor = run,
) -> int:
    """A new value, made or given; returns its version. Raises UserError where there is no such secret."""
    with holding(settings, stack_name(application, environment), listen) as settings:
        engine = Engine.existing(settings, application, environment)
        return _rotated(Scene.of(engine, settings, listen, execute), name, value)


def _rotated(scene: Scene, name: str, value: str | None) -> int:
    there = scene.record()
    versions = _versions(there, name)
    there, machines = _made(scene, there, name, (*versions, versions[-1] + 1), value)
    asked = [node for node in there.nodes if placeholders.accepts(_text(there, node), name)]
    there = _told(scene, there, machines, asked)
    there = _told(scene, there, machines, there.nodes)
    last = there.secrets[name][-1:]
    there = scene.keep(replace(there, secrets={**there.secrets, name: last}))
    _told(scene, there, machines, asked)
    scene.engine.up(_declaration(scene, there), scene.listen)
    return last[0]


def give(application: str, environment: str, name: str, value: str, settings: Settings, listen: Listener) -> int:
    """The value of a secret, new or known; an application that is not there yet is begun. Returns its version."""
    _refuse_unusable(value)
    stack = stack_name(application, environment)
    with holding(settings, stack, listen) as settings:
        engine = Engine.find(settings, application, environment) or Engine(settings, application, environment)
        scene = Scene.of(engine, settings, listen, run)
        there = scene.record()
        if name in there.secrets:
            return _rotated(scene, name, value)
        _made(scene, there, name, (1,), value)
        return 1


def _refuse_unusable(value: str) -> None:
    if not value or any(ord(character) < 32 or ord(character) == 127 for character in value):
        raise UserError("a secret is one line of text without control characters", "")


def _versions(there: Record, name: str) -> Versions:
    if name not in there.secrets:
        raise UserError(f"no secret {name!r}", f"its secrets: {', '.join(sorted(there.secrets)) or 'none'}")
    return there.secrets[name]


def _made(
    scene: Scene, there: Record, name: str, versions: Versions, value: str | None
) -> tuple[Record, Machines]:
    """The newest version, in the stack; from then on it is in use."""
    after = replace(there, secrets={**there.secrets, name: versions})
    newest = placeholders.key(name, versions[-1])
    machines = scene.engine.up(_declaration(scene, after), scene.listen, {newest: value} if value else {})
    return scene.keep(after), machines


def _declaration(scene: Scene, there: Record) -> declaration.Declaration:
    application, environment = of_stack(scene.engine.name)
    applied, keys = scene.applied, placeholders.all_keys(there.secrets)
    machines, epoch = applied.machines, applied.authorities.epoch
    empty = declaration.Declaration(application, environment, applied.range, epoch, (), keys)
    return declaration.with_machines(empty, machines, applied.places)


def _told(scene: Scene, there: Record, machines: Machines, nodes: Iterable[str]) -> Record:
    """Machines with the versions of now; those that rest or are gone are told by the `up` that brings them back."""
    told = scene.visits(_outdated(there, nodes), machines)
    if not told:
        return there
    scene.listen(Event("secret", "started", "", f"{count(len(told), 'machine')} told"))
    there = scene.keep(replace(there, visiting=there.visiting | {visit.node for visit in told}))
    outcome = scene.visit("configure", told, machines)
    there = scene.confirm(there, told, machines, outcome)
    visits.raise_on_failure(outcome, "not told the new value")
    return there


def _outdated(there: Record, nodes: Iterable[str]) -> Mapping[str, Tree]:
    """Node -> its tree with the versions of now, where that is another one."""
    found = {}
    for node in nodes:
        before = there.tree(node)
        after = before
        for name, versions in there.secrets.items():
            after = after.with_secret(name, versions) if after else None
        if after and after != before:
            found[node] = after
    return found


def _text(there: Record, node: str) -> str:
    return "\n".join(there.files(node).values())
