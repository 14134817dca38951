"""One run at a time, and a killed one holds nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from conpaas_iac.errors import LeaseHeldError
from conpaas_iac.holding import holding
from conpaas_iac.settings import Settings

HOLD = """
import sys
from conpaas_iac.holding import holding
from conpaas_iac.settings import Settings
with holding(Settings(state_dir=sys.argv[1]), "shop.default"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_who_holds_it_is_said_and_others_are_free(tmp_path: Path) -> None:
    settings = Settings(state_dir=str(tmp_path))
    with holding(settings, "shop.default"):
        said = rf"process {os.getpid()}, `conpaas .*`, since \d\d:"
        with pytest.raises(LeaseHeldError, match=said) as held, holding(settings, "shop.default"):
            pass
        assert held.value.exit_code == 4
        with holding(settings, "blog.default"):
            pass
    with holding(settings, "shop.default"):
        pass


def test_a_killed_holder_holds_nothing(tmp_path: Path) -> None:
    settings = Settings(state_dir=str(tmp_path))
    command = [sys.executable, "-c", HOLD, str(tmp_path), "up"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(LeaseHeldError, match=f"process {holder.pid}"), holding(settings, "shop.default"):
            pass
        holder.kill()
        holder.wait()
    with holding(settings, "shop.default"):
        pass


def test_a_holder_that_has_said_nothing_yet(tmp_path: Path) -> None:
    settings = Settings(state_dir=str(tmp_path))
    with holding(settings, "shop.default"):
        (tmp_path / "holders" / "shop.default.json").write_text("")
        with pytest.raises(LeaseHeldError, match="it has just begun"), holding(settings, "shop.default"):
            pass
