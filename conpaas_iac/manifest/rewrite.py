"""Another text for a manifest's file, whole and valid, or none at all."""

from pathlib import Path

from conpaas_iac.catalog import Catalog
from conpaas_iac.errors import UserError
from conpaas_iac.manifest.provider import Providers
from conpaas_iac.manifest.read import compile_
from conpaas_iac.system.files import write_atomically


def read_exactly(path: Path) -> str:
    """The text with its line ends as they are."""
    return path.read_bytes().decode()


def rewrite(path: Path, text: str, types: Catalog, providers: Providers) -> None:
    """Write it; where it has errors then, the file stays as it was, and ManifestError is raised."""
    before, mode = path.read_bytes(), path.stat().st_mode & 0o777
    if text.encode() == before:
        return
    write_atomically(path, text.encode(), mode)
    try:
        compile_(path, types, providers)
    except UserError:
        write_atomically(path, before, mode)
        raise
