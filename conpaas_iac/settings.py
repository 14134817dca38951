"""What the user has set: environment variables over the fleet's `conpaas.json` over `settings.json` over defaults.

The file is `~/.config/conpaas/settings.json` (or `$CONPAAS_SETTINGS`), a JSON object with the field names below;
the variable of `lxd_project` is `CONPAAS_LXD_PROJECT`, and so on. `conpaas.json` is looked for upwards from a manifest,
or from the current folder: what a repository says of its applications is the same on every machine.
"""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from platformdirs import user_cache_path, user_config_path, user_state_path

from conpaas_iac.errors import UserError
from conpaas_iac.fleet import place

ALWAYS = "always"


@dataclass(frozen=True)
class Settings:
    """All settings, with their defaults; every value is text."""

    backend: str = ""  # "file:///folder" or "s3://bucket/prefix"; empty: a folder of state_dir
    secrets_provider: str = "passphrase"  # any Pulumi secrets provider
    default_cloud: str = "lxd"
    state_dir: str = ""
    cache_dir: str = ""
    wait: str = ""  # seconds to wait for who holds an application, or ALWAYS; empty: not at all
    lxd_socket: str = ""  # empty: LXD's own, then Incus's
    lxd_project: str = "conpaas"
    lxd_pool: str = "conpaas"  # storage pool
    lxd_bridge: str = "conpaas0"
    address_pool: str = "10.32.0.0/11"  # ranges of applications and of the bridge come from here
    lxd_bridge_range: str = "10.60.0.0/16"
    prices: str = ""  # a TOML file over the shipped table of prices, conpaas_iac/plans/prices.toml
    parallel: str = "4"  # applications that one `up` makes at the same time
    retry_pause: str = "2"  # seconds before a machine that failed is tried again; four times that before the last time

    @property
    def state(self) -> Path:
        """Where this user's state is kept (0700)."""
        return Path(self.state_dir) if self.state_dir else user_state_path("conpaas")

    @property
    def cache(self) -> Path:
        """What may be deleted at any time."""
        return Path(self.cache_dir) if self.cache_dir else user_cache_path("conpaas")

    @property
    def origin(self) -> str:
        """The backend as machines are tagged with it: a folder with the host that it is on."""
        import socket

        url = self.backend_url.partition("?")[0]
        return url.replace("file://", f"file://{socket.gethostname()}", 1) if url.startswith("file://") else url

    @property
    def passphrase_place(self) -> str:
        """Where the passphrase is that secrets of the state are encrypted with."""
        return os.environ.get("PULUMI_CONFIG_PASSPHRASE_FILE", str(self.state / "passphrase"))

    @property
    def pauses(self) -> tuple[float, ...]:
        """Before each further attempt at a machine."""
        pause = float(self.retry_pause)
        return (pause, 4 * pause)

    @property
    def workers(self) -> int:
        """How many applications are made at the same time."""
        return int(self.parallel)

    @property
    def backend_url(self) -> str:
        """The backend, as the engine takes it."""
        return self.backend or f"file://{self.state / 'backend'}"


def load(environment: Mapping[str, str] = os.environ, near: Path | None = None) -> Settings:
    """Read the settings, for what is `near` this path; raises UserError with the file and field that is wrong."""
    path = Path(environment.get("CONPAAS_SETTINGS") or user_config_path("conpaas") / "settings.json")
    names = [field.name for field in fields(Settings)]
    values: dict[str, str] = {}
    if path.exists():
        try:
            values = json.loads(path.read_text())
        except (OSError, ValueError) as error:
            raise UserError(f"{path}: not readable as JSON: {error}") from error
        if not isinstance(values, dict):
            raise UserError(f"{path}: should be an object", '{"lxd_project": "conpaas"}, for example')
        for name, value in values.items():
            if name not in names:
                raise UserError(f"{path}: unknown setting {name!r}", f"known settings: {', '.join(names)}")
            if not isinstance(value, str):
                raise UserError(f"{path}: {name} should be a string")
    values |= place.settings(near or Path.cwd())
    for name in names:
        if set_value := environment.get(f"CONPAAS_{name.upper()}"):
            values[name] = set_value
    settings = Settings(**values)
    if not re.fullmatch(r"\d+(\.\d+)?", settings.retry_pause):
        raise UserError(f"setting retry_pause: {settings.retry_pause!r} is not a number of seconds")
    if not re.fullmatch(r"[1-9]\d{0,2}", settings.parallel):
        raise UserError(f"setting parallel: {settings.parallel!r} is not a number from 1 to 999")
    if not settings.backend_url.startswith(("file://", "s3://")):
        raise UserError(
            f"backend {settings.backend_url!r} cannot be used: the record beside the checkpoint needs file:// or s3://",
            "set CONPAAS_BACKEND to file:///folder or s3://bucket/prefix",
        )
    return settings
