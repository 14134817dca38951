"""MariaDB on this machine: its files, its process, and what it answers."""

import contextlib
import hashlib
import json
import os
import re
import subprocess
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from galera import rules

UNIT = "mariadb.service"
SETTINGS = Path("/etc/conpaas/mysql/members.json")
ACCEPTED = Path("/etc/conpaas/mysql/accepted")  # passwords, a line each
STATE = Path("/var/lib/conpaas/mysql")  # what this member remembers
DATA = Path("/var/lib/mysql")
SAVED = DATA / "grastate.dat"
RUN = Path("/run/conpaas")
DRAINING = RUN / "draining"
START = RUN / "mariadbd"  # arguments of the next start; without it mariadb does not start
STATUS = Path("/run/mysqld/wsrep.json")
ORDER = RUN / "mysql-found"  # written by `verify --found`: this machine may begin the service's data
PORT, HEALTH = 3307, 9200
RECOVER = (
    "/usr/sbin/mariadbd", "--user=mysql", "--wsrep-recover", "--wsrep_cluster_address=gcomm://", "--disable-log-error",
)  # fmt: skip

COLUMNS = (
    "wsrep_local_state", "wsrep_cluster_status", "wsrep_cluster_state_uuid", "wsrep_last_committed",
    "wsrep_incoming_addresses", "wsrep_connected",
)  # fmt: skip


class SqlError(Exception):
    """What the client said."""


def settings():
    return json.loads(SETTINGS.read_text())


def sql(text, seconds=10.0, database=""):
    """Rows of lists of text; through the socket, as root."""
    command = ["mariadb", "--no-defaults", "--user=root", "--default-character-set=utf8mb4", "--batch"]
    command += ["--skip-column-names", "--raw", *([f"--database={database}"] if database else [])]
    try:
        done = subprocess.run(command, input=text, capture_output=True, text=True, errors="replace", timeout=seconds)
    except subprocess.TimeoutExpired:
        raise SqlError(f"no answer within {seconds:.0f} s") from None
    if done.returncode:
        raise SqlError((done.stderr.strip().splitlines() or ["the client failed"])[-1])
    return [line.split("\t") for line in done.stdout.splitlines()]


def literal(text):
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def name(text):
    return "`" + text.replace("`", "``") + "`"


def status():
    """wsrep's variables, or None where nobody answers."""
    wanted = ", ".join(literal(each) for each in COLUMNS)
    try:
        return dict(sql(f"SHOW STATUS WHERE Variable_name IN ({wanted})", 5.0))
    except (SqlError, ValueError):
        return None


def properties(unit=UNIT):
    text = output("systemctl", "show", "-p", "ActiveState,SubState,MainPID", "--", unit)
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def running():
    """The process of the server, or 0."""
    found = properties()
    return int(found.get("MainPID", 0)) if found.get("ActiveState") not in ("inactive", "failed") else 0


def phase():
    """What a server that is still starting says of itself: DISCONNECTED, CONNECTED, JOINING …"""
    try:
        return json.loads(STATUS.read_text())["status"]["state"]
    except (OSError, ValueError, KeyError):
        return ""


