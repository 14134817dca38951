"""What makes a bare Debian of a cloud what our own images are: our settings of the system, the VPN's programs."""

import gzip
import hashlib
import io
import platform
import tarfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from conpaas_iac.host import base_image, nebula
from conpaas_iac.host.base_image import GUEST
from conpaas_iac.settings import Settings

# Of containers only: a cloud's image configures its own network and devices.
OURS_ONLY = ("etc/systemd/network/", "etc/systemd/system/systemd-udev-trigger.service.d/")


def packages() -> list[str]:
    """That every machine has."""
    return (GUEST / "packages.txt").read_text().split()


def bundle(settings: Settings) -> bytes:
    """An archive for the machine's root; the same bytes for the same files."""
    return _packed(tuple(_files(settings)))


def digest(content: bytes) -> str:
    """What a machine remembers of what it was given: archive, packages, the machines that the programs are for."""
    said = f"{platform.machine()} {' '.join(packages())}".encode()
    return hashlib.sha256(said + content).hexdigest()[:16]


def _files(settings: Settings) -> Iterator[tuple[str, Path, int]]:
    """(path on the machine, file here, mode)."""
    root = GUEST / "rootfs"
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if path.is_file() and not name.startswith(OURS_ONLY):
            yield name, path, 0o644
    programs = nebula.need(settings)
    for program in (programs.nebula, programs.cert):
        yield f"usr/local/bin/{program.name}", program, 0o755
    for path in sorted(base_image.AUTHORITIES.rglob("*.crt")):
        yield f"usr/local/share/ca-certificates/{path.name}", path, 0o644


@cache  # the programs are 30 MB
def _packed(files: tuple[tuple[str, Path, int], ...]) -> bytes:
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as archive:
        for name, path, mode in files:
            entry = tarfile.TarInfo(name)
            content = path.read_bytes()
            entry.size, entry.mode = len(content), mode
            archive.addfile(entry, io.BytesIO(content))
    return gzip.compress(plain.getvalue(), 6, mtime=0)
