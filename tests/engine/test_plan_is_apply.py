"""Random edits of a manifest: every event of an `up` was in its plan, and every line of the plan happened.

CONPAAS_EXAMPLES=20 tries longer than the suite has time for.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import tests.plans
from conpaas_iac.backend import record
from conpaas_iac.backend.place import placed, shelf
from conpaas_iac.backend.record import Record
from conpaas_iac.plans.plan import MachineChange, Plan
from conpaas_iac.usecases import deployment, prospect, rotation
from conpaas_iac.usecases.wish import Request
from tests.engine.conftest import World

EXAMPLES = int(os.environ.get("CONPAAS_EXAMPLES", "1"))
LATER = "(known once "  # in place of what the engine says later


@dataclass
class Wanted:
    """What the manifest says now."""

    services: dict[str, dict[str, Any]] = field(default_factory=dict)
    code: int = 0
    looks: bool = False  # something happened behind conpaas' back
    replaced: frozenset[str] = frozenset()


Edit = Callable[[World, Wanted], None]


def scale(name: str, group: str, count: int) -> Edit:
    def edit(world: World, wanted: Wanted) -> None:
        if name in wanted.services:
            wanted.services[name]["StartupInstances"][group] = count

    return edit


def say(name: str, key: str, value: Any) -> Edit:
    def edit(world: World, wanted: Wanted) -> None:
        if name in wanted.services:
            wanted.services[name][key] = value

    return edit


def code(world: World, wanted: Wanted) -> None:
    wanted.code += 1
    (world.folder / "code" / "index.php").write_text(f"<?php echo {wanted.code};")


def add_or_remove(world: World, wanted: Wanted) -> None:
    if wanted.services.pop("shop", None) is None:
        wanted.services["shop"] = php()


def rename(world: World, wanted: Wanted) -> None:
    here, there = ("web", "front") if "web" in wanted.services else ("front", "web")
    wanted.services[there] = {**wanted.services.pop(here), "RenamedFrom": here}


def rotate(world: World, wanted: Wanted) -> None:
    rotation.rotate(world.name, "default", "db", world.settings, world.events.append, execute=world.visits)


def lose(world: World, wanted: Wanted) -> None:
    world.lxd.lose(sorted(world.lxd.machines)[-1])
    wanted.looks = True


def halt(world: World, wanted: Wanted) -> None:
    running = sorted(world.lxd.running())
    if running:
        world.lxd.halt(running[0])
        wanted.looks = True


def start_all(world: World, wanted: Wanted) -> None:
    for service in wanted.services.values():
        service["Start"] = 1


def make_anew(world: World, wanted: Wanted) -> None:
    nodes = [node for node, each in world.applied().items() if each.service == "db"]
    wanted.replaced = frozenset(nodes[-1:]) if wanted.services["db"]["Start"] else frozenset()


KINDS: tuple[st.SearchStrategy[Edit], ...] = (
    st.builds(scale, st.sampled_from(["web", "shop"]), st.just("backend"), st.integers(2, 4)),
    st.builds(scale, st.just("db"), st.just("mysql"), st.integers(2, 3)),
    st.builds(say, st.just("web"), st.just("Configuration"), st.sampled_from([{"memory_limit": "256M"}, {}])),
    st.builds(say, st.just("db"), st.just("Configuration"), st.sampled_from([{"max_connections": 99}, {}])),
    st.builds(say, st.sampled_from(["db", "web"]), st.just("Size"), st.just("medium")),
    st.builds(say, st.sampled_from(["db", "front", "shop"]), st.just("Start"), st.just(0)),
    st.builds(scale, st.sampled_from(["web", "front"]), st.just("backend"), st.just(1)),
    *(st.just(edit) for edit in (code, add_or_remove, rename, rotate, lose, halt, make_anew, start_all)),
)


@st.composite
def edits(draw: st.DrawFn) -> list[Edit]:
    """One of each kind, in any order but the first that would be tried: nothing is learned from that twice."""
    order = draw(st.permutations(range(len(KINDS))).filter(lambda found: found != sorted(found)))
    return [draw(KINDS[place]) for place in order]


def php() -> dict[str, Any]:
    return {"Type": "php", "StartupInstances": {"proxy": 1, "web": 1, "backend": 1}, "Start": 1}


def database() -> dict[str, Any]:
    known = {"StartupInstances": {"mysql": 1, "glb": 1}, "Password": {"Secret": "db"}, "Start": 1}
    return {"Type": "mysql", **known}


@given(steps=edits())
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],  # one failure says enough, and shrinking takes its time
    suppress_health_check=list(HealthCheck),
)
def test_the_plan_is_the_apply(world: World, steps: list[Edit]) -> None:
    (world.folder / "code").mkdir(exist_ok=True)
    wanted = Wanted({"web": {**php(), "Archive": "code"}, "db": database()})
    code(world, wanted)
    (world.folder / "conpaas.lock.json").unlink(missing_ok=True)
    try:
        applied_as_planned(world, wanted)
        for edit in steps:
            edit(world, wanted)
            applied_as_planned(world, wanted)
            for service in wanted.services.values():
                service.pop("RenamedFrom", None)
        again = prospect.planned(Request(world.folder / "manifest.json"), world.settings, look=True)
        assert again.is_empty, tests.plans.shown(again, 120, files=True)
    finally:
        world.down("web", "front", "shop", "db")


def applied_as_planned(world: World, wanted: Wanted) -> None:
    """Plan, apply, compare."""
    world.write(*({"ServiceName": name, **each} for name, each in wanted.services.items()))
    every = frozenset({*wanted.services, "web", "front", "shop", "db"})
    request = Request(world.folder / "manifest.json", replaced=wanted.replaced, may_lose=every)
    planned = prospect.planned(request, world.settings, look=wanted.looks)
    before = there(world)
    names = {each.resource: node for node, each in world.applied().items()} if before.nodes else {}
    world.visits.seen.clear()
    world.events.clear()
    world.lxd.calls.clear()
    result = deployment.up(request, world.settings, world.events.append, lambda plan, wish: None, world.visits)
    assert replace(result.plan, notes=()) == replace(planned, notes=())
    names |= {each.resource: node for node, each in world.applied().items()}
    happened(planned, world, names)
    files(planned, before, there(world))
    wanted.looks, wanted.replaced = False, frozenset()


def there(world: World) -> Record:
    """The record of now."""
    stack = f"{world.name}.default"
    return record.read(shelf(placed(world.settings, stack)), stack)


def happened(plan: Plan, world: World, names: Mapping[str, str]) -> None:
    """Calls, visits and events are those of the plan's lines, and each line has its own."""
    lines = {change.node: change for change in plan.changes}
    prefix = f"{world.name}--"
    calls = [(verb, name.removeprefix(prefix)) for verb, _, name in (call.partition(" ") for call in world.lxd.calls)]
    done = {(verb, names.get(name, name)) for verb, name in calls}
    visited = {(playbook, node) for playbook, nodes in world.visits.seen for node in nodes}
    told = {event.node for event in world.events if event.node}
    touched = {node for _, node in done | visited} | told
    assert touched == lines.keys(), (touched, sorted(lines))
    for line in plan.changes:
        assert took_place(line, done, visited), (line, done, visited)


def took_place(line: MachineChange, done: set[tuple[str, str]], visited: set[tuple[str, str]]) -> bool:
    """Whether what the line says was done."""
    node, configured = line.node, bool({("configure", line.node), ("switch", line.node)} & visited)
    match line.action:
        case "add":
            return ("create", node) in done and configured
        case "replace":
            return ("create", node) in done and configured
        case "remove":
            return ("delete", node) in done and not configured
        case "rest":
            return ("stop", node) in done and not configured
        case "wake":
            return ("start", node) in done and configured
        case _:
            resized = any(part.kind == "machine" for part in line.parts)
            needs = bool(line.files or line.code) or not resized
            return (not resized or ("change", node) in done) and (not needs or configured)


def files(plan: Plan, before: Record, after: Record) -> None:
    """The files that differ now are those that were to differ, with the content that was said."""
    for change in plan.changes:
        if change.action not in ("change", "wake"):
            continue
        now, former = after.files(change.node), before.files(change.node)
        if former:
            differ = {path for path in now.keys() | former.keys() if now.get(path) != former.get(path)}
            assert differ == {file.path for file in change.files}, change.node
        for file in change.files:
            assert LATER in (file.after or "") or now.get(file.path) == file.after, (change.node, file.path)