def output(*command, seconds=30.0):
    """What it says, on whichever channel."""
    both = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    try:
        return subprocess.run(command, **both, text=True, errors="replace", timeout=seconds, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""


def start(arguments):
    """Through systemd, without waiting."""
    RUN.mkdir(mode=0o755, exist_ok=True)
    STATUS.unlink(missing_ok=True)
    START.write_text(f'CONPAAS_MARIADBD="{" ".join(arguments)}"\n')
    output("systemctl", "reset-failed", UNIT)
    output("systemctl", "start", "--no-block", UNIT)


def stop():
    """Orderly, and waits for it."""
    output("systemctl", "stop", UNIT, seconds=900.0)


def forget_start():
    """So that nobody else starts it as it was started last."""
    START.unlink(missing_ok=True)


def position():
    """(uuid, seqno) of the data that is here; the server must not run."""
    try:
        uuid, seqno = rules.saved_state(SAVED.read_text())
    except FileNotFoundError:
        return rules.NO_UUID, rules.UNKNOWN
    if uuid == rules.NO_UUID or seqno != rules.UNKNOWN:
        return uuid, seqno
    # Where nothing was closed in order, only the data itself knows.
    text = output(*RECOVER, seconds=3600.0)
    found = rules.recovered(text)
    return found if found and found[0] != rules.NO_UUID else (uuid, rules.UNKNOWN)


def save_state(uuid, seqno, may_begin):
    """So that the server begins, or goes on, from there."""
    new = SAVED.with_name("grastate.new")
    new.write_text(rules.state_file(uuid, seqno, may_begin))
    owner = DATA.stat()
    os.chown(new, owner.st_uid, owner.st_gid)
    new.chmod(0o660)
    new.rename(SAVED)


def recall(what, default):
    try:
        return json.loads((STATE / what).read_text())
    except (OSError, ValueError):
        return default


def remember(what, value):
    """Atomically and durably."""
    STATE.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = STATE / f".{what}.new"
    with new.open("w") as file:
        json.dump(value, file)
        file.flush()
        os.fsync(file.fileno())
    new.rename(STATE / what)


def ask(address, seconds=1.5):
    """The Member at an address, or None."""
    try:
        with _open(f"http://{address}:{HEALTH}/state", seconds) as answer:
            return rules.member(json.load(answer))
    except urllib.error.HTTPError:
        return rules.Member(address, state="looking", says="is starting")
    except (OSError, ValueError, TypeError):
        return None


def order(address, document, seconds=30.0):
    """Tell the agent at an address something; returns "" or what it says against it."""
    request = urllib.request.Request(f"http://{address}:{HEALTH}/recover", json.dumps(document).encode())
    try:
        with _open(request, seconds):
            return ""
    except urllib.error.HTTPError as error:
        return error.read().decode(errors="replace").strip()
    except OSError as error:
        return f"does not answer ({error})"


def _open(request, seconds):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    return opener.open(request, timeout=seconds)


def ask_all(addresses):
    """address -> Member, of those that answer."""
    wanted = list(addresses)
    with ThreadPoolExecutor(max(1, len(wanted))) as pool:
        found = dict(zip(wanted, pool.map(ask, wanted), strict=True))
    return {address: one for address, one in found.items() if one is not None}


def digest(*texts):
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()


CAUSE = re.compile(r"\[ERROR\]|[Nn]o space|Errcode|Out of memory|Killed|does not exist", re.I)
NO_SPACE = re.compile(r"[Nn]o space left|error 28\b|Errcode: 28|out of disk space|[Dd]isk is full")
NOISE = re.compile(r"^\d{4}-\d\d-\d\d +[\d:]+ +\d+ +\[\w+\] *|^WSREP_SST: *")
EFFECTS = re.compile(r"Aborting|gcs connect failed|Failed to open channel|backend connection|wsrep::connect")


def cause(since):
    """Why the server ended: the line of its journal that says it best."""
    text = output("journalctl", "-q", "-o", "cat", "--no-pager", f"--since=@{int(since)}", "-n", "400", "-u", UNIT)
    lines = [NOISE.sub("", line) for line in text.splitlines() if CAUSE.search(line)]
    lines = [line for line in lines if not EFFECTS.search(line)] or lines
    if any(NO_SPACE.search(line) for line in lines):
        return "the disk was full"
    return full_disk() or (lines[0] if lines else "")


def full_disk(needed=1):
    """A sentence, where the disk of the data has less than so many MiB left."""
    return f"the disk is full ({free()} MiB free)" if free() < needed else ""


def free():
    found = os.statvfs(DATA)
    return found.f_bavail * found.f_frsize >> 20


def size():
    """MiB of the data that a copy of it would take."""
    files = (path for path in DATA.rglob("*") if path.name != "galera.cache")
    total = 0
    for path in files:
        with contextlib.suppress(OSError):
            total += path.stat().st_blocks * 512
    return total >> 20


def wait(condition, seconds, pause=0.2):
    """Whether it became true in time."""
    until = time.monotonic() + seconds
    while True:
        if condition():
            return True
        if time.monotonic() > until:
            return False
        time.sleep(pause)


@contextlib.contextmanager
def quiet():
    with contextlib.suppress(SqlError, OSError):
        yield
