"""All that the tool starts dies with it, however it dies: two small processes above the one that works.

    front        what the user started: passes signals on, ends with the worker's exit code
     └─ guard    in a session of its own, so that the terminal's signals reach the front alone
         └─ worker   everything else: engine, plugins, Ansible and ssh descend from it

Each of them adopts what loses its parent below it. The front holds a pipe open: when that closes, or when the worker
ends, the guard kills every process that is left. Where the guard is killed, front and worker do it. A process group
would not be enough: the engine gives each plugin one of its own.
"""

import os
import select
import signal
import sys
from contextlib import suppress
from typing import NoReturn

from conpaas_iac.system import processes

PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGWINCH)
ORPHANED = signal.SIGUSR1  # what the worker gets when the guard dies


def begin() -> None:
    """Go on in a worker; front and guard never return from here. Nothing may have been started yet, no thread either.

    In the worker SIGTERM is as Ctrl-C.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    signal.pthread_sigmask(signal.SIG_BLOCK, PASSED_ON)  # until somebody is there to take them
    lives, held = os.pipe()
    processes.adopt_orphans()
    guard = os.fork()
    if guard:
        os.close(lives)
        _front(guard)
    os.close(held)
    os.setsid()
    processes.adopt_orphans()
    me = os.getpid()
    worker = os.fork()
    if worker:
        _guard(worker, lives)
    os.close(lives)
    processes.adopt_orphans()
    signal.signal(ORPHANED, _orphaned)
    processes.signal_at_parents_death(ORPHANED)
    if os.getppid() != me:
        os._exit(128 + signal.SIGKILL)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGWINCH, lambda number, _: processes.tell("ssh", number))  # a session on the user's terminal
    signal.pthread_sigmask(signal.SIG_UNBLOCK, PASSED_ON)


def _front(guard: int) -> NoReturn:
    _pass_on(guard)
    _, status = os.waitpid(guard, 0)
    if os.WIFSIGNALED(status):
        processes.end_descendants()
    os._exit(_code(status))


def _guard(worker: int, lives: int) -> NoReturn:
    """Wait for the end of the worker or of the front, whichever comes first."""
    wake, woken = os.pipe()
    os.set_blocking(woken, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
    _pass_on(worker)
    while (status := _reaped(worker)) is None:
        ready, _, _ = select.select([lives, wake], [], [])
        if lives in ready:  # the front holds nothing open any more
            processes.end_descendants()
            os._exit(128 + signal.SIGKILL)
        os.read(wake, 4096)
    processes.end_descendants()
    if os.WIFSIGNALED(status):
        text = f"conpaas: the run was killed (signal {os.WTERMSIG(status)}); the same command goes on from here\n"
        with suppress(OSError):
            os.write(2, text.encode())
    os._exit(_code(status))


def _reaped(worker: int) -> int | None:
    """How the worker ended; None while it lives. Others that ended are let go."""
    with suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == worker:
                return status
            if pid == 0:
                return None
    return None


def _pass_on(pid: int) -> None:
    def pass_on(number: int, _: object) -> None:
        with suppress(ProcessLookupError):
            os.kill(pid, number)

    for number in PASSED_ON:
        signal.signal(number, pass_on)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, PASSED_ON)


def _orphaned(*_: object) -> NoReturn:
    processes.end_descendants()
    os._exit(128 + signal.SIGKILL)


def _code(status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code
