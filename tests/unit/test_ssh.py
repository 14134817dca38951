"""The agent that holds the login key ends with the tool, supervised or not."""

import os
import subprocess
import sys
from pathlib import Path

from conpaas_iac.machines.ssh import access
from conpaas_iac.provider.identity import ssh_key_pair
from conpaas_iac.system import memory
from tests.processes import gone_within, marked

HOLD = """
import sys
from conpaas_iac.provider.identity import ssh_key_pair
from conpaas_iac.machines.ssh import access
with access(ssh_key_pair("test")[0], {}) as way:
    print(way.folder, flush=True)
    sys.stdin.read()
"""


def test_the_agent_has_the_key_for_as_long_as_it_is_needed() -> None:
    private, public = ssh_key_pair("test")
    with access(private, {"web-1": {"ip": "10.0.0.1", "hostKey": "ssh-ed25519 AAAA"}}) as way:
        listed = subprocess.run(
            ["ssh-add", "-L"], env={**os.environ, **way.environment}, capture_output=True, text=True, check=True
        )
        assert listed.stdout.split()[:2] == public.split()[:2]
        assert way.known_hosts.read_text() == "10.0.0.1 ssh-ed25519 AAAA\n"
    assert not way.folder.exists()


def test_a_killed_tool_leaves_no_agent(tmp_path: Path) -> None:
    mark = f"CONPAAS_TEST_OF_THE_AGENT={tmp_path}"
    name, value = mark.split("=")
    with subprocess.Popen(
        [sys.executable, "-c", HOLD], env={**os.environ, name: value}, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as tool:
        assert tool.stdout
        folder = Path(tool.stdout.readline().decode().strip())
        assert "ssh-agent" in marked(mark).values()
        tool.kill()
        tool.wait()
    assert gone_within(2, mark)
    assert folder.exists()
    with memory.folder() as other:
        assert other.exists() and not folder.exists()
