"""Building programs from the Go module proxy, where their own downloads cannot be had."""

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from conpaas_iac import shipped
from conpaas_iac.host import machine
from conpaas_iac.host.part import Say

FETCHES_TOOLCHAINS = (1, 21)
REMEDY = "install Go 1.25 or newer (Debian's backports or go.dev), then conpaas setup"
ENGINE = "engine"  # the shipped folder whose go.mod pins the engine; others are below it
Version = tuple[int, ...]


def program() -> str | None:
    """Go on PATH, or where its own installation puts it."""
    usual = Path("/usr/local/go/bin/go")
    return shutil.which("go") or (str(usual) if usual.exists() else None)


def parse(text: str) -> Version:
    """The numbers of `go1.26.8` or of go.mod's `go 1.25.11`; empty when there are none."""
    found = re.search(r"go ?(\d+(?:\.\d+)+)", text)
    return tuple(int(part) for part in found[1].split(".")) if found else ()


def needed(go_mod: str) -> Version:
    """The Go that go.mod asks for."""
    return next((parse(line) for line in go_mod.splitlines() if line.startswith("go ")), ())


def judge(have: Version, wanted: Version, toolchain: str) -> str:
    """Why this Go cannot build a module, or nothing. `toolchain` is its GOTOOLCHAIN."""
    said, needs = ".".join(map(str, have)), ".".join(map(str, wanted))
    if have >= wanted:
        return ""
    if have < FETCHES_TOOLCHAINS:
        return f"Go {said} is too old: it needs {needs}, and only Go 1.21 and newer fetch a newer one by themselves"
    if toolchain == "local":
        return f"Go {said} is too old: it needs {needs}, and GOTOOLCHAIN=local forbids to fetch it"
    return ""


def problem(module: str = ENGINE) -> str:
    """Why a shipped module cannot be built on this machine, or nothing."""
    command = program()
    if not command:
        return "there is no Go"
    wanted = needed((shipped.folder(module) / "go.mod").read_text())
    said = subprocess.run([command, "version"], capture_output=True, text=True, check=False, cwd="/").stdout
    asked = subprocess.run([command, "env", "GOTOOLCHAIN"], capture_output=True, text=True, check=False, cwd="/").stdout
    return judge(parse(said), wanted, asked.strip())


def build(target: Path | str, packages: tuple[str, ...], flags: str, say: Say, module: str = ENGINE) -> None:
    """Compile packages of a shipped module, as its go.mod and go.sum pin them; `target` ends in / for a folder."""
    command = program() or "go"
    with tempfile.TemporaryDirectory(prefix="conpaas-build-") as folder:
        copy = Path(shutil.copytree(shipped.folder(module), Path(folder) / "module"))
        say(f"go build {' '.join(packages)}")
        machine.run(
            f"building {packages[0]}",
            [command, "build", "-v", "-trimpath", "-ldflags", f"-s -w {flags}", "-o", str(target), *packages],
            _every(200, "modules and packages", say),
            copy,
            CGO_ENABLED="0",
        )


def _every(step: int, what: str, say: Say) -> Say:
    """Go names each package; a line now and then says enough. Its errors come with the failure."""
    seen = 0

    def count(line: str) -> None:
        nonlocal seen
        seen += 1
        if seen % step == 0:
            say(f"    {seen} {what}")

    return count
