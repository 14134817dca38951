"""Ansible as it is begun, and what is said where it does not begin."""

import signal
from pathlib import Path

import ansible_runner
import pytest

from conpaas_iac.core.render import Tree
from conpaas_iac.errors import MachineError
from conpaas_iac.machines.configure import Visit, run
from conpaas_iac.machines.ssh import Access
from conpaas_iac.runs.events import silent

VISIT = Visit("web-1", "127.0.0.1", "php", ("web",), Tree.empty("web-1"), True, "10.0.0.1")


def test_killed_before_its_first_word_it_is_no_bug_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ansible_runner, "run", lambda **_: None)
    with pytest.raises(MachineError, match="Ansible did not start: it was killed") as failed:
        run("configure", [VISIT], Access(tmp_path, tmp_path / "known_hosts", {}), silent)
    assert failed.value.exit_code == 3 and failed.value.remedy


def test_ctrl_c_stays_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ansible_runner.interface.Runner.run", lambda _: None)
    ours = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        with pytest.raises(MachineError, match="Ansible did not start"):
            run("configure", [VISIT], Access(tmp_path, tmp_path / "known_hosts", {}), silent)
        assert {each: signal.getsignal(each) for each in ours} == ours
    finally:
        for each, handler in ours.items():
            signal.signal(each, handler)
