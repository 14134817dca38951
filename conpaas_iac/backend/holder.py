"""Who acts: this process, the user and the CI job it belongs to; and whether one that is known still lives."""

import getpass
import os
import socket
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import msgspec

from conpaas_iac.system import processes

# Variables that hold the address of a CI job's page.
CI_PAGES = (
    "CI_JOB_URL",
    "BUILD_URL",
    "CIRCLE_BUILD_URL",
    "BUILDKITE_BUILD_URL",
    "TRAVIS_JOB_WEB_URL",
    "CI_PIPELINE_URL",
)

BOOT = "/proc/sys/kernel/random/boot_id"

Life = Literal["alive", "dead", "unknown"]


class Holder(msgspec.Struct, frozen=True):
    """A process, as another one can recognise it, and what a user wants to know of it."""

    user: str
    host: str
    machine: str  # the id of the machine's installation; empty where it has none
    boot: str  # changes when the machine starts again
    space: str  # numbers of processes mean something only inside it
    pid: int
    started: str
    command: str
    since: str
    ci: str = ""  # the page of the CI job
    phase: str = ""

    @property
    def line(self) -> str:
        """One line for who waits."""
        doing = f", {self.phase}" if self.phase else ""
        page = f", {self.ci}" if self.ci else ""
        return f"{self.user}@{self.host} (process {self.pid}) since {self.since}: `conpaas {self.command}`{doing}{page}"


def here(arguments: tuple[str, ...] = tuple(sys.argv[1:3])) -> Holder:
    """This process."""
    return Holder(
        user=user(),
        host=socket.gethostname(),
        machine=_text("/etc/machine-id"),
        boot=_text(BOOT),
        space=_space(),
        pid=os.getpid(),
        started=processes.started(os.getpid()),
        command=" ".join(arguments),
        since=datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC"),
        ci=ci_page(),
    )


def process(pid: int) -> str:
    """Which process has this number: another one, or one after the machine's next start, has another. Empty: none."""
    started = processes.started(pid)
    return f"{_text(BOOT)}/{started}" if started else ""


def life(holder: Holder, me: Holder, started: Callable[[int], str] = processes.started) -> Life:
    """Whether the holder lives, as far as it can be known from where `me` is without asking anybody."""
    if holder.boot == me.boot:
        if holder.space != me.space:
            return "unknown"  # in another container of this machine
        return "alive" if started(holder.pid) == holder.started else "dead"
    if holder.machine and (holder.host, holder.machine) == (me.host, me.machine):
        return "dead"  # it was before this machine started anew
    return "unknown"


def ci_page(variables: Mapping[str, str] = os.environ) -> str:
    """Where the CI job that this process belongs to can be looked at."""
    if run := variables.get("GITHUB_RUN_ID"):
        return f"{variables.get('GITHUB_SERVER_URL', '')}/{variables.get('GITHUB_REPOSITORY', '')}/actions/runs/{run}"
    if run := variables.get("BUILD_BUILDID"):
        project = f"{variables.get('SYSTEM_COLLECTIONURI', '')}{variables.get('SYSTEM_TEAMPROJECT', '')}"
        return f"{project}/_build/results?buildId={run}"
    return next((variables[name] for name in CI_PAGES if variables.get(name)), "")


def who() -> str:
    """Who acts: user@host."""
    return f"{user()}@{socket.gethostname()}"


def user() -> str:
    """The name of this process's user."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run under a number without a name
        return str(os.getuid())


def _text(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""


def _space() -> str:
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""
