"""The use case of visiting machines that are as they should be: to prove it, or to do all of it once more."""

from typing import Literal

from conpaas_iac.backend.holding import holding
from conpaas_iac.backend.place import stack_name
from conpaas_iac.engine.engine import Engine
from conpaas_iac.machines.configure import Executor, run
from conpaas_iac.machines.outcome import Outcome
from conpaas_iac.runs.events import Listener
from conpaas_iac.settings import Settings
from conpaas_iac.usecases.revisiting import Scene


def visit(
    playbook: Literal["prove", "again"],
    application: str,
    environment: str,
    settings: Settings,
    listen: Listener,
    execute: Executor = run,
) -> Outcome:
    """All machines that run, side by side; nothing is confirmed, whatever comes of it."""
    with holding(settings, stack_name(application, environment), listen) as settings:
        scene = Scene.of(Engine.existing(settings, application, environment), settings, listen, execute)
        there, machines = scene.record(), scene.engine.machines()
        trees = {node: tree for node in there.nodes if (tree := there.tree(node))}
        return scene.visit(playbook, scene.visits(trees, machines), machines)
