"""The LXD daemon: running, answering, and with rights for this user."""

import socket
import subprocess
import time
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from conpaas_iac import lxd
from conpaas_iac.errors import UserError
from conpaas_iac.host import machine
from conpaas_iac.host.part import Finding, Say, State, missing, there, wrong
from conpaas_iac.settings import Settings

DEBIAN_SOCKET = Path("/var/lib/lxd/unix.socket")
START_SECONDS = 60
# As LXD's own unit does; guests inherit it, and a data base with many clients needs more than a shell's limit.
MORE_FILES = "ulimit -Hn 1048576 2>/dev/null; ulimit -Sn $(ulimit -Hn)"
JOIN_GROUP = "sudo usermod -aG {group} $USER, then log in again"


class Answer(StrEnum):
    """What the socket says."""

    YES = "answers"
    ABSENT = "absent"
    SILENT = "silent"  # the file is there, nobody listens
    DENIED = "denied"


def knock(path: Path) -> Answer:
    """Try the socket without asking anything."""
    try:
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(10)
            line.connect(str(path))
    except PermissionError:
        return Answer.DENIED
    except (FileNotFoundError, NotADirectoryError):
        return Answer.ABSENT
    except OSError:
        return Answer.SILENT
    return Answer.YES


def decide(answer: Answer, path: Path, installed: bool) -> Finding:
    """What the socket's answer means."""
    group = "incus-admin" if "incus" in str(path) else "lxd"
    match answer:
        case Answer.YES:
            return there(f"answers at {path}")
        case Answer.DENIED:
            return wrong(f"no right to use {path}", JOIN_GROUP.format(group=group))
        case Answer.ABSENT if not installed:
            return missing("LXD is not installed")
        case _:
            return missing(f"LXD is installed, but nobody answers at {path}")


@dataclass(frozen=True)
class Daemon:
    """LXD (or Incus) itself."""

    settings: Settings
    name: str = "lxd"

    def look(self) -> Finding:
        path = lxd.socket_path(self.settings)
        finding = decide(knock(path), path, machine.which("lxd") is not None)
        if finding.state is not State.THERE:
            return finding
        with lxd.errors("asking LXD who it is"):
            about = lxd.connect(self.settings, "default").host_info
        if about.get("auth") != "trusted":
            return wrong(f"LXD at {path} does not trust this user", JOIN_GROUP.format(group="lxd"))
        server = about["environment"]
        return there(f"{server.get('server', 'lxd')} {server.get('server_version', '')} at {path}")

    def mend(self, say: Say) -> None:
        path = lxd.socket_path(self.settings)
        if machine.has_systemd() and path == DEBIAN_SOCKET:
            say("systemctl enable --now lxd.socket lxd.service")
            machine.run_as_root("systemctl", ["systemctl", "enable", "--now", "lxd.socket", "lxd.service"])
        elif machine.has_systemd() and "incus" in str(path):
            say("systemctl start incus.socket incus.service")
            machine.run_as_root("systemctl", ["systemctl", "start", "incus.socket", "incus.service"])
        else:
            _start_detached(path, say)
        _wait(path)


def _start_detached(path: Path, say: Say) -> None:
    """Without systemd: start the daemon ourselves; it outlives us. It clears a stale socket by itself."""
    program = machine.which("lxd")
    if not program:
        raise UserError("LXD is not installed", "apt-get install lxd, then conpaas setup")
    log = path.parent / "conpaas-lxd.log"
    say(f"lxd --group root (systemd is not process 1 here, so set-up starts it itself; what it says: {log})")
    script = f'mkdir -p "$LXD_DIR"; {MORE_FILES}; exec "$@" >>"$LXD_DIR/{log.name}" 2>&1'
    environment = ["env", f"LXD_DIR={path.parent}", f"PATH={machine.path()}"]
    with machine.quick_errors("starting LXD"):
        subprocess.Popen(
            machine.as_root("starting LXD", [*environment, "sh", "-c", script, "lxd", program, "--group", "root"]),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
        )


def _wait(path: Path) -> None:
    """Until it answers."""
    until = time.monotonic() + START_SECONDS
    while (answer := knock(path)) is not Answer.YES:
        if answer is Answer.DENIED:
            raise UserError(f"no right to use {path}", JOIN_GROUP.format(group="lxd"))
        if time.monotonic() > until:
            raise UserError(f"LXD did not answer at {path} within {START_SECONDS} s", "journalctl -u lxd, or its log")
        time.sleep(0.1)
