"""Documents in an object store, through boto3."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from conpaas_iac.backend.store import FORMER, Version
from conpaas_iac.errors import UserError

MISSING = 404
MOVED = (MISSING, 409, 412)  # what S3 answers when a document is not, or not any more, the one that was meant


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

    def take(self, name: str, source: Path) -> None:
        """See Store."""
        self._client.upload_file(str(source), self._bucket, self._prefix + name)

    def give(self, name: str, target: Path) -> bool:
        """See Store."""
        try:
            self._client.download_file(self._bucket, self._prefix + name, str(target))
        except self._client.exceptions.ClientError as error:
            if _status(error) != MISSING:
                raise
            return False
        return True

    def delete(self, name: str) -> None:
        """See Store."""
        self._client.delete_object(Bucket=self._bucket, Key=self._prefix + name)

    def names(self) -> tuple[str, ...]:
        """See Store."""
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._prefix)
        return tuple(sorted(entry["Key"][len(self._prefix) :] for page in pages for entry in page.get("Contents", ())))

    def look(self, name: str) -> Version | None:
        """See Store."""
        try:
            found = self._client.get_object(Bucket=self._bucket, Key=self._prefix + name)
        except self._client.exceptions.NoSuchKey:
            return None
        return Version(found["Body"].read(), found["ETag"])

    def swap(self, name: str, mark: str | None, content: bytes) -> str | None:
        """See Store. An answer that was lost makes the client ask again, and be refused for its own first success."""
        condition = {"IfNoneMatch": "*"} if mark is None else {"IfMatch": mark}
        key = {"Bucket": self._bucket, "Key": self._prefix + name}
        try:
            etag: str = self._client.put_object(**key, Body=content, **condition)["ETag"]
        except self._client.exceptions.ClientError as error:
            if _status(error) not in MOVED:
                raise
            there = self.look(name)
            return there.mark if there and there.content == content else None
        return etag

    def drop(self, name: str, mark: str) -> bool:
        """See Store."""
        try:
            self._client.delete_object(Bucket=self._bucket, Key=self._prefix + name, IfMatch=mark)
        except self._client.exceptions.ClientError as error:
            if _status(error) not in MOVED:
                raise
            return False
        return True

    def entries(self, name: str) -> tuple[str, ...]:
        """See Store."""
        return tuple(sorted(entry["Key"] for page in self._below(name) for entry in page.get("Contents", ())))

    def folders(self, name: str) -> tuple[str, ...]:
        """See Store."""
        found = (entry["Prefix"] for page in self._below(name) for entry in page.get("CommonPrefixes", ()))
        return tuple(sorted(each.rstrip("/") for each in found))

    def _below(self, name: str) -> Iterator[dict[str, Any]]:
        """Pages of what is right below a folder, keys without it."""
        start = f"{self._prefix}{name}/"
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=start, Delimiter="/")
        for page in pages:
            yield {
                "Contents": [{"Key": each["Key"][len(start) :]} for each in page.get("Contents", ())],
                "CommonPrefixes": [{"Prefix": each["Prefix"][len(start) :]} for each in page.get("CommonPrefixes", ())],
            }

    def clear(self, name: str) -> None:
        """See Store."""
        start = f"{self._prefix}{name}/"
        for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=start):
            if keys := [{"Key": entry["Key"]} for entry in page.get("Contents", ())]:
                self._client.delete_objects(Bucket=self._bucket, Delete={"Objects": keys, "Quiet": True})


def _status(error: Any) -> int:
    return int(error.response["ResponseMetadata"]["HTTPStatusCode"])


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
