"""One bake at a time, and a killed one holds nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from conpaas_iac.errors import LeaseHeldError
from conpaas_iac.settings import Settings
from conpaas_iac.system.flock import alone

HOLD = """
import sys
from conpaas_iac.system.flock import alone
from conpaas_iac.settings import Settings
with alone(Settings(state_dir=sys.argv[1]), "image-php"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_who_holds_it_is_said_and_others_are_free(tmp_path: Path) -> None:
    settings = Settings(state_dir=str(tmp_path))
    with alone(settings, "image-php"):
        said = rf"process {os.getpid()}, `conpaas .*`, since \d\d:"
        with pytest.raises(LeaseHeldError, match=said) as held, alone(settings, "image-php"):
            pass
        assert held.value.exit_code == 4
        with alone(settings, "image-mysql"):
            pass
    with alone(settings, "image-php"):
        pass


def test_a_killed_holder_holds_nothing(tmp_path: Path) -> None:
    settings = Settings(state_dir=str(tmp_path))
    command = [sys.executable, "-c", HOLD, str(tmp_path), "up"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(LeaseHeldError, match=f"process {holder.pid}"), alone(settings, "image-php"):
            pass
        holder.kill()
        holder.wait()
    with alone(settings, "image-php"):
        pass


def test_a_holder_that_has_said_nothing_yet(tmp_path: Path) -> None:
    settings = Settings(state_dir=str(tmp_path))
    with alone(settings, "image-php"):
        (tmp_path / "holders" / "image-php.json").write_text("")
        with pytest.raises(LeaseHeldError, match="it has just begun"), alone(settings, "image-php"):
            pass
