"""Another text for a manifest's file or an overlay, whole and valid, or none at all."""

from dataclasses import dataclass
from pathlib import Path

from conpaas_iac.catalog import Catalog
from conpaas_iac.errors import UserError
from conpaas_iac.manifest import layers
from conpaas_iac.manifest.model import Manifest
from conpaas_iac.manifest.provider import Providers
from conpaas_iac.manifest.read import compile_
from conpaas_iac.system.files import write_atomically


@dataclass(frozen=True)
class Editable:
    """What says an environment, as files that may be edited: where it has an overlay, that one is."""

    manifest: Path
    environment: str
    types: Catalog
    providers: Providers
    settings_cloud: str

    @property
    def overlay(self) -> Path | None:
        """Of the environment."""
        return layers.overlay_of(self.manifest, self.environment)

    @property
    def file(self) -> Path:
        """The one to edit."""
        return self.overlay or self.manifest

    @property
    def base(self) -> str | None:
        """The manifest's text, where it is its overlay that is edited."""
        return _read_exactly(self.manifest) if self.overlay else None

    def text(self) -> str:
        """What the file says, with its line ends as they are."""
        return _read_exactly(self.file)

    def compiled(self) -> Manifest:
        """The environment, all layers together; raises ManifestError where it has errors."""
        return compile_(self.manifest, self.types, self.providers, self.settings_cloud, self.environment)

    def rewrite(self, text: str) -> None:
        """Write the file; where the environment has errors then, it stays as it was, and ManifestError is raised."""
        path = self.file
        before, mode = path.read_bytes(), path.stat().st_mode & 0o777
        if text.encode() == before:
            return
        write_atomically(path, text.encode(), mode)
        try:
            self.compiled()
        except UserError:
            write_atomically(path, before, mode)
            raise


def _read_exactly(path: Path) -> str:
    return path.read_bytes().decode()
