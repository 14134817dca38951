"""Strict SSH to machines: the login key in an agent, never on disk; host keys as the stack recorded them."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from conpaas_iac.errors import ConpaasError, UserError
from conpaas_iac.system import memory


@dataclass(frozen=True)
class Access:
    """A private folder on a memory file system, and the variables that let ssh find the agent."""

    folder: Path
    known_hosts: Path
    environment: Mapping[str, str]

    @property
    def stop(self) -> Path:
        """Where this file is, plays that are going on begin no other batch."""
        return self.folder / "stop"

    def options(self) -> tuple[str, ...]:
        """Options for ssh: only our key, only recorded hosts."""
        return (
            *("-o", f"UserKnownHostsFile={self.known_hosts}"),
            *("-o", "GlobalKnownHostsFile=/dev/null"),
            *("-o", "StrictHostKeyChecking=yes"),
            *("-o", "HostKeyAlgorithms=ssh-ed25519"),
            *("-o", "PasswordAuthentication=no"),
            *("-F", "/dev/null"),
        )


def greets(ip: str, port: int = 22, seconds: float = 3) -> str:
    """Why no SSH server greets there; "" where one does."""
    try:
        with socket.create_connection((ip, port), timeout=seconds) as connection:
            return "" if connection.recv(4) == b"SSH-" else "no SSH server greets"
    except OSError as error:
        return error.strerror or str(error)


@contextmanager
def access(login: str, machines: Mapping[str, Mapping[str, str]]) -> Iterator[Access]:
    """Access to the machines, node -> {ip, hostKey: a line for each that it may show}, for the time of the context."""
    with memory.folder() as folder:
        known_hosts = folder / "known_hosts"
        keys = ((each["ip"], key) for each in machines.values() for key in each["hostKey"].splitlines())
        known_hosts.write_text("".join(f"{ip} {key}\n" for ip, key in keys))
        with _agent(folder / "agent", login) as socket:
            yield Access(folder, known_hosts, {"SSH_AUTH_SOCK": str(socket)})


# Ends with its standard input, which the tool holds open: also where nothing supervises it.
AGENT = """
ssh-agent -D -a "$1" &
read -r _
kill "$!"
"""


@contextmanager
def _agent(socket: Path, login: str) -> Iterator[Path]:
    if shutil.which("ssh-agent") is None:
        raise UserError("ssh-agent is not installed", "apt install openssh-client")
    agent = subprocess.Popen(
        ["sh", "-c", AGENT, "ssh-agent", str(socket)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is not for it
    )
    assert agent.stdin is not None
    assert agent.stdout is not None
    try:
        agent.stdout.readline()  # it prints its variables once the socket is there
        added = subprocess.run(
            ["ssh-add", "-q", "-"],
            input=login.encode(),
            env={**os.environ, "SSH_AUTH_SOCK": str(socket)},
            capture_output=True,
            check=False,
        )
        if added.returncode:
            raise ConpaasError(f"ssh-add refused the login key: {added.stderr.decode().strip()}")
        yield socket
    finally:
        with suppress(BrokenPipeError):
            agent.stdin.close()
        agent.wait()
        agent.stdout.close()
