"""A version is put beside the others and proved; nothing is current before it is switched to."""

import io
import os
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.module_utils.conpaas_node import Machine

from conpaas_iac.core.render import Code, Tree
from conpaas_iac.errors import Failure
from conpaas_iac.guest import switch
from conpaas_iac.machines import switch as sender
from conpaas_iac.machines.outcome import FIRST_CONTACT, Outcome
from conpaas_iac.machines.ssh import Access
from conpaas_iac.machines.visit import Visit
from conpaas_iac.runs.events import Event
from conpaas_iac.sources import archives
from tests.ssh import fake_ssh


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    made = Machine(tmp_path / "machine")
    made.state.mkdir(parents=True)
    monkeypatch.setattr(switch, "STAGED", tmp_path / "run" / "staged")
    owner = SimpleNamespace(pw_uid=os.getuid(), pw_gid=os.getgid())
    monkeypatch.setattr("ansible.module_utils.conpaas_code.pwd.getpwnam", lambda name: owner)
    return made


@pytest.fixture
def sent(tmp_path: Path) -> tuple[str, bytes]:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "index.php").write_text("two")
    archive = tmp_path / "code.tar.gz"
    return archives.normalise(tmp_path / "code", archive), archive.read_bytes()


def document(version: str, check: Path) -> dict[str, Any]:
    return {"code": {"version": version, "unit": "", "owner": ""}, "digest": "new", "check": str(check)}


def check(tmp_path: Path, line: str) -> Path:
    path = tmp_path / "check"
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(0o755)
    return path


def sent_and_proved(machine: Any, told: dict[str, Any], content: bytes, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(content)))
    return switch.unpack(machine, told) or switch.prove(machine, told)


