"""Where the engine works: its binary, its folder, its backend, and what its processes are told."""

import os
import secrets
import sys
from pathlib import Path

from pulumi import automation as auto

from conpaas_iac.backend.place import PROJECT, STACKS, Placed
from conpaas_iac.backend.stores import at
from conpaas_iac.engine.engine_calls import Command, Workspace
from conpaas_iac.errors import UserError
from conpaas_iac.host import engine as binary
from conpaas_iac.settings import Settings
from conpaas_iac.system.files import private_folder


def of(settings: Placed, name: str) -> Workspace:
    """For the stack of that name."""
    if settings.backend_url.startswith("file://"):
        private_folder(Path(settings.backend_url.removeprefix("file://")))
    backend = auto.ProjectBackend(settings.backend_url)
    made = Workspace(
        work_dir=str(private_folder(settings.state / "workspaces" / name)),
        pulumi_home=str(binary.home(settings)),
        pulumi_command=_command(settings),
        env_vars=_environment(settings),
        secrets_provider=settings.secrets_provider,
        project_settings=auto.ProjectSettings(PROJECT, runtime="python", backend=backend),
    )
    store = at(settings.backend_url, "")
    made.stored = lambda stack: store.read(f"{STACKS}/{stack}.json")
    return made


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
