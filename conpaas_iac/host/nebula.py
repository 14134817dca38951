"""The VPN's two programs, of one pinned version: `nebula` for machines, `nebula-cert` for this one.

1.10.3, the newest: blocked certificates cannot come back under another fingerprint, and a node's certificate is
renewed without a restart. Distributions carry older ones, so PATH is not looked at.
"""

import hashlib
import os
import platform
import re
import shutil
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

from conpaas_iac import shipped
from conpaas_iac.errors import UserError
from conpaas_iac.host import cached, go, machine
from conpaas_iac.host.part import Finding, Say, missing, there
from conpaas_iac.settings import Settings
from conpaas_iac.system import downloads

MODULE = "engine/nebula"  # its go.mod is the one place that says the version
SOURCE = "github.com/slackhq/nebula"
PROGRAMS = ("nebula", "nebula-cert")
BUILD_GIB = 1.0

# Architecture -> SHA-256 of the release's archive, from its SHASUM256.txt. What is not here is not downloaded but
# built, which go.sum makes as trustworthy.
CHECKSUMS: dict[str, str] = {}
GO_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True)
class Nebula:
    """Where the programs are."""

    nebula: Path
    cert: Path


def version() -> str:
    """The pinned version."""
    found = re.search(rf"{SOURCE} v(\S+)", (shipped.folder(MODULE) / "go.mod").read_text())
    assert found, "engine/nebula/go.mod names no version"
    return found[1]


def root(settings: Settings) -> Path:
    """What set-up fills."""
    return settings.cache / "nebula" / version()


def find(settings: Settings) -> Nebula | None:
    """The programs in the cache, or None."""
    nebula, cert = (root(settings) / name for name in PROGRAMS)
    return Nebula(nebula, cert) if all(os.access(each, os.X_OK) and each.is_file() for each in (nebula, cert)) else None


def need(settings: Settings) -> Nebula:
    """The programs; raises UserError where they are not there."""
    found = find(settings)
    if found is None:
        raise UserError("the VPN's programs are not installed", "conpaas setup")
    return found


def install(settings: Settings, say: Say) -> Nebula:
    """Bring the pinned version into the user's cache; whole or not at all."""
    if find(settings) is None:
        cached.fill(root(settings), "the VPN", 0.1, lambda new: _bring(new, settings, say))
    return need(settings)


def _bring(new: Path, settings: Settings, say: Say) -> None:
    def build() -> None:
        machine.need_space(settings.cache, BUILD_GIB, "building the VPN")
        packages = tuple(f"{SOURCE}/cmd/{name}" for name in PROGRAMS)
        go.build(f"{new}/", packages, f"-X main.Build={version()}", say, MODULE)

    reason = _download(new, platform.machine(), say)
    if not reason:
        return
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir()
    cached.build_instead("VPN", reason, go.problem(MODULE), build, say)
    for name in PROGRAMS:
        said = _said_version(new / name)
        if said != version():
            raise cached.other_version(name, said, version())


def _said_version(program: Path) -> str:
    done = subprocess.run([program, "-version"], capture_output=True, text=True, timeout=30, check=False)
    return done.stdout.strip().removeprefix("Version: ")


def _download(new: Path, architecture: str, say: Say) -> str:
    """The release's archive, checked before anything of it is used; returns why it did not work, or nothing."""
    wanted = CHECKSUMS.get(architecture)
    if wanted is None:
        return f"no checksum of a release for {architecture} is known"
    url = f"https://{SOURCE}/releases/download/v{version()}/nebula-linux-{GO_ARCHITECTURES[architecture]}.tar.gz"
    say(f"download of the VPN, nebula {version()}, 10 MiB, into {new.parent.parent}")
    try:
        with tempfile.TemporaryDirectory(dir=new.parent) as folder:
            archive = Path(folder) / "nebula.tar.gz"
            downloads.download(url, archive)
            said = hashlib.sha256(archive.read_bytes()).hexdigest()
            if said != wanted:
                return f"its checksum is {said}, not {wanted}"
            _unpack(archive, new)
    except (UserError, tarfile.TarError, KeyError) as error:
        return str(error)
    return ""


def _unpack(archive: Path, new: Path) -> None:
    """The two programs and nothing else, whatever the archive says of their places."""
    new.mkdir()
    with tarfile.open(archive) as content:
        for name in PROGRAMS:
            file = content.extractfile(name)
            if file is None:
                raise KeyError(f"{name} is no file in the release")
            (new / name).write_bytes(file.read())
            (new / name).chmod(0o755)


@dataclass(frozen=True)
class Vpn:
    """The programs as a part of this machine."""

    settings: Settings
    name: str = "VPN"

    def look(self) -> Finding:
        found = find(self.settings)
        return there(f"nebula {version()} in {found.nebula.parent}") if found else missing(f"no nebula {version()}")

    def mend(self, say: Say) -> None:
        install(self.settings, say)
