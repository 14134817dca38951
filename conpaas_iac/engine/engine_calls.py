"""The Automation API with as few calls of the engine as our use of it needs: each costs 0.1 to 0.4 s.

Only public methods are overridden. Nothing is lost: what is left out is known in another way, or read by nobody.
The one module that needs the SDK for the engine's runs: it is imported where one begins.
"""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from pulumi import automation as auto
from pulumi.automation import errors
from semver import VersionInfo

from conpaas_iac.backend.place import PROJECT
from conpaas_iac.engine import engine_checkpoint, engine_events
from conpaas_iac.engine.engine_workspace import Workplace
from conpaas_iac.host import engine as binary


class Command(auto.PulumiCommand):
    """A binary whose version is known; its base class asks it."""

    def __init__(self, program: Path, version: str) -> None:
        self.command = str(program)
        self.version = VersionInfo.parse(version)


def _workspace(place: Workplace) -> auto.LocalWorkspace:
    """Selecting stacks is for the command line; all that is called here names its stack."""
    backend = auto.ProjectBackend(place.settings.backend_url)
    return auto.LocalWorkspace(
        work_dir=str(place.folder),
        pulumi_home=str(binary.home(place.settings)),
        pulumi_command=Command(place.binary, binary.version()),
        env_vars=dict(place.variables),
        secrets_provider=place.settings.secrets_provider,
        project_settings=auto.ProjectSettings(PROJECT, runtime="python", backend=backend),
    )


class Stack(auto.Stack):
    """Its `up` and `destroy` end with three calls for outputs and history.

    The program saw the outputs in this process (Engine.up), and nobody reads the history.
    """

    def __init__(self, place: Workplace, checkpoint: Mapping[str, Any]) -> None:
        """Of a stack that is there, with its checkpoint."""
        self.name = place.name
        self.workspace = _workspace(place)
        self._checkpoint = checkpoint

    def up(self, *arguments: Any, **named: Any) -> auto.UpResult:
        """After a run that was killed, too."""
        self._forget_pending()
        return super().up(*arguments, **named)

    def destroy(self, *arguments: Any, **named: Any) -> auto.DestroyResult:
        """Alike."""
        self._forget_pending()
        return super().destroy(*arguments, **named)

    def outputs(self) -> auto.OutputMap:
        """None: those of an earlier run are in its checkpoint."""
        return {}

    def info(self, show_secrets: bool = True) -> auto.UpdateSummary:
        """What is known without asking: a run that fails never comes here."""
        return auto.UpdateSummary("update", datetime.now(), "", {}, {}, "succeeded")

    def _forget_pending(self) -> None:
        """What a killed run had begun. The engine keeps it for ever; our resources find out themselves how it ended:
        a create adopts what is there, an update or a delete is done again."""
        if not self._checkpoint.get("pending_operations"):
            return
        self._checkpoint = {**self._checkpoint, "pending_operations": []}
        settled = auto.Deployment(version=engine_checkpoint.FORMAT, deployment=self._checkpoint)
        self.workspace.import_stack(self.name, settled)


def make(place: Workplace) -> None:
    """A new stack, empty."""
    try:
        _workspace(place).create_stack(place.name)
    except errors.CommandError as error:
        raise engine_events.translated(error, [], place.name) from error
