"""The checkpoint of a stack: as it is stored, or decrypted by the engine, which goes on beside other work."""

import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from conpaas_iac.engine.engine_workspace import Workplace

FORMAT = 3  # version of the engine's format


def plain(content: bytes | None) -> Mapping[str, Any] | None:
    """What a stored document holds, secrets encrypted; None where it is not plainly a checkpoint of our version."""
    try:
        document = json.loads(content or b"")
        return (document["checkpoint"]["latest"] or {}) if document["version"] == FORMAT else None
    except (ValueError, KeyError, TypeError):
        return None


class ExportError(Exception):
    """The engine's own words, as the SDK's errors hold them."""

    @property
    def is_absence(self) -> bool:
        """Whether there is no such stack."""
        return bool(re.search(r"no stack named.*found", str(self)))


class Export:
    """`pulumi stack export`, begun."""

    def __init__(self, place: Workplace, *options: str) -> None:
        self._place, self._content = place, place.stored()
        command = [str(place.binary), "--non-interactive", "stack", "export", *options, "--stack", place.full_name]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=place.folder,
            env={**os.environ, **place.variables, "PULUMI_AUTOMATION_API": "true"},
            encoding="utf-8",
        )

    def is_of(self, place: Workplace) -> bool:
        """Whether it is of what is there now: nobody wrote since it was begun."""
        return (self._place, self._content) == (place, place.stored())

    def deployment(self) -> Mapping[str, Any]:
        """Once it has ended; raises ExportError."""
        said, problem = self._process.communicate()
        if self._process.returncode:
            raise ExportError(f"\n code: {self._process.returncode}\n stderr: {problem}")
        return json.loads(said)["deployment"] or {}

    def end(self) -> None:
        """Nobody wants it any more."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()


@contextmanager
def exported(place: Workplace, *options: str) -> Iterator[Export]:
    """An export that ends with the context."""
    export = Export(place, *options)
    try:
        yield export
    finally:
        export.end()


def decrypting(place: Workplace) -> AbstractContextManager[Export]:
    """One with all that is secret in it."""
    return exported(place, "--show-secrets")


def read(place: Workplace) -> Mapping[str, Any]:
    """As the engine reads it; raises ExportError."""
    with exported(place) as export:
        return export.deployment()
