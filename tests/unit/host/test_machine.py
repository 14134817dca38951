"""Foreign failures become one line and a remedy."""

import errno
import sys
from pathlib import Path

import pytest

from conpaas_iac.errors import UserError
from conpaas_iac.host import machine

NETWORK = "check this machine's network and name server, then run conpaas setup again"


@pytest.mark.parametrize(
    ("lines", "shown", "remedy"),
    [
        (["Reading…", "E: Failed to fetch http://x  Could not connect", "E: it failed to run"], "E: Failed", NETWORK),
        (["go: x: dial tcp: lookup proxy: no such host"], "go: x", NETWORK),
        (["write error: No space left on device", "done"], "write error", machine.MAKE_ROOM),
        (["fine", "error: strange"], "error: strange", ""),
        (["fine", "last"], "last", ""),
        ([], "it said nothing", ""),
    ],
)
def test_failure_shows_the_line_that_matters(lines: list[str], shown: str, remedy: str) -> None:
    error = machine.failure("apt-get install", 100, lines)
    assert error.message.startswith(f"apt-get install failed (100): {shown}")
    assert error.remedy == remedy


def test_run_streams_and_translates() -> None:
    said: list[str] = []
    script = "import os; print(os.environ['COLOUR']); print('E: no such host'); raise SystemExit(3)"
    with pytest.raises(UserError, match=r"^trying failed \(3\): E: no such host$"):
        machine.run("trying", [sys.executable, "-c", script], said.append, COLOUR="blue")
    assert said == ["    blue", "    E: no such host"]


def test_program_that_is_not_there() -> None:
    with pytest.raises(UserError, match="not there"):
        machine.run("trying", ["/nowhere/program"])


def test_full_disk_and_no_rights() -> None:
    with pytest.raises(UserError, match="disk is full") as raised, machine.quick_errors("image"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert raised.value.remedy == machine.MAKE_ROOM
    with pytest.raises(UserError, match="permission denied"), machine.quick_errors("image"):
        raise PermissionError(errno.EACCES, "denied", "/etc/x")


def test_space_is_asked_of_the_disk_that_will_hold_the_folder(tmp_path: Path) -> None:
    machine.need_space(tmp_path / "not" / "yet", 0.0, "x")
    with pytest.raises(UserError, match="x needs 1e"):
        machine.need_space(tmp_path / "not" / "yet", 1e9, "x")
