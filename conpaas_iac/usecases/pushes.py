"""The use cases of the repository on a service's first machine: what was pushed becomes versions, and survives it."""

import json
import os
import shlex
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from conpaas_iac.core.declaration import Machine
from conpaas_iac.errors import Failure, MachineError, UserError
from conpaas_iac.machines.remote import Command
from conpaas_iac.sources import archives
from conpaas_iac.sources.versions import Version
from conpaas_iac.system import git
from conpaas_iac.system.files import private_folder, write_atomically
from conpaas_iac.usecases import uploads
from conpaas_iac.usecases.inspection import View, ssh_command, view
from conpaas_iac.usecases.uploads import Target

PROGRAM = "/usr/local/lib/conpaas/git"
PLACE = "code.git"
UNIT = "conpaas-git"  # runs where the repository is


Sink = Callable[[bytes], object]


@dataclass(frozen=True)
class Push:
    """A branch that moved."""

    commit: str
    subject: str
    by: str  # the key's comment


@dataclass(frozen=True)
class Repository:
    """The one of a service, and how it is reached."""

    where: Target
    looked: View
    machine: Machine

    @property
    def url(self) -> str:
        """For git."""
        return f"ssh://git@{self.looked.seen[self.machine.node].ip}/{PLACE}"

    def hosts(self) -> Path:
        """A file that holds the machine's host keys and nobody else's, for the user's own ssh."""
        ip = self.looked.seen[self.machine.node].ip
        lines = self.looked.access.known_hosts.read_text().splitlines(keepends=True)
        folder = private_folder(self.where.settings.state / "known_hosts")
        path = folder / f"{self.where.stack}.{self.where.service.name}"
        write_atomically(path, "".join(line for line in lines if line.split()[0] == ip).encode())
        return path

    def ssh(self, identity: Path | None = None) -> str:
        """The command that git is to use: strict, and with this private key alone, where one is named."""
        own = ["-i", str(identity.absolute()), "-o", "IdentitiesOnly=yes"] if identity else []
        options = ["-o", f"UserKnownHostsFile={self.hosts()}", "-o", "StrictHostKeyChecking=yes"]
        return shlex.join(["ssh", *own, *options])

    def collect(self) -> tuple[Version, ...]:
        """What was pushed since becomes versions; a machine that took another one's place gets the repository."""
        state = json.loads(self._said("pushes"))
        store, known = self.where.versions, set(self.where.versions.commits())
        if state["empty"] and known:
            self._restore()
        found = [_push(json.loads(line)) for line in state["log"].splitlines()]
        new = {push.commit: push for push in found if push.commit not in known}
        if not new:
            return ()
        versions = tuple(self._version(push) for push in new.values())
        with tempfile.TemporaryDirectory() as folder:
            bundle = Path(folder) / "bundle"
            self._written("bundle", bundle)
            store.remember([*known, *new], bundle)
        return versions

    def _version(self, push: Push) -> Version:
        def write(new: Path) -> str:
            tar = new.with_name("pushed.tar")
            self._written(f"archive {shlex.quote(push.commit)}", tar)
            try:
                return archives.normalise(tar, new)
            except UserError as error:
                raise UserError(f"commit {push.commit[:12]}: {error.message}", error.remedy) from error

        return uploads.keep(self.where, push.subject, f"git {push.commit[:12]}", write, push.by)[0]

    def _restore(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            bundle = Path(folder) / "bundle"
            if self.where.versions.repository(bundle):
                with bundle.open("rb", buffering=0) as source:
                    self._run("restore", lambda _: None, source)

    def _said(self, verb: str) -> str:
        pieces: list[bytes] = []
        self._run(verb, pieces.append)
        return b"".join(pieces).decode()

    def _written(self, verb: str, path: Path) -> None:
        with path.open("wb") as file:
            self._run(verb, file.write)

    def _run(self, verb: str, sink: Sink, source: IO[bytes] | None = None) -> None:
        way, node = self.looked.access, self.machine.node
        ssh = ssh_command(way, self.looked.seen[node].ip)
        ended = Command(ssh, way.environment, f"{PROGRAM} {verb}", source).wait(sink)
        if ended.code:
            failure = Failure(node, "git", f"exit code {ended.code}" if ended.begun else "does not answer", ended.lines)
            raise MachineError(f"{node}: the repository cannot be asked", (failure,))


def _push(entry: Mapping[str, object]) -> Push:
    return Push(str(entry["commit"]), str(entry["subject"]), str(entry["by"]))


def has_repository(where: Target) -> bool:
    """Whether the manifest names keys."""
    return bool(where.service.fields.get("Keys"))


@contextmanager
def repository(where: Target) -> Iterator[Repository]:
    """That of the service, on its first machine; raises UserError, or MachineError where that is silent."""
    if not has_repository(where):
        name = where.manifest or where.application
        raise UserError(f"{where.named} has no keys, so no repository", f"conpaas code key add {name} … FILE.pub")
    with view(where.application, where.environment, where.settings) as looked:
        there = {node for node, known in looked.record.nodes.items() if UNIT in known.units}
        own = (each for each in looked.applied.machines if each.service == where.service.name)
        first = next((each for each in own if each.node in there), None)
        if first is None:
            raise UserError(f"{where.named} has no repository yet", "conpaas up MANIFEST")
        if looked.reach(first) is None:
            raise MachineError(f"{first.node} does not run: its repository cannot be reached")
        yield Repository(where, looked, first)


def collected(where: Target) -> tuple[tuple[Version, ...], str]:
    """Versions that were pushed since they were last asked for; else why that is not known."""
    if not has_repository(where):
        return (), ""
    try:
        with repository(where) as found:
            return found.collect(), ""
    except (MachineError, UserError) as error:
        return (), f"what was pushed lately is not listed: {error.message}"


def push(where: Target, revision: str, identity: Path | None = None) -> Version:
    """Push a revision of the repository in the current folder; returns the version that it became."""
    commit = _git("rev-parse", "--verify", f"{revision}^{{commit}}")
    branch = _git("rev-parse", "--abbrev-ref", revision)
    name = branch if branch and branch != "HEAD" else "main"
    with repository(where) as found:
        command = ["git", "push", found.url, f"{commit}:refs/heads/{name}"]
        done = subprocess.run(command, env={**os.environ, "GIT_SSH_COMMAND": found.ssh(identity)}, check=False)
        if done.returncode:
            raise UserError(f"git push ended with {done.returncode}", "its own words are above")
        versions = found.collect()
    for each in (*versions, *where.versions.all()):
        if each.source == f"git {commit[:12]}":
            return each
    return where.versions.find(_digest_of(commit))


def _digest_of(commit: str) -> str:
    """Of a commit whose content was uploaded before: the version is the same one."""
    with tempfile.TemporaryDirectory() as folder:
        tar = Path(folder) / "pushed.tar"
        _git("archive", "--format=tar", f"--output={tar}", commit)
        return archives.normalise(tar, Path(folder) / "code.tar.gz")


def _git(*arguments: str) -> str:
    return git.run(Path.cwd(), *arguments).strip()
