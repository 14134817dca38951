"""The one-time host key of a machine is replaced by one that it makes itself; a kill at any moment locks nobody out."""

import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conpaas_iac.backend import hostkeys as known
from conpaas_iac.backend.record import HostKey, Record
from conpaas_iac.core.places import Place
from conpaas_iac.core.render import Tree
from conpaas_iac.engine.engine_state import Machines
from conpaas_iac.errors import Failure
from conpaas_iac.machines.outcome import FIRST_CONTACT, Outcome
from conpaas_iac.machines.ssh import access
from conpaas_iac.machines.visit import Visit
from conpaas_iac.network.membership import Authorities
from conpaas_iac.provider.identity import ssh_key_pair
from conpaas_iac.shipped import folder
from conpaas_iac.usecases import hostkeys
from tests.builders import build, service

FIRST, OWN = "ssh-ed25519 AAAAfirst", "ssh-ed25519 AAAAown"
NODES = {"web-1": {"id": "i-1", "ip": "198.51.100.1", "hostKey": FIRST}}


def test_both_keys_count_until_the_machine_has_proved_itself() -> None:
    there = Record()
    assert known.shown(there, NODES) == NODES
    there = replace(there, host_keys={"web-1": HostKey("i-1", OWN)})
    assert known.shown(there, NODES)["web-1"]["hostKey"].splitlines() == [FIRST, OWN]
    there = there.confirmed([("i-1", Tree.empty("web-1"))])
    assert known.shown(there, NODES)["web-1"]["hostKey"].splitlines() == [OWN]
    reborn = {"web-1": {**NODES["web-1"], "id": "i-2"}}
    assert known.shown(there, reborn) == reborn
    renamed = there.renamed({"web-1": "front-1"}, {"web": "front"})
    assert known.own(renamed, "front-1", "i-1") == OWN


def test_the_key_of_one_machine_stays_when_another_confirms() -> None:
    there = Record(host_keys={"web-1": HostKey("i-1", OWN)}).confirmed([("i-9", Tree.empty("db-1"))])
    assert known.own(there, "web-1", "i-1") == OWN


def test_every_key_is_a_line_of_known_hosts() -> None:
    login, _ = ssh_key_pair("x")
    with access(login, {"web-1": {"ip": "198.51.100.1", "hostKey": f"{FIRST}\n{OWN}"}}) as way:
        lines = way.known_hosts.read_text().splitlines()
    assert lines == [f"198.51.100.1 {FIRST}", f"198.51.100.1 {OWN}"]


class Play:
    """Stands where Ansible stands."""

    def __init__(self, *silent: str) -> None:
        self.silent, self.asked = silent, list[str]()

    def __call__(self, playbook: str, visits: Sequence[Visit], access: Any, listen: Any) -> Outcome:
        assert playbook == "hostkey"
        self.asked += [visit.node for visit in visits]
        failures = tuple(Failure(node, FIRST_CONTACT, "no route") for node in self.silent)
        keys = {visit.node: OWN for visit in visits if visit.node not in self.silent}
        return Outcome(tuple(keys), failures, host_keys=keys)


def made(there: Record, play: Play, provider: str = "aws") -> Record:
    layout = replace(build(service(counts={"backend": 2}, cloud="far")), places={"far": Place("far", provider)})
    nodes = {**NODES, "web-2": {"id": "i-2", "ip": "198.51.100.2", "hostKey": FIRST}}
    login, _ = ssh_key_pair("x")
    machines = Machines("owner", login, nodes, Authorities(), "", {})
    wish: Any = type("Wish", (), {"topology": layout})()
    kept: list[Record] = []
    after = hostkeys.made(wish, machines, there, kept.append, lambda event: None, play)
    assert kept in ([], [after])
    return after


def test_new_machines_are_asked_once() -> None:
    play = Play()
    there = made(Record(), play)
    assert there.host_keys == {"web-1": HostKey("i-1", OWN), "web-2": HostKey("i-2", OWN)}
    assert made(there, play) == there
    assert play.asked == ["web-1", "web-2"]


def test_one_that_does_not_answer_is_asked_again() -> None:
    there = made(Record(), Play("web-2"))
    assert set(there.host_keys) == {"web-1"}
    play = Play()
    made(there, play)
    assert play.asked == ["web-2"]


def test_machines_that_were_given_their_key_otherwise_keep_it() -> None:
    play = Play()
    assert made(Record(), play, "lxd") == Record()
    assert play.asked == []


@pytest.fixture
def ssh(tmp_path: Path) -> Path:
    """A machine's folder of SSH, with the key that it booted with."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "systemctl").write_text(f'#!/bin/sh\necho "$*" >> {tmp_path}/reloads\n')
    (tmp_path / "bin" / "systemctl").chmod(0o755)
    ssh = tmp_path / "ssh"
    ssh.mkdir()
    private, public = ssh_key_pair("first")
    (ssh / "ssh_host_ed25519_key").write_text(private)
    (ssh / "ssh_host_ed25519_key").chmod(0o600)
    (ssh / "ssh_host_ed25519_key.pub").write_text(public + "\n")
    return ssh


def script(ssh: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", str(folder("playbooks") / "files" / "hostkey.sh"), *arguments],
        env={"PATH": f"{ssh.parent / 'bin'}:/usr/bin:/bin", "SSH_FOLDER": str(ssh)},
        capture_output=True,
        text=True,
        check=False,
    )


def current(ssh: Path) -> str:
    """As sshd would read it: from the private half."""
    command = ["ssh-keygen", "-y", "-f", str(ssh / "ssh_host_ed25519_key")]
    return " ".join(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[:2])


def test_a_key_is_made_once_and_used_when_told(ssh: Path) -> None:
    before = current(ssh)
    public = script(ssh, "make").stdout.strip()
    assert script(ssh, "make").stdout.strip() == public
    assert current(ssh) == before != public
    for _ in range(2):
        assert script(ssh, "use", public).returncode == 0
        assert current(ssh) == public
    assert (ssh.parent / "reloads").read_text().splitlines() == ["reload ssh.service"] * 2
    assert (ssh / "ssh_host_ed25519_key").stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in ssh.iterdir()) == ["ssh_host_ed25519_key", "ssh_host_ed25519_key.pub"]


def test_what_a_kill_left_is_made_good(ssh: Path) -> None:
    public = script(ssh, "make").stdout.strip()
    # Killed between the two halves: sshd's private key is the new one, its public one not yet.
    (ssh / "ssh_host_ed25519_key").write_bytes((ssh / "ssh_host_ed25519_key.conpaas").read_bytes())
    assert script(ssh, "use", public).returncode == 0
    assert current(ssh) == public
    assert (ssh / "ssh_host_ed25519_key.pub").read_text().startswith(public)
    # Killed while it was made: half a key is no key.
    (ssh / "ssh_host_ed25519_key.conpaas.pub").write_text("ssh-ed25519 half\n")
    assert script(ssh, "make").stdout.strip() not in ("", "ssh-ed25519 half", public)


def test_another_key_than_the_recorded_one_is_not_used(ssh: Path) -> None:
    before = current(ssh)
    script(ssh, "make")
    done = script(ssh, "use", OWN)
    assert (done.returncode, current(ssh)) == (1, before)
    assert "is not here any more" in done.stderr
