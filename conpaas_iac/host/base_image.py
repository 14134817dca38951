"""The image that every machine begins with: a small Debian with systemd, sshd and Python, known by its content."""

import hashlib
import os
import platform
import shlex
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from conpaas_iac import lxd
from conpaas_iac.host import machine, nebula
from conpaas_iac.host.inside_lxd import lxd_errors, waits_for_project
from conpaas_iac.host.part import Finding, Say, missing, there
from conpaas_iac.settings import Settings

RELEASE = "bookworm"
GUEST = Path(__file__).parent / "guest"
AUTHORITIES = Path("/usr/local/share/ca-certificates")
BUILD_GIB = 2.0
TEMPLATES = {"/etc/hostname": "hostname.tpl", "/etc/hosts": "hosts.tpl", "/etc/resolv.conf": "resolv.conf.tpl"}


def alias(settings: Settings) -> str:
    """The base image's name in LXD's image store; it changes with all that goes into the image."""
    del settings  # nothing of it is in the image
    return f"conpaas-base-{digest(_sources(), platform.machine())}"


def digest(files: Iterable[tuple[str, bytes]], architecture: str) -> str:
    """Twelve hexadecimal digits of the release, the architecture and the files' names and bytes."""
    total = hashlib.sha256(f"{RELEASE} {architecture}".encode())
    for name, content in files:
        total.update(f"\0{name}\0{len(content)}\0".encode())
        total.update(content)
    return total.hexdigest()[:12]


def _sources() -> list[tuple[str, bytes]]:
    own = sorted(path for path in GUEST.rglob("*") if path.is_file())
    return [(str(path.relative_to(GUEST)), path.read_bytes()) for path in own] + [
        *((f"authority/{path.name}", path.read_bytes()) for path in _authorities()),
        ("nebula", nebula.version().encode()),  # not its bytes: those depend on who built it
    ]


def _authorities() -> list[Path]:
    """What this host trusts besides Debian's own list (a company's proxy): guests have to, too."""
    return sorted(AUTHORITIES.rglob("*.crt"))


@dataclass(frozen=True)
class BaseImage:
    """The image, in the image store of our LXD project."""

    settings: Settings
    name: str = "base image"

    def look(self) -> Finding:
        if waiting := waits_for_project(self.settings):
            return waiting
        wanted = alias(self.settings)
        with lxd_errors("looking at the base image"):
            found = lxd.absent_is_none(lxd.connect(self.settings).images.get_by_alias, wanted)
        return there(wanted) if found else missing(f"no image {wanted}")

    def mend(self, say: Say) -> None:
        wanted = alias(self.settings)
        for needed in (_build_folder(), lxd.socket_path(self.settings).parent):
            machine.need_space(needed, BUILD_GIB, "building the base image")
        say(f"mmdebstrap {RELEASE} with {', '.join(_packages())}")
        if own := _authorities():
            say(f"this machine's own certificate authorities go in: {', '.join(path.name for path in own)}")
        with (
            machine.quick_errors("base image"),
            tempfile.TemporaryDirectory(prefix="conpaas-image-", dir=_build_folder()) as folder,
        ):
            root = Path(folder) / "rootfs.squashfs"
            _build(root, nebula.need(self.settings).nebula.parent, say)
            say(f"import as {wanted} ({root.stat().st_size // 2**20} MiB)")
            self._import(root, wanted)

    def _import(self, root: Path, wanted: str) -> None:
        with lxd_errors("importing the base image"), root.open("rb") as content:
            connection = lxd.connect(self.settings)
            image = connection.images.create(content, metadata=metadata(wanted), wait=True)
            if lxd.absent_is_none(connection.images.get_by_alias, wanted) is None:
                image.add_alias(wanted, "conpaas base image")


def _build_folder() -> Path:
    """/var/tmp is on disk and may be entered by apt's own user; /tmp may be memory."""
    return Path("/var/tmp")


def _packages() -> list[str]:
    return (GUEST / "packages.txt").read_text().split()


def _debootstrap() -> list[str]:
    dpkg = [line for line in (GUEST / "rootfs/etc/dpkg/dpkg.cfg.d/conpaas").read_text().splitlines() if line[0] != "#"]
    return [
        machine.which("mmdebstrap") or "mmdebstrap",
        "--variant=minbase",
        "--format=tar",
        f"--include={','.join(_packages())}",
        '--aptopt=APT::Install-Recommends "false"',
        '--aptopt=Acquire::Languages "none"',
        *(f"--dpkgopt={line}" for line in dpkg),
        f'--customize-hook=sh {shlex.quote(str(GUEST / "customize.sh"))} "$1"',
        RELEASE,
        "-",
    ]


def _build(root: Path, programs: Path, say: Say) -> None:
    """mmdebstrap | mksquashfs: no unpacked copy in between, and no root needed where user namespaces do."""
    environment = {
        **os.environ,
        "PATH": machine.path(),
        "TMPDIR": str(_build_folder()),
        "LC_ALL": "C.UTF-8",
        "CONPAAS_GUEST": str(GUEST),
        "CONPAAS_AUTHORITIES": str(AUTHORITIES),
        "CONPAAS_NEBULA": str(programs),
    }
    squash = [
        machine.which("mksquashfs") or "mksquashfs",
        "-",
        str(root),
        "-tar",
        "-comp",
        "zstd",
        "-Xcompression-level",
        "1",
        "-no-progress",
        "-quiet",
    ]
    lines: list[str] = []
    with (
        subprocess.Popen(
            _debootstrap(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=False,
            env=environment,
        ) as make,
        subprocess.Popen(
            squash, stdin=make.stdout, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment
        ) as pack,
    ):
        assert make.stdout and make.stderr and pack.stderr
        make.stdout.close()
        for raw in make.stderr:
            lines.append(raw.decode(errors="replace").rstrip())
            say(f"    {lines[-1]}")
        packed = pack.stderr.read().decode(errors="replace").splitlines()
    if make.returncode:
        raise machine.failure("base image: mmdebstrap", make.returncode, [*packed, *lines])
    if pack.returncode:
        raise machine.failure("base image: mksquashfs", pack.returncode, packed)


def metadata(wanted: str) -> bytes:
    """LXD's description of the image, with the files that it fills in when a machine is made."""
    return _tar(
        {"metadata.yaml": _yaml(wanted)}
        | {f"templates/{name}": (GUEST / "templates" / name).read_text() for name in TEMPLATES.values()}
    )


def _yaml(wanted: str) -> str:
    lines = [
        f"architecture: {platform.machine()}",
        f"creation_date: {int(time.time())}",
        f"properties: {{os: debian, release: {RELEASE}, description: {wanted}}}",
        "templates:",
    ]
    # Only at creation: later a node's hosts file is rendered, and a restart must not undo that.
    for target, name in TEMPLATES.items():
        lines += [f"  {target}: {{when: [create, copy], template: {name}}}"]
    return "\n".join(lines) + "\n"


def _tar(files: dict[str, str]) -> bytes:
    buffer = BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, text in files.items():
            entry: Any = tarfile.TarInfo(name)
            entry.size, entry.mode = len(text.encode()), 0o644
            archive.addfile(entry, BytesIO(text.encode()))
    return buffer.getvalue()
