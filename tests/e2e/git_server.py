"""A machine of a test's own with Git repositories behind SSH, and somebody who may use them."""

import os
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.machines import address, lxc, run, scratch, until

RESTART = "systemctl reset-failed ssh; systemctl restart ssh"  # without keys it failed too often before
INSTALL = f"""
set -e
apt-get -q update
DEBIAN_FRONTEND=noninteractive apt-get -qy install --no-install-recommends git
useradd --create-home --shell /usr/bin/git-shell git
install -d -o git -g git /srv/git -m 0755
install -d -o git -g git /home/git/.ssh -m 0700
ssh-keygen -A
{RESTART}
"""
HOST_KEY = "/etc/ssh/ssh_host_ed25519_key"


@dataclass(frozen=True)
class Server:
    """Its repositories are below /srv/git, of the user git, who may run nothing else."""

    machine: str
    ip: str

    def url(self, name: str) -> str:
        """Of a repository."""
        return f"ssh://git@{self.ip}/srv/git/{name}.git"

    def make(self, name: str) -> str:
        """An empty one; its address."""
        path = f"/srv/git/{name}.git"
        self.run(f"runuser -u git -- git init --quiet --bare --initial-branch=main {path}")
        return self.url(name)

    def run(self, script: str) -> str:
        """As root."""
        return run(self.machine, "sh", "-c", script)

    def accept(self, *keys: Path) -> None:
        """These keys of users, and no other."""
        lines = "".join(key.with_name(f"{key.name}.pub").read_text() for key in keys)
        self.run(f"printf %s {shlex.quote(lines)} >/home/git/.ssh/authorized_keys")

    @property
    def host_key(self) -> str:
        """Its line for known_hosts."""
        kind, key = self.run(f"cat {HOST_KEY}.pub").split()[:2]
        return f"{self.ip} {kind} {key}\n"

    def change_host_key(self) -> None:
        """As after it was made anew."""
        self.run(f"rm {HOST_KEY}*; ssh-keygen -q -t ed25519 -N '' -f {HOST_KEY}; {RESTART}")

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Without sshd, for the time of the context."""
        self.run("systemctl stop ssh")
        try:
            yield
        finally:
            self.run("systemctl start ssh")

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Connections are taken, and nobody says a word."""
        lxc("pause", self.machine)
        try:
            yield
        finally:
            lxc("start", self.machine)


@contextmanager
def serving() -> Iterator[Server]:
    """Such a machine; removed at the end."""
    with scratch() as machine:
        server = Server(machine, address(machine))
        server.run(INSTALL)
        until(lambda: "active" in server.run("systemctl is-active ssh; true"))
        yield server


@dataclass(frozen=True)
class User:
    """Keys, known hosts and settings of ssh in a folder; git finds them through a configuration there."""

    folder: Path

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True)
        settings = f'[core]\nsshCommand = "ssh -F {self.folder / "ssh_config"}"\n'
        (self.folder / "gitconfig").write_text(settings + "[user]\nname = ann\nemail = ann@example.org\n")
        self.show(self.make("key"))
        self.knows()

    @property
    def environment(self) -> dict[str, str]:
        """Variables that git is to see."""
        return {"GIT_CONFIG_GLOBAL": str(self.folder / "gitconfig"), "GIT_CONFIG_SYSTEM": os.devnull}

    @property
    def key(self) -> Path:
        """The one that is shown at first."""
        return self.folder / "key"

    def make(self, name: str, passphrase: str = "") -> Path:
        """A key pair."""
        path = self.folder / name
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-f", str(path)], check=True)
        return path

    def show(self, key: Path) -> None:
        """This key, and no other, to servers."""
        known = f"UserKnownHostsFile {self.folder / 'known_hosts'}\nGlobalKnownHostsFile /dev/null\n"
        text = f"IdentityFile {key}\nIdentitiesOnly yes\nIdentityAgent none\n{known}"
        (self.folder / "ssh_config").write_text(text)

    def knows(self, *lines: str) -> None:
        """These host keys, and no other."""
        (self.folder / "known_hosts").write_text("".join(lines))
