"""The Automation API with as few calls of the engine as our use of it needs: each costs 0.1 to 0.4 s.

Only public methods are overridden. Nothing is lost: what is left out is known in another way, or read by nobody.
"""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pulumi import automation as auto
from pulumi.automation import errors
from semver import VersionInfo

CHECKPOINT = 3  # version of the engine's format


class Command(auto.PulumiCommand):
    """A binary whose version is known; its base class asks it."""

    def __init__(self, binary: Path, version: str) -> None:
        self.command = str(binary)
        self.version = VersionInfo.parse(version)


class Workspace(auto.LocalWorkspace):
    """Opening a stack reads its checkpoint: that tells as well as selecting it whether there is one.

    Selecting is for the command line; all that is called here names its stack.
    """

    checkpoint: Mapping[str, Any] = MappingProxyType({})  # as stored, secrets encrypted: decrypting them takes long
    stored: Callable[[str], bytes | None] = staticmethod(lambda name: None)  # the checkpoint's document in the backend

    def select_stack(self, stack_name: str) -> None:
        """Raises StackNotFoundError. What is not plainly a checkpoint of our version is left to the engine to read."""
        with suppress(ValueError, KeyError, TypeError):
            document = json.loads(self.stored(stack_name) or b"")
            if document["version"] == CHECKPOINT:
                self.checkpoint = document["checkpoint"]["latest"] or {}
                return
        done = self.pulumi_command.run(["stack", "export", "--stack", stack_name], self.work_dir, self.env_vars)
        self.checkpoint = json.loads(done.stdout)["deployment"] or {}

    def decrypted(self, stack_name: str) -> Mapping[str, Any]:
        """The checkpoint as it is now, secrets readable."""
        export = ["stack", "export", "--show-secrets", "--stack", stack_name]
        done = self.pulumi_command.run(export, self.work_dir, self.env_vars)
        return json.loads(done.stdout)["deployment"] or {}

    def forget_pending(self, stack_name: str) -> None:
        """What a killed run had begun. The engine keeps it for ever; our resources find out themselves how it ended:
        a create adopts what is there, an update or a delete is done again."""
        if not self.checkpoint.get("pending_operations"):
            return
        settled = {**self.checkpoint, "pending_operations": []}
        self.import_stack(stack_name, auto.Deployment(version=CHECKPOINT, deployment=settled))
        self.checkpoint = settled


class Stack(auto.Stack):
    """Its `up` and `destroy` end with three calls for outputs and history.

    The program saw the outputs in this process (Engine.up), and nobody reads the history.
    """

    def __init__(self, name: str, workspace: Workspace, create: bool) -> None:
        """Raises StackNotFoundError when there is no such stack and none is to be made."""
        self.name = name
        self.workspace: Workspace = workspace
        try:
            workspace.select_stack(name)
        except errors.StackNotFoundError:
            if not create:
                raise
            workspace.create_stack(name)

    def up(self, *arguments: Any, **named: Any) -> auto.UpResult:
        """After a run that was killed, too."""
        self.workspace.forget_pending(self.name)
        return super().up(*arguments, **named)

    def destroy(self, *arguments: Any, **named: Any) -> auto.DestroyResult:
        """Alike."""
        self.workspace.forget_pending(self.name)
        return super().destroy(*arguments, **named)

    def outputs(self) -> auto.OutputMap:
        """None: ask the workspace for those of an earlier run."""
        return {}

    def info(self, show_secrets: bool = True) -> auto.UpdateSummary:
        """What is known without asking: a run that fails never comes here."""
        return auto.UpdateSummary("update", datetime.now(), "", {}, {}, "succeeded")
