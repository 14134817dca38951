"""Ansible as it is begun, and what is said where it does not begin."""

from pathlib import Path

import ansible_runner
import pytest

from conpaas_iac.core.render import Tree
from conpaas_iac.errors import MachineError
from conpaas_iac.machines.configure import Visit, run
from conpaas_iac.machines.ssh import Access
from conpaas_iac.runs.events import silent


def test_killed_before_its_first_word_it_is_no_bug_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ansible_runner, "run", lambda **_: None)
    visit = Visit("web-1", "127.0.0.1", "php", ("web",), Tree.empty("web-1"), True, "10.0.0.1")
    with pytest.raises(MachineError, match="Ansible did not start: it was killed") as failed:
        run("configure", [visit], Access(tmp_path, tmp_path / "known_hosts", {}), silent)
    assert failed.value.exit_code == 3 and failed.value.remedy