def test_a_version_is_sent_once_proved_and_then_current(
    machine: Any, sent: tuple[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version, content = sent
    told = document(version, check(tmp_path, f"grep -q two {tmp_path}/run/staged/index.php"))
    assert switch.prove(machine, told) == switch.MISSING
    assert sent_and_proved(machine, told, content, monkeypatch) == 0
    code = machine.path("/srv/conpaas/code")
    assert not (code / "current").exists() and not (tmp_path / "run" / "staged").is_symlink()
    assert switch.prove(machine, told) == 0
    machine.remember("shipped", {"digest": "old", "paths": ["/etc/one"]})
    assert switch.switch(machine, told) == 0
    assert (code / "current" / "index.php").read_text() == "two"
    assert machine.recall("shipped") == {"digest": "new", "paths": ["/etc/one"]}


def test_a_version_that_fails_is_not_current(
    machine: Any, sent: tuple[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version, content = sent
    assert sent_and_proved(machine, document(version, check(tmp_path, "exit 3")), content, monkeypatch) == 3
    monkeypatch.setattr(switch, "SECONDS", 0.1)
    with pytest.raises(ValueError, match="no answer within"):
        switch.prove(machine, document(version, check(tmp_path, "exec sleep 60")))
    assert not machine.path("/srv/conpaas/code/current").exists()
    assert not (tmp_path / "run" / "staged").is_symlink()


def test_half_an_archive_leaves_nothing_in_place(
    machine: Any, sent: tuple[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version, content = sent
    with pytest.raises((OSError, EOFError, ValueError)):
        sent_and_proved(machine, document(version, check(tmp_path, "true")), content[: len(content) // 2], monkeypatch)
    assert switch.prove(machine, document(version, check(tmp_path, "true"))) == switch.MISSING


def test_both_sides_use_the_same_words() -> None:
    assert (sender.MISSING, sender.PROVED, sender.SWITCHED) == (switch.MISSING, switch.PROVED, switch.SWITCH)


# In place of the guest's program: machines named in $REFUSE refuse, those in $LOST break off once they are told.
PROGRAM = """
import os, sys
from pathlib import Path
verb, here, folder = sys.argv[1], os.environ["HOST"], Path(os.environ["DONE"])
with (folder / "asked").open("a") as file:
    file.write(verb + " " + here + "\\n")
if verb == "unpack":
    (folder / here).write_bytes(sys.stdin.buffer.read())
    sys.exit(0)
if here in os.environ.get("MISSING", "").split() and not (folder / here).exists():
    sys.exit(100)
if here in os.environ.get("REFUSE", "").split():
    sys.exit("the new version answers 500")
print("welcome")
print("proved", flush=True)
if sys.stdin.read() != "switch":
    sys.exit(0)
if here in os.environ.get("LOST", "").split():
    os.kill(os.getppid(), 9)
    sys.exit(1)
with (folder / "switched").open("a") as file:
    file.write(here + "\\n")
"""


@pytest.fixture
def far(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where two machines that an ssh of the test's own reaches write what they were asked."""
    fake_ssh(tmp_path, monkeypatch)
    monkeypatch.setattr(sender, "_program", lambda: PROGRAM)
    monkeypatch.setenv("DONE", str(tmp_path))
    (tmp_path / "code.tar.gz").write_bytes(b"archive")
    return tmp_path


def switched(far: Path) -> tuple[Outcome, list[str], list[str]]:
    """How it ended, what was said of it, and who switched."""
    tree = replace(Tree.empty("web-1"), code=Code("c0de", "", ""))
    archive, heard = str(far / "code.tar.gz"), list[Event]()
    known = {"archive": archive, "code_check": "/check"}
    visits = [Visit(f"web-{k}", f"10.60.0.{k}", "php", ("backend",), tree, True, **known) for k in (1, 2)]
    outcome = sender.run(visits, Access(far, far / "known_hosts", {}), heard.append)
    done = far / "switched"
    lines = sorted(done.read_text().split()) if done.exists() else []
    return outcome, sorted(f"{each.node} {each.phase} {each.state}" for each in heard), lines


def test_all_machines_switch_once_all_have_proved_it(far: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MISSING", "root@10.60.0.2")
    outcome, heard, done = switched(far)
    assert outcome == Outcome(("web-1", "web-2"), ())
    assert done == ["root@10.60.0.1", "root@10.60.0.2"]
    assert (far / "root@10.60.0.2").read_bytes() == b"archive" and not (far / "root@10.60.0.1").exists()
    steps = [f"{step} {state}" for step in ("stage", "switch") for state in ("done", "started")]
    assert heard == [f"{node} {step}" for node in ("web-1", "web-2") for step in steps]
    # One way there and one program for both steps, but where the archive had to be sent.
    assert sorted((far / "asked").read_text().split("\n")[:-1]) == [
        "prove root@10.60.0.1", "prove root@10.60.0.2", "prove root@10.60.0.2", "unpack root@10.60.0.2"
    ]  # fmt: skip


def test_where_one_refuses_none_switches(far: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REFUSE", "root@10.60.0.2")
    outcome, heard, done = switched(far)
    refused = Failure("web-2", "stage", "the new version answers 500")
    assert outcome == Outcome((), (refused,), untouched=("web-1",))
    assert not done and "web-2 stage failed" in heard


def test_one_that_cannot_be_reached_keeps_all_from_switching(far: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNREACHABLE", "10.60.0.1")
    outcome, _, done = switched(far)
    assert outcome == Outcome((), (Failure("web-1", FIRST_CONTACT, "ssh: Connection refused"),), untouched=("web-2",))
    assert not done


def test_a_machine_that_breaks_off_between_proof_and_switch_is_named(
    far: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOST", "root@10.60.0.2")
    outcome, heard, done = switched(far)
    assert outcome.confirmed == ("web-1",) and [each.step for each in outcome.failures] == ["switch"]
    assert done == ["root@10.60.0.1"] and "web-2 switch failed" in heard


def test_what_travels_is_small_and_begins(tmp_path: Path) -> None:
    program = sender._program()
    assert len(program) < 40_000  # of an argument's 128 KiB, quoted twice
    compile(program, "program", "exec")
