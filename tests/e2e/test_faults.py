"""What goes wrong on real machines, and what the user is told."""

import os
import pty
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from tests.e2e.conftest import CONPAAS, Story

SYNTAX_ERROR = "<?php echo 'a' oops; ?>"
PORT_TAKEN = """#!/bin/sh
exec systemd-run --quiet --unit=squatter python3 -m http.server 80
"""


def code(story: Story, page: str) -> None:
    """An application of one page."""
    source = story.folder / "code"
    source.mkdir(exist_ok=True)
    (source / "index.php").write_text(page)
    subprocess.run(["tar", "-C", source, "-czf", story.folder / "code.tar.gz", "."], check=True)


def service(**more: object) -> dict[str, object]:
    return {"Services": [{"Type": "php", "ServiceName": "front", **more}]}


def test_a_syntax_error_names_machine_step_and_line_and_mending_it_is_enough(story: Story) -> None:
    code(story, SYNTAX_ERROR)
    story.write(service(Archive="code.tar.gz"))
    said = story.conpaas("up", story.manifest, fails=3)
    assert "front-1, verify:" in said
    assert 'unexpected identifier "oops"' in said and "index.php on line 1" in said
    assert "not configured yet" in story.conpaas("status", story.name, fails=3)
    code(story, "<?php echo 'mended'; ?>")
    story.conpaas("up", story.manifest)
    assert story.status()["well"]


def test_a_taken_port_is_named_with_who_holds_it(story: Story) -> None:
    script = story.folder / "squat.sh"
    script.write_text(PORT_TAKEN)
    story.write(service(StartupScript="squat.sh"))
    said = story.conpaas("up", story.manifest, fails=3)
    assert "front-1, settle:" in said and "haproxy" in said
    assert re.search(r"port 80 .*python3", said, re.DOTALL), said


def test_what_cannot_be_fetched_is_said_before_anything_is_created(story: Story) -> None:
    story.write(service(Archive="http://127.0.0.1:9/none.tar.gz"))
    assert "127.0.0.1" in story.conpaas("up", story.manifest, fails=1)
    assert story.left() == []


def test_ci_needs_a_lock_file_and_names_the_command(story: Story) -> None:
    story.write(service())
    story.environment["CI"] = "true"
    assert "conpaas lock" in story.conpaas("up", story.manifest, fails=1)
    story.conpaas("lock", story.manifest)
    assert "1 to add" in story.conpaas("plan", story.manifest)


def test_ctrl_c_ends_cleanly_and_the_next_up_goes_on(story: Story) -> None:
    story.write(service())
    screen = on_terminal(story, lambda text: "machine" in text, "up", story.manifest, stop=True)
    assert "stopped, as asked. Not done:" in screen and "Traceback" not in screen
    story.conpaas("up", story.manifest)
    assert story.status()["well"]


def test_ctrl_c_lets_machines_be_configured_to_the_end(story: Story) -> None:
    story.write(service(StartupInstances={"backend": 2}))
    story.conpaas("up", story.manifest)
    story.write(service(StartupInstances={"backend": 1}))
    events = story.folder / "events"
    told = ("up", story.manifest, "--events", events)
    screen = on_terminal(story, lambda _: events.exists() and '"ship"' in events.read_text(), *told, stop=True)
    assert "error: stopped, as asked. Not done: leave front-2" in screen, screen
    assert '"phase":"confirm","state":"done","node":"front-1"' in events.read_text().replace(" ", "")
    story.conpaas("up", story.manifest)
    assert [node["name"] for node in story.status()["nodes"]] == ["front-1"]


def test_the_live_view_shows_machines_and_phases(story: Story) -> None:
    story.write(service())
    screen = on_terminal(story, lambda text: "Ready in" in text, "up", story.manifest)
    last = screen[screen.rindex("verify") :]
    assert re.search(r"front-1\s+✓", last), screen


def on_terminal(
    story: Story, until: Callable[[str], bool], *arguments: str | Path, stop: bool = False, seconds: float = 120
) -> str:
    """Run a command on a pseudo terminal; all that it drew. With `stop`, Ctrl-C once `until` holds."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [CONPAAS, *map(str, arguments)],
        env={**story.environment, "TERM": "xterm-256color", "COLUMNS": "120", "LINES": "40"},
        stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
    )  # fmt: skip
    os.close(slave)
    text, sent, deadline = "", False, time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            text += os.read(master, 65536).decode(errors="replace")
        except OSError:  # the other end is closed: it has ended
            break
        if stop and not sent and until(text):
            os.killpg(process.pid, signal.SIGINT)
            sent = True
    code = process.wait(timeout=30)
    os.close(master)
    assert until(text), text
    assert code == (130 if stop else 0), text
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)
