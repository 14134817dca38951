"""The store of a backend, by its address."""

from pathlib import Path

from conpaas_iac.backend.folder import Folder
from conpaas_iac.backend.store import Store


def at(backend_url: str, folder: str = "conpaas") -> Store:
    """The store of a backend: its folder `conpaas/`, beside the engine's `.pulumi/`."""
    if backend_url.startswith("file://"):
        return Folder(Path(backend_url.removeprefix("file://")) / folder)
    from conpaas_iac.backend.bucket import Bucket  # only here: boto3 is slow to import

    return Bucket(backend_url, folder)


def below(backend_url: str, folder: str) -> str:
    """A backend inside a backend."""
    place, mark, options = backend_url.partition("?")
    return f"{place.rstrip('/')}/{folder}{mark}{options}"
