"""A command on a machine: its streams, its end, and what happens when nobody waits for it any more."""

import io
import os
import random
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pytest

from conpaas_iac.errors import UserError
from conpaas_iac.guest import command as guest
from conpaas_iac.machines import remote
from conpaas_iac.machines.remote import Command, Ended
from tests.ssh import fake_ssh

PATIENCE = 20.0


@pytest.fixture(autouse=True)
def ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return fake_ssh(tmp_path, monkeypatch)


def begin(line: str, source: IO[bytes] | None = None) -> Command:
    return Command(["ssh", "root@10.60.0.1"], {}, line, source)


def ran(line: str, source: IO[bytes] | None = None) -> tuple[Ended, bytes]:
    pieces: list[bytes] = []
    return begin(line, source).wait(pieces.append), b"".join(pieces)


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_both_sides_use_the_same_words() -> None:
    assert remote.BEGUN == guest.BEGUN


@pytest.mark.parametrize("size", [0, 1, 65_536, 5_000_001])
def test_bytes_come_back_as_they_were_sent(tmp_path: Path, size: int) -> None:
    data = random.Random(size).randbytes(size)
    (tmp_path / "data").write_bytes(data)
    with (tmp_path / "data").open("rb", buffering=0) as source:
        ended, back = ran("cat", source)
    assert (ended, back == data) == (Ended(0, True, ()), True)


def test_without_input_it_reads_nothing() -> None:
    assert ran("cat; echo done") == (Ended(0, True, ()), b"done\n")


@pytest.mark.parametrize(
    ("line", "code"), [("exit 7", 7), ("exit 255", 254), ("kill -9 $$", 137), ("no-such-command-at-all", 127)]
)
def test_exit_codes(line: str, code: int) -> None:
    ended, _ = ran(line)
    assert (ended.code, ended.begun, ended.was_cut) == (code, True, False)


def test_the_last_lines_of_its_errors_are_kept() -> None:
    heard: list[str] = []
    line = "for n in $(seq 1 300); do echo line $n >&2; done; printf 'no end' >&2; exit 3"
    ended = Command(["ssh", "root@10.60.0.1"], {}, line, None, heard.append).wait(lambda _: None)
    assert (len(heard), len(ended.lines), ended.lines[-1]) == (301, remote.KEPT, "no end")


def test_a_machine_that_ssh_cannot_reach(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("UNREACHABLE", "10.60.0.1")
    (tmp_path / "data").write_bytes(b"data")
    with (tmp_path / "data").open("rb", buffering=0) as source:
        ended, _ = ran("cat", source)
        assert (ended.code, ended.begun, ended.lines[-1]) == (255, False, "ssh: Connection refused")
        assert source.tell() == 0  # so it can be sent to another one


def told(line: str) -> Command:
    return Command(["ssh", "root@10.60.0.1"], {}, line, told=True)


def test_one_that_is_told_waits_for_the_word() -> None:
    command, back = told("echo ready; cat; echo done"), list[bytes]()
    assert command.answer() == "ready"
    command.tell("go\n")
    assert command.wait(back.append) == Ended(0, True, ())
    assert b"".join(back) == b"go\ndone\n"


def test_one_that_is_told_nothing_hears_no_end_of_its_input(tmp_path: Path) -> None:
    command = told(f"trap 'touch {tmp_path}/told; exit 1' TERM; echo ready; read word; touch {tmp_path}/whole")
    assert command.answer() == "ready"
    command.end()
    command.wait(lambda _: None)
    until((tmp_path / "told").exists)
    assert not (tmp_path / "whole").exists()


def test_one_that_has_ended_answers_nothing_and_may_be_told_all_the_same() -> None:
    command = told("exit 7")
    assert command.answer() == ""
    command.tell("go")
    assert command.wait(lambda _: None).code == 7


def test_a_command_need_not_read_all(tmp_path: Path) -> None:
    with Path("/dev/zero").open("rb", buffering=0) as endless:
        assert ran("head -c 10 | wc -c", endless) == (Ended(0, True, ()), b"10\n")
        assert ran("exec 0<&-; sleep 0.3; echo later", endless)[1] == b"later\n"


def test_input_that_cannot_be_read_ends_it(tmp_path: Path) -> None:
    class Broken(io.FileIO):
        def read(self, size: int = -1, /) -> bytes:
            raise OSError(5, "Input/output error")

    (tmp_path / "data").write_bytes(b"")
    line = f"cat > {tmp_path}/got && echo whole > {tmp_path}/whole"
    with pytest.raises(UserError, match="data: cannot be read: Input/output error"):
        ran(line, Broken(tmp_path / "data"))
    assert not (tmp_path / "whole").exists()


@pytest.mark.parametrize("takes_input", [False, True])
def test_interrupted_it_is_ended_there_and_its_input_does_not_look_whole(tmp_path: Path, takes_input: bool) -> None:
    """`read` waits for the rest of the input; the end of the pipe would make it go on."""
    reading, writing = os.pipe()
    os.write(writing, b"half a line")
    line = (
        f"trap 'echo told > {tmp_path}/told; exit 1' TERM; touch {tmp_path}/begun; "
        f"{'read line' if takes_input else 'sleep 60 & wait'}; echo $line > {tmp_path}/whole"
    )
    with os.fdopen(reading, "rb", buffering=0) as source:
        command = begin(line, source if takes_input else None)

        def interrupt() -> None:
            until((tmp_path / "begun").exists)
            os.kill(os.getpid(), signal.SIGINT)

        threading.Thread(target=interrupt).start()
        with pytest.raises(KeyboardInterrupt):
            command.wait(lambda _: None)
    os.close(writing)
    until((tmp_path / "told").exists)
    assert not (tmp_path / "whole").exists()


def test_where_the_output_cannot_be_kept_it_is_ended(tmp_path: Path) -> None:
    def full(_: bytes) -> None:
        raise UserError("the disk is full")

    command = begin(f"trap 'echo told > {tmp_path}/told; exit 1' TERM; echo x; while :; do sleep 0.05; done")
    with pytest.raises(UserError, match="full"):
        command.wait(full)
    until((tmp_path / "told").exists)


def test_a_connection_that_breaks_is_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BREAKS_WHEN", str(tmp_path / "begun"))
    ended, _ = ran(f"trap 'echo told > {tmp_path}/told; exit 1' TERM; touch {tmp_path}/begun; sleep 60 & wait")
    assert (ended.code, ended.was_cut) == (255, True)
    until((tmp_path / "told").exists)
