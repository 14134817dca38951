"""Programs of the tests' own, run by the real engine against stand-ins."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pulumi import automation as auto

from conpaas_iac import settings
from conpaas_iac.host import engine
from conpaas_iac.provider.identity import ssh_key_pair
from tests.standins import found

LOGIN, HOST = ssh_key_pair("login"), ssh_key_pair("host")
LINES = HOST[0].replace("\n", "\n    ")
USER_DATA = f"""#cloud-config
disable_root: false
ssh_keys:
  ed25519_private: |
    {LINES}
  ed25519_public: {HOST[1]}
"""


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


def reached(address: str, folder: Path) -> bool:
    """Whether SSH gets in, by the host key that was told in advance and no other."""
    key, known = folder / "key", folder / "known"
    key.touch(0o600)
    key.write_text(LOGIN[0])
    known.write_text(f"{address} {HOST[1]}\n")
    options = [f"-oUserKnownHostsFile={known}", "-oStrictHostKeyChecking=yes", "-oConnectTimeout=3", "-oBatchMode=yes"]
    line = ["ssh", "-F", "/dev/null", "-i", str(key), *options, f"root@{address}", "true"]
    return subprocess.run(line, capture_output=True, check=False).returncode == 0
