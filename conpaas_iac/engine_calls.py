"""The Automation API with as few calls of the engine as our use of it needs: each costs 0.1 to 0.4 s.

Only public methods are overridden. Nothing is lost: what is left out is known in another way, or read by nobody.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pulumi import automation as auto
from pulumi.automation import errors
from semver import VersionInfo


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

    def select_stack(self, stack_name: str) -> None:
        """Raises StackNotFoundError."""
        done = self.pulumi_command.run(["stack", "export", "--stack", stack_name], self.work_dir, self.env_vars)
        self.checkpoint = json.loads(done.stdout)["deployment"] or {}


class Stack(auto.Stack):
    """Its `up` and `destroy` end with three calls for outputs and history.

    The program saw the outputs in this process (Engine.up), and nobody reads the history.
    """

    def __init__(self, name: str, workspace: Workspace, create: bool) -> None:
        """Raises StackNotFoundError when there is no such stack and none is to be made."""
        self.name, self.workspace = name, workspace
        try:
            workspace.select_stack(name)
        except errors.StackNotFoundError:
            if not create:
                raise
            workspace.create_stack(name)

    def outputs(self) -> auto.OutputMap:
        """None: ask the workspace for those of an earlier run."""
        return {}

    def info(self, show_secrets: bool = True) -> auto.UpdateSummary:
        """What is known without asking: a run that fails never comes here."""
        return auto.UpdateSummary("update", datetime.now(), "", {}, {}, "succeeded")
