"""All that the tool starts dies with it, whichever of its processes is killed, and signals reach who works."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.processes import gone_within, marked

MARK = "CONPAAS_TEST_OF_SUPERVISION"

# The worker starts what an engine starts: a child in a group of its own, one in a session of its own, and one whose
# parent has gone. Then it waits, and says what it heard.
TOOL = """
import os, signal, subprocess, sys, time
from conpaas_iac.system import supervisor
supervisor.begin()
subprocess.Popen(["sleep", "600"], process_group=0)
subprocess.Popen(["sleep", "601"], start_new_session=True)
subprocess.run(["sh", "-c", "setsid sleep 602 & exit 0"])
print(os.getpid(), flush=True)
for _ in range(2):
    try:
        line = sys.stdin.readline()
        break
    except KeyboardInterrupt:
        print("interrupted", flush=True)
if "stop" in line:
    os.kill(os.getpid(), signal.SIGSTOP)
sys.exit(int(line or 7))
"""


@dataclass
class Run:
    """A supervised run and the mark of its processes."""

    front: subprocess.Popen[str]
    mark: str
    worker: int = 0

    @property
    def guard(self) -> int:
        """The process between."""
        return int(Path(f"/proc/{self.worker}/stat").read_text().rpartition(") ")[2].split()[1])


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """A run that waits for its standard input."""
    mark = f"{MARK}={tmp_path}"
    front = subprocess.Popen(
        [sys.executable, "-c", TOOL],
        env={**os.environ, MARK: str(tmp_path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    made = Run(front, mark)
    try:
        assert front.stdout
        made.worker = int(front.stdout.readline())
        assert len(marked(mark)) == 6
        yield made
    finally:
        for pid in marked(mark):
            os.kill(pid, signal.SIGKILL)
        front.communicate()


@pytest.mark.parametrize("who", [("front",), ("guard",), ("worker",), ("front", "guard"), ("guard", "worker")])
def test_whoever_is_killed_nothing_lives(run: Run, who: tuple[str, ...]) -> None:
    pids = {"front": run.front.pid, "guard": run.guard, "worker": run.worker}
    for each in who:
        os.kill(pids[each], signal.SIGKILL)
    assert gone_within(2, run.mark)
    if who == ("worker",):
        _, said = run.front.communicate()
        assert run.front.returncode == 128 + signal.SIGKILL
        assert "killed (signal 9); the same command goes on from here" in said


def test_a_worker_that_is_stopped_dies_with_the_front(run: Run) -> None:
    os.kill(run.worker, signal.SIGSTOP)
    run.front.kill()
    assert gone_within(2, run.mark)


def test_exit_codes_come_through_and_nothing_stays(run: Run) -> None:
    run.front.communicate("3\n")
    assert run.front.returncode == 3
    assert gone_within(0.1, run.mark)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_reach_the_worker_alone_and_once(run: Run, number: int) -> None:
    os.killpg(run.front.pid, number)  # as a terminal does
    assert run.front.stdout
    assert run.front.stdout.readline() == "interrupted\n"
    run.front.communicate("0\n")
    assert run.front.returncode == 0
    assert run.front.stdout.closed


def test_it_costs_little() -> None:
    code = "import sys, time; from conpaas_iac.system import supervisor; begun = time.monotonic(); "
    ends = "print(time.monotonic() - begun)"
    took = []
    for _ in range(5):
        done = subprocess.run(
            [sys.executable, "-c", f"{code}supervisor.begin(); {ends}"], capture_output=True, text=True, check=True
        )
        took.append(float(done.stdout))
    assert min(took) < 0.05


ASKS = """
from conpaas_iac.system import supervisor
supervisor.begin()
import click
import os
print(os.get_terminal_size(1).columns)
print(click.confirm("Sure?"), click.prompt("Secret", hide_input=True))
click.confirm("Again?")
"""


def test_questions_on_a_terminal_and_ctrl_c_there() -> None:
    """The worker is in another session than the terminal, and may use it all the same."""
    pexpect = pytest.importorskip("pexpect")
    terminal = pexpect.spawn(sys.executable, ["-c", ASKS], dimensions=(24, 91), timeout=20, encoding="utf-8")
    terminal.expect("91\r\n")
    terminal.expect("Sure")
    terminal.sendline("y")
    terminal.expect("Secret: ")
    terminal.sendline("hidden")
    terminal.expect("True hidden\r\n")
    assert terminal.before.strip() == ""  # no echo
    terminal.expect("Again")
    terminal.sendintr()
    terminal.expect("Abort")
    terminal.wait()
    assert terminal.exitstatus == 1


RESIZED = """
import subprocess, sys
from conpaas_iac.system import supervisor
supervisor.begin()
subprocess.run([sys.argv[1]])
"""


def test_a_session_hears_of_the_terminals_size(tmp_path: Path) -> None:
    pexpect = pytest.importorskip("pexpect")
    program = tmp_path / "ssh"
    program.write_text("#!/bin/sh\ntrap 'stty size; exit' WINCH\necho waiting\nwhile :; do sleep 0.05; done\n")
    program.chmod(0o755)
    terminal = pexpect.spawn(sys.executable, ["-c", RESIZED, str(program)], timeout=20, encoding="utf-8")
    terminal.expect("waiting")
    terminal.setwinsize(33, 77)
    terminal.expect("33 77")
    terminal.wait()
