"""What every story on LXD has: a folder and a name of its own, and an end at which nothing of it is left."""

import json
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from conpaas_iac import lxd, settings
from tests import schemas

ROOT = Path(__file__).parents[2]
CONPAAS = str(Path(sys.executable).with_name("conpaas"))


@dataclass(frozen=True)
class Story:
    """One application of one test, used as a user would: through the command."""

    folder: Path
    name: str
    environment: dict[str, str]

    @property
    def manifest(self) -> Path:
        """Its manifest."""
        return self.folder / "manifest.json"

    def write(self, document: dict[str, Any]) -> None:
        """Write the manifest, under this story's name."""
        self.manifest.write_text(json.dumps({**document, "Application": self.name}, indent=2))

    def take(self, example: str) -> None:
        """A copy of an example, under this story's name."""
        ignored = shutil.ignore_patterns("*.lock.json")
        shutil.copytree(ROOT / "examples" / example, self.folder, dirs_exist_ok=True, ignore=ignored)
        self.write(json.loads(self.manifest.read_text()))

    def conpaas(self, *arguments: str | Path, fails: int = 0, quiet: bool = False) -> str:
        """Run a command; what it printed, with `quiet` on stdout only. `fails` is the exit code that is expected."""
        done = subprocess.run(
            [CONPAAS, *map(str, arguments)], env=self.environment, capture_output=True, text=True, check=False
        )
        said = done.stdout + done.stderr
        assert done.returncode == fails, f"conpaas {' '.join(map(str, arguments))}: exit {done.returncode}\n{said}"
        assert "Traceback" not in said
        return done.stdout if quiet else said

    def status(self, fails: int = 0) -> dict[str, Any]:
        """`conpaas status`, as data."""
        said = self.conpaas("status", self.name, "--format", "json", fails=fails, quiet=True)
        document: dict[str, Any] = schemas.check(said, "status")
        return document

    def remove(self) -> None:
        """Take it down, with all its data; nothing is said where there is nothing."""
        services = json.loads(self.manifest.read_text())["Services"] if self.manifest.exists() else []
        losses = [f"--allow-data-loss={service.get('ServiceName')}" for service in services]
        command = [CONPAAS, "down", self.name, "--yes", *losses]
        subprocess.run(command, env=self.environment, capture_output=True, check=False)

    def left(self) -> list[str]:
        """What of it is in LXD now: machines and networks."""
        configured = settings.load()
        machines = lxd.connect(configured).instances.all(recursion=1)
        networks = lxd.connect(configured, project="default").networks.all()
        return [each.name for each in machines if each.name.startswith(f"{self.name}--")] + [
            each.name for each in networks if each.description == self.name
        ]


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    """A story whose machines, network and state are removed at its end, also after a failure."""
    yield from tell(tmp_path)


def tell(folder: Path, prefix: str = "t") -> Iterator[Story]:
    """The same for fixtures of another scope."""
    environment = {**os.environ, "CONPAAS_STATE_DIR": str(folder / "state")}
    environment.pop("CI", None)  # a user at the shell; what CI does otherwise is tested by name
    told = Story(folder / "app", f"{prefix}-{uuid.uuid4().hex[:8]}", environment)
    told.folder.mkdir()
    try:
        yield told
    finally:
        told.remove()
        left = told.left()
        assert not left, f"left in LXD: {left}"
