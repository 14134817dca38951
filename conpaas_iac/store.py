"""Where documents beside the engine's checkpoint are kept: a folder or an object store, as the backend says."""

from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

from conpaas_iac.errors import UserError
from conpaas_iac.files import write_atomically

FORMER = ".1"  # the version before


class Store(Protocol):
    """Documents by name ("dokuwiki.default/record.json")."""

    def read(self, name: str) -> bytes | None:
        """The document, or None when there is none."""

    def write(self, name: str, content: bytes, keeps: bool = False) -> None:
        """Replace it, whole or not at all; `keeps`: its former version stays beside it, as <name>.1."""

    def delete(self, name: str) -> None:
        """Nothing happens when there is none."""

    def names(self) -> tuple[str, ...]:
        """All documents."""

    def entries(self, name: str) -> tuple[str, ...]:
        """Names of the documents right below a folder."""


def at(backend_url: str, folder: str = "conpaas") -> Store:
    """The store of a backend: its folder `conpaas/`, beside the engine's `.pulumi/`."""
    if backend_url.startswith("file://"):
        return Folder(Path(backend_url.removeprefix("file://")) / folder)
    return Bucket(backend_url, folder)


class Folder:
    """A folder of the local disk."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def read(self, name: str) -> bytes | None:
        """See Store."""
        try:
            return (self._root / name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise UserError(f"{self._root / name}: cannot be read: {error.strerror}") from error

    def write(self, name: str, content: bytes, keeps: bool = False) -> None:
        """See Store."""
        path = self._root / name
        if keeps:
            _keep(path)
        write_atomically(path, content)

    def delete(self, name: str) -> None:
        """See Store."""
        path = self._root / name
        path.unlink(missing_ok=True)
        if path.parent.is_dir() and not any(path.parent.iterdir()):
            path.parent.rmdir()

    def names(self) -> tuple[str, ...]:
        """See Store."""
        files = (path for path in self._root.glob("*/*") if path.is_file() and not path.name.startswith("."))
        return tuple(sorted(path.relative_to(self._root).as_posix() for path in files))

    def entries(self, name: str) -> tuple[str, ...]:
        """See Store."""
        return tuple(path.name for path in self._below(name) if path.is_file() and not path.name.startswith("."))

    def _below(self, name: str) -> list[Path]:
        folder = self._root / name
        return sorted(folder.iterdir()) if folder.is_dir() else []


def _keep(path: Path) -> None:
    """A second name for what is there now: nothing is copied."""
    beside = path.with_name(f".{path.name}{FORMER}")
    try:
        beside.unlink(missing_ok=True)
        beside.hardlink_to(path)
        beside.replace(path.with_name(path.name + FORMER))
    except FileNotFoundError:
        return  # there is none yet
    except OSError:  # a file system without second names
        path.with_name(path.name + FORMER).write_bytes(path.read_bytes())


class Bucket:
    """s3://bucket/prefix?endpoint=…&region=…&disableSSL=true&s3ForcePathStyle=true, as the engine takes it."""

    def __init__(self, url: str, folder: str) -> None:
        parts = urlsplit(url)
        options = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self._bucket = parts.netloc
        self._prefix = "/".join(part for part in (parts.path.strip("/"), folder) if part) + "/"
        self._client = _s3_client(options)

    def read(self, name: str) -> bytes | None:
        """See Store."""
        try:
            body: bytes = self._client.get_object(Bucket=self._bucket, Key=self._prefix + name)["Body"].read()
        except self._client.exceptions.NoSuchKey:
            return None
        return body

    def write(self, name: str, content: bytes, keeps: bool = False) -> None:
        """See Store."""
        if keeps:
            source = {"Bucket": self._bucket, "Key": self._prefix + name}
            with suppress(self._client.exceptions.ClientError):  # there is none yet
                self._client.copy_object(Bucket=self._bucket, Key=self._prefix + name + FORMER, CopySource=source)
        self._client.put_object(Bucket=self._bucket, Key=self._prefix + name, Body=content)

    def delete(self, name: str) -> None:
        """See Store."""
        self._client.delete_object(Bucket=self._bucket, Key=self._prefix + name)

    def names(self) -> tuple[str, ...]:
        """See Store."""
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._prefix)
        return tuple(sorted(entry["Key"][len(self._prefix) :] for page in pages for entry in page.get("Contents", ())))

    def entries(self, name: str) -> tuple[str, ...]:
        """See Store."""
        start = f"{self._prefix}{name}/"
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=start, Delimiter="/")
        return tuple(sorted(entry["Key"][len(start) :] for page in pages for entry in page.get("Contents", ())))


def _s3_client(options: dict[str, str]) -> Any:
    try:
        import boto3
        from botocore.config import Config
    except ImportError as error:
        raise UserError("an s3:// backend needs boto3", "pip install 'conpaas[s3]'") from error
    endpoint = options.get("endpoint")
    if endpoint and "://" not in endpoint:
        endpoint = ("http://" if options.get("disableSSL") == "true" else "https://") + endpoint
    style = "path" if options.get("s3ForcePathStyle") == "true" else "auto"
    return boto3.client(
        "s3", endpoint_url=endpoint, region_name=options.get("region"), config=Config(s3={"addressing_style": style})
    )
