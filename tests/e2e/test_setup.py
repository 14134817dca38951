"""Set-up on this machine's LXD: repeatable, and what it makes really boots."""

import json
import socket
import time
import uuid
from collections.abc import Iterator
from ipaddress import IPv4Address
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from conpaas_iac import cli, lxd
from conpaas_iac.host import base_image, parts
from conpaas_iac.host.bridge import gateway
from conpaas_iac.host.part import State
from conpaas_iac.host.profile import PROFILE
from conpaas_iac.host.route import ensure_route
from conpaas_iac.settings import Settings, load

BOOT_SECONDS = 30


@pytest.fixture(scope="module")
def settings() -> Settings:
    """This machine's, brought up by the command itself where something lacks."""
    assert cli.run(["setup"]) == 0
    return load()


@pytest.fixture
def guest(settings: Settings) -> Iterator[Any]:
    """A machine of the base image, started."""
    with lxd.errors("the test's guest"):
        instance = lxd.connect(settings).instances.create(
            {
                "name": f"test-setup-{uuid.uuid4().hex[:8]}",
                "type": "container",
                "source": {"type": "image", "alias": base_image.alias(settings)},
                "profiles": [PROFILE],
                "ephemeral": True,
                "config": {"user.conpaas.hostname": "blog-1"},
            },
            wait=True,
        )
        # sshd does not start without one; whoever makes a machine gives it its own.
        instance.files.put("/etc/ssh/ssh_host_ed25519_key", host_key(), mode="0600", uid=0, gid=0)
        instance.start(wait=True)
    yield instance
    instance.stop(force=True, wait=True)


def host_key() -> bytes:
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())


def said(guest: Any, *command: str) -> str:
    done = guest.execute(list(command))
    return str(done.stdout).strip()


def test_second_run_changes_nothing(settings: Settings) -> None:
    spoken: list[str] = []
    reports = list(parts.mend(parts.parts(settings), spoken.append))
    assert not any(report.mended for report in reports)
    assert spoken == []


def test_doctor_finds_all_there(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    code = cli.run(["doctor", "--format", "json"])
    document = json.loads(capsys.readouterr().out)
    assert [part for part in document["parts"] if part["state"] != "there"] == []
    assert (document["ok"], code) == (True, 0)


def test_route_is_kept(settings: Settings) -> None:
    assert ensure_route(settings).state is State.THERE


def test_doctor_says_what_is_missing_and_makes_nothing(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CONPAAS_LXD_PROJECT", "conpaas-absent")
    monkeypatch.setenv("CONPAAS_LXD_POOL", "conpaas-absent")
    assert cli.run(["doctor", "--format", "json"]) == 1
    states = {part["part"]: part["state"] for part in json.loads(capsys.readouterr().out)["parts"]}
    assert (states["project"], states["storage"], states["profile"]) == ("missing", "missing", "unknown")
    connection = lxd.connect(settings, "default")
    assert not connection.projects.exists("conpaas-absent")
    assert not connection.storage_pools.exists("conpaas-absent")


def test_guest_boots_whole(settings: Settings, guest: Any) -> None:
    address = wait_for_address(guest)
    assert address in gateway(settings).network
    assert wait_for_sshd(address).startswith(b"SSH-2.0-")
    assert said(guest, "systemctl", "is-system-running", "--wait") == "running"
    assert said(guest, "hostname") == "blog-1"
    assert "127.0.1.1 blog-1" in said(guest, "cat", "/etc/hosts")
    assert f"nameserver {gateway(settings).ip}" in said(guest, "cat", "/etc/resolv.conf")
    assert len(said(guest, "cat", "/etc/machine-id")) == 32
    assert "passwordauthentication no" in said(guest, "sshd", "-T", "-C", "user=root")


def wait_for_address(guest: Any) -> IPv4Address:
    until = time.monotonic() + BOOT_SECONDS
    while time.monotonic() < until:
        network = guest.state().network or {}
        found = [one["address"] for one in network.get("eth0", {}).get("addresses", []) if one["family"] == "inet"]
        if found:
            return IPv4Address(found[0])
        time.sleep(0.05)
    raise AssertionError("no address")


def wait_for_sshd(address: IPv4Address) -> bytes:
    until = time.monotonic() + BOOT_SECONDS
    while time.monotonic() < until:
        try:
            with socket.create_connection((str(address), 22), 1) as line:
                return line.recv(64)
        except OSError:
            time.sleep(0.05)
    raise AssertionError("no sshd")
