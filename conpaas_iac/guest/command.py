"""Runs on a machine, as root: one command, which is ended when whoever asked for it goes away.

Arguments: "input" or "", and the command line. Standard input is a stream of frames (four bytes of length, then the
content; an empty one is the end), so that what ends is told apart from what was cut off. Whoever asks keeps it open
until the command has ended.
"""

import os
import select
import signal
import subprocess
import sys
import threading
from contextlib import suppress

BEGUN = "\x1econpaas: begun"  # the first line on standard error
PATIENCE = 10.0  # seconds that a command has to end once it is told to
SSH_FAILED = 255  # means that to ssh, so no command may say it


def main(takes_input: bool, line: str) -> int:
    """The command's exit code, as a shell would say it."""
    stdin = subprocess.PIPE if takes_input else subprocess.DEVNULL
    os.write(2, f"{BEGUN}\n".encode())
    command = subprocess.Popen(["/bin/bash", "-c", line], stdin=stdin, start_new_session=True)
    if takes_input:
        threading.Thread(target=feed, args=(command,), daemon=True).start()
    watched, ended = select.poll(), os.pidfd_open(command.pid)
    watched.register(0, select.POLLRDHUP)  # with it comes POLLHUP: the other end is closed
    watched.register(ended, select.POLLIN)
    if ended not in dict(watched.poll()):
        end(command)
    code = command.wait()
    return 128 - code if code < 0 else min(code, SSH_FAILED - 1)


def feed(command: "subprocess.Popen[bytes]") -> None:
    """Standard input to the command; its input is only closed at a true end."""
    assert command.stdin is not None
    with suppress(BrokenPipeError):
        while (head := read(4)) is not None:
            content = read(int.from_bytes(head, "big"))
            if content is None:
                return
            if not content:
                command.stdin.close()
                return
            command.stdin.write(content)
            command.stdin.flush()


def read(size: int) -> bytes | None:
    """So many bytes, or None where they do not come any more."""
    parts = []
    while size:
        part = os.read(0, size)
        if not part:
            return None
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def end(command: "subprocess.Popen[bytes]") -> None:
    """Ask the command and all that it started to end, then make them."""
    with suppress(ProcessLookupError):
        os.killpg(command.pid, signal.SIGTERM)
        try:
            command.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            os.killpg(command.pid, signal.SIGKILL)


if __name__ == "__main__":
    # Not by way of sys.exit: a thread may still wait for input.
    os._exit(main(sys.argv[1] == "input", sys.argv[2]))
