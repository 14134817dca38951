"""Ansible as it is begun, and what is said where it does not begin."""

import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import ansible_runner
import pytest

from conpaas_iac.core.render import Tree
from conpaas_iac.errors import MachineError
from conpaas_iac.machines.configure import run
from conpaas_iac.machines.ssh import Access
from conpaas_iac.machines.visit import Visit
from conpaas_iac.runs.events import silent

VISIT = Visit("web-1", "127.0.0.1", "php", ("web",), Tree.empty("web-1"), True, "10.0.0.1")


def test_killed_before_its_first_word_it_is_no_bug_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ansible_runner, "run", lambda **_: None)
    with pytest.raises(MachineError, match="Ansible did not start: it was killed") as failed:
        run("configure", [VISIT], Access(tmp_path, tmp_path / "known_hosts", {}), silent)
    assert failed.value.exit_code == 3 and failed.value.remedy


@pytest.mark.parametrize("stopped", [True, False])
def test_machines_of_batches_that_did_not_begin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stopped: bool
) -> None:
    way = Access(tmp_path, tmp_path / "known_hosts", {})
    visits = [replace(VISIT, node=f"web-{k}", batch=k) for k in (1, 2, 3)]

    def play(extravars: dict[str, Any], event_handler: Any, **_: Any) -> None:
        assert extravars == {"conpaas_batches": [1, 1, 1], "conpaas_stop": str(way.stop)}
        event_handler({"event": "runner_on_start", "event_data": {"host": "web-1", "task": "ship"}})
        event_handler({"event": "playbook_on_stats", "event_data": {"ok": {"web-1": 5}}})
        if stopped:
            way.stop.touch()

    monkeypatch.setattr(ansible_runner, "run", play)
    outcome = run("configure", visits, way, silent)
    assert outcome.confirmed == ("web-1",)
    assert outcome.untouched == (("web-2", "web-3") if stopped else ())
    assert [each.node for each in outcome.failures] == ([] if stopped else ["web-2", "web-3"])


def test_what_tasks_changed_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results = {
        "install": {"changed": True},
        "ship": {"changed": True, "files": [{"path": "/etc/x"}]},
        "settle": {"changed": True, "steps": ["restart nginx"]},
        "verify": {"changed": False},
    }

    def play(event_handler: Any, **_: Any) -> None:
        for task, result in results.items():
            data = {"host": "web-1", "task": task, "res": result}
            event_handler({"event": "runner_on_start", "event_data": data})
            event_handler({"event": "runner_on_ok", "event_data": data})
        event_handler({"event": "playbook_on_stats", "event_data": {"ok": {"web-1": 4}}})

    monkeypatch.setattr(ansible_runner, "run", play)
    outcome = run("again", [VISIT], Access(tmp_path, tmp_path / "known_hosts", {}), silent)
    assert outcome.changed == {"web-1": ("install", "ship (/etc/x)", "settle (restart nginx)")}


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
