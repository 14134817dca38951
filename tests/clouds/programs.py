"""Programs of the tests' own, run by the real engine against stand-ins."""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pulumi import automation as auto

from conpaas_iac import settings
from conpaas_iac.host import engine
from tests.standins import found


@dataclass(frozen=True)
class Programs:
    """A stack of its own."""

    folder: Path
    environment: dict[str, str]

    def stack(self, program: Callable[[], None]) -> auto.Stack:
        """The stack, with a program to run; nothing of the user's is touched."""
        configured = settings.load()
        binary = engine.find(configured)
        assert binary is not None
        state = self.folder / "state"
        state.mkdir(exist_ok=True)
        path = found.plugins_on_path(f"{Path(sys.executable).parent}:{os.environ['PATH']}")
        options = auto.LocalWorkspaceOptions(
            pulumi_home=str(self.folder / "home"),
            pulumi_command=auto.PulumiCommand(root=str(binary.parents[1])),
            project_settings=auto.ProjectSettings("t", "python", backend=auto.ProjectBackend(f"file://{state}")),
            env_vars={**self.environment, "PATH": path, "PULUMI_CONFIG_PASSPHRASE": "none"},
        )
        return auto.create_or_select_stack("t", "t", program, opts=options)

    def up(self, program: Callable[[], None]) -> dict[str, Any]:
        """Run it; its outputs."""
        done = self.stack(program).up(on_output=lambda line: None)
        return {name: each.value for name, each in done.outputs.items()}

    def destroy(self) -> None:
        """All that it made."""
        self.stack(lambda: None).destroy(on_output=lambda line: None)
