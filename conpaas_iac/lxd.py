"""LXD (or Incus) through pylxd: the one place that opens its socket and translates its errors."""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from conpaas_iac.errors import MachineError, UserError
from conpaas_iac.settings import Settings

SECONDS = 60  # that a call may take
OWNER = "user.conpaas.owner"  # UUID of the stack that made a thing; nothing without it is ever touched
APPLICATION = "user.conpaas.application"
NODE = "user.conpaas.node"
INCARNATION = "user.conpaas.incarnation"
BACKEND = "user.conpaas.backend"  # where the state of its application is
SSH_PORT = "user.conpaas.ssh_port"  # where it greets, if not at 22: machines of an LXD in memory share one host


def socket_path(settings: Settings) -> Path:
    """The socket to use: the setting, else LXD's, else Incus's; it need not exist."""
    if settings.lxd_socket:
        return Path(settings.lxd_socket)
    candidates = [
        Path(os.environ.get("LXD_DIR", "/var/lib/lxd")) / "unix.socket",
        Path("/var/snap/lxd/common/lxd/unix.socket"),
        Path("/var/lib/incus/unix.socket"),
    ]
    return next((path for path in candidates if path.exists()), candidates[0])


def connect(settings: Settings, project: str | None = None) -> Any:
    """A pylxd client of our project (or of the one named); raises UserError saying what is wrong with LXD."""
    import pylxd
    from pylxd.exceptions import ClientConnectionFailed

    path = socket_path(settings)
    try:
        endpoint = f"http+unix://{quote(str(path), safe='')}"
        return pylxd.Client(endpoint=endpoint, project=project or settings.lxd_project, timeout=SECONDS)
    except ClientConnectionFailed as error:
        if not path.exists():
            raise UserError(f"LXD is not there: no socket {path}", "conpaas setup") from error
        if not os.access(path, os.W_OK):
            raise UserError(
                f"no right to use LXD's socket {path}", "sudo usermod -aG lxd $USER, then log in again"
            ) from error
        raise UserError(f"LXD does not answer at {path}: is it running?", "conpaas setup") from error


@contextmanager
def errors(what: str) -> Iterator[None]:
    """Translate LXD's errors; `what` says what was being done."""
    import requests
    from pylxd.exceptions import LXDAPIException

    try:
        yield
    except LXDAPIException as error:
        raise MachineError(f"{what}: {error}") from error
    except requests.Timeout as error:
        remedy = "see what it is at: lxc operation list; then run the same command again"
        raise MachineError(f"{what}: LXD has not done it within {SECONDS} s", remedy=remedy) from error
    except requests.RequestException as error:
        raise MachineError(f"{what}: LXD does not answer ({type(error).__name__})", remedy="conpaas doctor") from error


def absent_is_none(get: Callable[[str], Any], name: str) -> Any | None:
    """What `get(name)` returns, or None when LXD says there is no such thing."""
    from pylxd.exceptions import NotFound

    try:
        return get(name)
    except NotFound:
        return None


def cores(text: str) -> int | None:
    """Of "2", of a set as "0-3,6", or of nothing."""
    try:
        spans = [[int(end) for end in part.split("-")] for part in text.split(",")] if text else []
    except ValueError:
        return None
    return spans[0][0] if text.isdigit() else sum(1 + span[-1] - span[0] for span in spans)


def mebibytes(text: str) -> int | None:
    """Of "1024MiB" or "2GB"; a share of the host's memory is no size."""
    match = re.fullmatch(r"(\d+) ?([KMGT]?)(i?)B?", text)
    if not match:
        return None if text else 0
    unit: int = (1024 if match[3] else 1000) ** " KMGT".index(match[2] or " ")
    return int(match[1]) * unit // 2**20
