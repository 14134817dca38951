"""The engine's binary: the Python package does not carry it, and its version has to be the SDK's."""

import importlib.metadata
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from conpaas_iac.host import cached, go, machine
from conpaas_iac.host.part import Finding, Say, missing, there
from conpaas_iac.settings import Settings

PACKAGE = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
VERSION_FLAG = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version"
DOWNLOAD_SECONDS = 300
BUILD_GIB = 4.0  # modules 1.6 GiB, compiled packages 1.6 GiB, the binary and what is linked on the way

# In a process of its own: the import is slow, and the SDK's download knows no time limit.
_DOWNLOAD = """
import sys
from pulumi.automation import PulumiCommand
from semver import VersionInfo
PulumiCommand.install(root=sys.argv[1], version=VersionInfo.parse(sys.argv[2]))
"""


def version() -> str:
    """The pinned version: that of the SDK that is installed (pyproject.toml), without importing it."""
    return importlib.metadata.version("pulumi")


def root(settings: Settings) -> Path:
    """What set-up fills; `PulumiCommand(root=…)` looks for bin/pulumi in it."""
    return settings.cache / "engine" / f"pulumi-{version()}"


def home(settings: Settings) -> Path:
    """PULUMI_HOME of our engine runs: plugins and nothing that matters, so the user's own settings stay untouched."""
    return settings.cache / "engine" / "home"


def find(settings: Settings) -> Path | None:
    """The binary to use, always `<root>/bin/pulumi`: of the pinned version on PATH, else ours."""
    on_path = _on_path()
    if on_path and on_path.parent.name == "bin" and said_version(on_path, settings) == version():
        return on_path
    own = root(settings) / "bin" / "pulumi"
    return own if os.access(own, os.X_OK) and own.is_file() else None


def _on_path() -> Path | None:
    program = shutil.which("pulumi")
    return Path(program).resolve() if program else None


def said_version(program: Path, settings: Settings) -> str:
    """What a binary says of itself, or nothing when it does not run."""
    environment = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true", "PULUMI_HOME": str(home(settings))}
    try:
        done = subprocess.run(
            [program, "version"],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
            env=environment,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip().removeprefix("v")


def install(settings: Settings, say: Say) -> Path:
    """Bring the pinned version into the user's cache; whole or not at all."""
    found = find(settings)
    if found:
        return found
    target = root(settings)
    cached.fill(target, "the engine", 0.5, lambda new: _bring(new, settings, say))
    return target / "bin" / "pulumi"


def _bring(new: Path, settings: Settings, say: Say) -> None:
    """Download, else build; says why not when neither can be done."""

    def build() -> None:
        machine.need_space(settings.cache, BUILD_GIB, "building the engine")
        go.build(new / "bin" / "pulumi", (PACKAGE,), f"-X {VERSION_FLAG}=v{version()}", say)

    reason = _download(new, say)
    if not reason:
        return
    shutil.rmtree(new, ignore_errors=True)
    cached.build_instead("engine", reason, go.problem(), build, say)
    said = said_version(new / "bin" / "pulumi", settings)
    if said != version():
        raise cached.other_version("the engine", said, version())


def _download(new: Path, say: Say) -> str:
    """The official download; returns why it did not work, or nothing."""
    say(f"download of the engine, pulumi {version()}, 100 MiB, into {new.parent.parent}")
    try:
        done = subprocess.run(
            [sys.executable, "-c", _DOWNLOAD, str(new), version()],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=DOWNLOAD_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"no end after {DOWNLOAD_SECONDS} s"
    if done.returncode == 0 and (new / "bin" / "pulumi").is_file():
        return ""
    return ([line.strip() for line in done.stderr.splitlines() if line.strip()] or ["no reason given"])[-1]


@dataclass(frozen=True)
class Engine:
    """The engine as a part of this machine."""

    settings: Settings
    name: str = "engine"

    def look(self) -> Finding:
        found = find(self.settings)
        note = _note(found, self.settings)
        if found:
            return there(f"pulumi {version()} at {found}{note}")
        return missing(f"no pulumi {version()}{note}")

    def mend(self, say: Say) -> None:
        install(self.settings, say)


def _note(found: Path | None, settings: Settings) -> str:
    """Says when an engine on PATH is passed over, and why."""
    on_path = _on_path()
    if on_path is None or on_path == found:
        return ""
    return f" (not used: {on_path} is version {said_version(on_path, settings) or 'unknown'})"
