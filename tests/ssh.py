"""An ssh that runs what it is told on this machine."""

from pathlib import Path

import pytest

# As sshd does: what it runs has pipes of its own, whose ends close when the connection is gone.
FAKE = r"""#!/usr/bin/env python3
import os, subprocess, sys, threading, time
*options, place, line = sys.argv[1:]
with open(os.environ["SSH_LOG"], "a") as log:
    log.write(place + "\n")
if place.removeprefix("root@") in os.environ.get("UNREACHABLE", "").split():
    print("ssh: Connection refused", file=sys.stderr)
    sys.exit(255)
command = subprocess.Popen(["bash", "-c", line], stdin=subprocess.PIPE, env={**os.environ, "HOST": place})
def pump():
    while data := os.read(0, 65536):
        try:
            os.write(command.stdin.fileno(), data)
        except OSError:
            return
    command.stdin.close()
threading.Thread(target=pump, daemon=True).start()
while "BREAKS_WHEN" in os.environ and command.poll() is None:
    if os.path.exists(os.environ["BREAKS_WHEN"]):
        os._exit(255)
    time.sleep(0.02)
os._exit(command.wait())
"""


def fake_ssh(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put it first on PATH; machines in $UNREACHABLE do not answer. Returns the log of those that were asked."""
    programs, log = folder / "programs", folder / "ssh.log"
    programs.mkdir()
    (programs / "ssh").write_text(FAKE)
    (programs / "ssh").chmod(0o755)
    log.touch()
    monkeypatch.setenv("PATH", str(programs), prepend=":")
    monkeypatch.setenv("SSH_LOG", str(log))
    return log
