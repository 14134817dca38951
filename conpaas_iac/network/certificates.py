"""The VPN's authorities and node certificates, made and read by `nebula-cert`.

An authority's key is in no argument and on no disk: it is read from a pipe, and where the program insists on writing
it to a file, that file is on a memory file system and gone before the call returns.
"""

import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Interface, IPv4Network
from pathlib import Path

from conpaas_iac.errors import ConpaasError
from conpaas_iac.system import memory

FORMAT = "2"  # ASN.1; what 1.10 makes by itself


@dataclass(frozen=True)
class Authority:
    """What signs: a certificate that every node trusts, and its key."""

    certificate: str
    key: str = field(repr=False)


@dataclass(frozen=True)
class Subject:
    """Whom a certificate is for."""

    name: str
    address: IPv4Interface
    groups: tuple[str, ...]


@dataclass(frozen=True)
class Facts:
    """What a certificate says of itself."""

    name: str
    networks: tuple[str, ...]
    groups: tuple[str, ...]
    begins: datetime
    ends: datetime
    fingerprint: str
    issuer: str  # fingerprint of the authority; empty for an authority
    is_authority: bool
    public_key: str  # hexadecimal


def make_authority(program: Path, name: str, network: IPv4Network, lifetime: timedelta) -> Authority:
    """A new authority that can only sign addresses of `network`."""
    with memory.folder() as folder:
        certificate, key = folder / "ca.crt", folder / "ca.key"
        _run(
            program,
            *("ca", "-version", FORMAT, "-name", name, "-networks", str(network), "-duration", _duration(lifetime)),
            *("-out-crt", str(certificate), "-out-key", str(key)),
        )
        return Authority(certificate.read_text(), key.read_text())


def sign(program: Path, authority: Authority, public_key: str, subject: Subject, lifetime: timedelta) -> str:
    """A certificate for a key that was made elsewhere. It begins now and ends before its authority does."""
    left = read(program, authority.certificate)[0].ends - datetime.now(UTC) - timedelta(seconds=2)
    with memory.folder() as folder, ExitStack() as pipes:
        issuer, public = (pipes.enter_context(_pipe(text)) for text in (authority.certificate, public_key))
        certificate = folder / "node.crt"
        _run(
            program,
            *("sign", "-version", FORMAT, "-name", subject.name, "-networks", str(subject.address)),
            *("-groups", ",".join(subject.groups), "-duration", _duration(min(lifetime, left))),
            *("-ca-crt", f"/dev/fd/{issuer}", "-ca-key", "/dev/stdin", "-in-pub", f"/dev/fd/{public}"),
            *("-out-crt", str(certificate)),
            stdin=authority.key,
            descriptors=(issuer, public),
        )
        return certificate.read_text()


def keygen(program: Path, key: Path) -> str:
    """The public half of the key at `key`, which is made now where there is none, for its owner alone."""
    public, new, new_public = (key.with_suffix(suffix) for suffix in (".pub", ".new", ".new.pub"))
    if not (key.is_file() and public.is_file()):
        for path in (key, new, new_public):  # half a key, of a killed run, is no key
            path.unlink(missing_ok=True)
        _run(program, "keygen", "-out-key", str(new), "-out-pub", str(new_public))
        new_public.replace(public)
        new.replace(key)
    return public.read_text()


def read(program: Path, certificates: str) -> tuple[Facts, ...]:
    """Facts of every certificate of a PEM text, in its order."""
    if not certificates.strip():
        return ()
    with _pipe(certificates) as descriptor:
        said = _run(program, "print", "-json", "-path", f"/dev/fd/{descriptor}", descriptors=(descriptor,))
    return tuple(_facts(each) for each in json.loads(said))


def split(texts: str) -> list[str]:
    """The blocks of a PEM text."""
    blocks: list[str] = []
    current: list[str] = []
    for line in texts.splitlines(keepends=True):
        current.append(line)
        if line.startswith("-----END "):
            blocks.append("".join(current))
            current = []
    return blocks


def _facts(said: dict[str, object]) -> Facts:
    details = said["details"]
    assert isinstance(details, dict)
    return Facts(
        name=details["name"],
        networks=tuple(details["networks"] or ()),
        groups=tuple(details["groups"] or ()),
        begins=datetime.fromisoformat(details["notBefore"]),
        ends=datetime.fromisoformat(details["notAfter"]),
        fingerprint=str(said["fingerprint"]),
        issuer=details["issuer"],
        is_authority=details["isCa"],
        public_key=str(said["publicKey"]),
    )


def _duration(lifetime: timedelta) -> str:
    return f"{int(lifetime.total_seconds())}s"


@contextmanager
def _pipe(text: str) -> Iterator[int]:
    """A descriptor that reads as the text, for a child to inherit; what a pipe holds is more than a certificate."""
    reading, writing = os.pipe()
    try:
        with os.fdopen(writing, "w") as file:
            os.set_blocking(writing, False)
            file.write(text)
        yield reading
    finally:
        os.close(reading)


def _run(program: Path, *arguments: str, stdin: str = "", descriptors: Sequence[int] = ()) -> str:
    try:
        done = subprocess.run(
            [program, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
            pass_fds=descriptors,
            env={"PATH": os.defpath},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ConpaasError(f"{program.name} cannot be run: {type(error).__name__}", "conpaas setup") from error
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["it said nothing"]
        raise ConpaasError(f"{program.name} {arguments[0]}: {said[0].removeprefix('Error: ')}")
    return done.stdout
