"""Where the engine works: its binary, its folder, its backend, and what its processes are told.

Without the SDK, whose import takes longer than all that is read here.
"""

import os
import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from conpaas_iac.backend.place import PROJECT, STACKS, Placed
from conpaas_iac.backend.stores import at
from conpaas_iac.errors import UserError
from conpaas_iac.host import engine as binary
from conpaas_iac.settings import Settings
from conpaas_iac.system.files import private_folder


@dataclass(frozen=True)
class Workplace:
    """Of one stack."""

    settings: Placed
    name: str
    binary: Path
    folder: Path
    variables: Mapping[str, str] = field(repr=False)

    @property
    def full_name(self) -> str:
        """As the engine knows the stack where no project file is."""
        return f"organization/{PROJECT}/{self.name}"

    def stored(self) -> bytes | None:
        """The checkpoint's document in the backend."""
        return at(self.settings.backend_url, "").read(f"{STACKS}/{self.name}.json")


def of(settings: Placed, name: str) -> Workplace:
    """For the stack of that name; raises UserError where there is no engine."""
    if settings.backend_url.startswith("file://"):
        private_folder(Path(settings.backend_url.removeprefix("file://")))
    found = binary.find(settings)
    if found is None:
        raise UserError("the Pulumi engine is not installed", "conpaas setup")
    folder = private_folder(settings.state / "workspaces" / name)
    return Workplace(settings, name, found, folder, _environment(settings))


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
