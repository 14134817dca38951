"""Where a fleet begins: `conpaas.json` at the top of its repository, and the settings that it gives."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from conpaas_iac.errors import UserError

NAME = "conpaas.json"
FOLDER = "fleet"  # beside it: a folder for each application
SETTINGS = {"Backend": "backend", "SecretsProvider": "secrets_provider", "DefaultCloud": "default_cloud"}


def found(near: Path) -> Path | None:
    """The `conpaas.json` in this folder (or a file's) or above it, not beyond the repository's top."""
    start = near.absolute()
    for folder in (start, *start.parents):
        path = folder / NAME
        if path.is_file():
            return path
        if (folder / ".git").exists():
            return None
    return None


def home(manifest: Path) -> tuple[str, str]:
    """The fleet that a manifest is in, and its path there: "fleet/shop/manifest.json"; empty where it is in none."""
    path = found(manifest)
    folder = path.parent / FOLDER if path else None
    if path is None or folder is None or not manifest.absolute().is_relative_to(folder):
        return "", ""
    return str(document(path).get("Fleet", "")), manifest.absolute().relative_to(path.parent).as_posix()


def document(path: Path) -> Mapping[str, Any]:
    """What it says; raises UserError where it is no JSON object."""
    try:
        said = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: not readable as JSON: {error}", f"conpaas validate {path}") from error
    if not isinstance(said, dict):
        raise UserError(f"{path}: should be an object", f"conpaas validate {path}")
    return said


def settings(near: Path) -> dict[str, str]:
    """The settings that the fleet around a file gives; none where there is no fleet."""
    path = found(near)
    said = document(path) if path else {}
    values = {SETTINGS[field]: said[field] for field in SETTINGS if field in said}
    for name, value in values.items():
        if not isinstance(value, str):
            raise UserError(f"{path}: the setting {name} should be a text", f"conpaas validate {path}")
    return values
