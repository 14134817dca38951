"""The rules of the program that runs the user's scripts."""

import json
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from conpaas_iac.core.flows import Flow
from tests import plans
from tests.builders import TYPES, build, service
from tests.unit.roles import rendered

SETTINGS = {"role": "node", "start_role": "node", "init_timeout": 5}


class Machine:
    """Stands where systemd stands: a script ends at once, as it is told, or runs until it is stopped."""

    def __init__(self, scripts: ModuleType) -> None:
        self.scripts: Any = scripts
        self.ends: dict[str, str] = {}
        self.busy: set[str] = set()
        self.begun: list[str] = []

    def systemctl(self, verb: str, name: str) -> None:
        if verb == "start":
            self.begun.append(name)
            end = self.ends.get(name, "exited 0")
            if end == "never":
                self.busy.add(name)
            else:
                self.scripts.remember(name, {**self.scripts.recall(name), "ended": end})
        elif verb == "stop":
            self.busy.discard(name)
            self.scripts.remember(name, {**self.scripts.recall(name), "ended": "killed TERM"})


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    scripts: Any = rendered.program("generic", "generic")
    for name in scripts.SCRIPTS:
        path = tmp_path / "v1" / f"{name}.sh"
        path.parent.mkdir(exist_ok=True)
        path.touch()
    (tmp_path / "current").symlink_to("v1")
    scripts.CODE, scripts.AGENTS, scripts.MEMORY = tmp_path / "current", tmp_path / "agents.json", tmp_path / "memory"
    scripts.OUTPUTS = (tmp_path / "agent.err", tmp_path / "agent.out")
    scripts.AGENTS.write_text("[]")
    found = Machine(scripts)
    scripts.systemctl, scripts.is_running = found.systemctl, lambda name: name in found.busy
    return found


def test_init_runs_once_a_version_and_notify_when_others_come(machine: Machine, tmp_path: Path) -> None:
    for _ in range(2):
        machine.scripts.verify(SETTINGS)
    machine.scripts.AGENTS.write_text('[{"ip": "10.0.0.1"}]')
    for _ in range(2):
        machine.scripts.verify(SETTINGS)
    assert machine.begun == ["init", "notify"]
    (tmp_path / "v1").rename(tmp_path / "v2")
    (tmp_path / "current").unlink()
    (tmp_path / "current").symlink_to("v2")
    machine.scripts.verify(SETTINGS)
    assert machine.begun == ["init", "notify", "init"]


def test_an_init_that_failed_is_said_and_runs_again(machine: Machine) -> None:
    machine.ends["init"] = "exited 7"
    machine.scripts.OUTPUTS[0].write_text("no disk\n")
    machine.scripts.OUTPUTS[1].write_text("looks\n")
    start = machine.systemctl

    def writes(verb: str, name: str) -> None:
        if verb == "start":
            with machine.scripts.OUTPUTS[0].open("a") as file:
                file.write("no disk here\n")
        start(verb, name)

    machine.scripts.systemctl = writes
    with pytest.raises(machine.scripts.Failed, match=r"^init.sh failed: return code 7\nno disk here$"):
        machine.scripts.verify(SETTINGS)
    machine.ends["init"] = "exited 0"
    machine.scripts.verify(SETTINGS)
    assert machine.begun == ["init", "init"]


def test_an_init_that_never_ends_is_ended(machine: Machine) -> None:
    machine.ends["init"] = "never"
    with pytest.raises(machine.scripts.Failed, match=r"init.sh did not end within 0.1 s and was ended"):
        machine.scripts.verify({**SETTINGS, "init_timeout": 0.1})
    assert not machine.busy and machine.scripts.state("init") == "STOPPED (killed by TERM)"


def test_one_script_at_a_time_but_for_interrupt(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    machine.scripts.verify(SETTINGS)
    machine.ends["run"] = "never"
    machine.scripts.run(["a", "b c"])
    assert machine.scripts.recall("run")["words"] == ["a", "b c"]
    for refused in (machine.scripts.run, machine.scripts.cleanup):
        with pytest.raises(machine.scripts.Failed, match=r"run.sh still runs"):
            refused([])
    machine.scripts.interrupt([])
    assert machine.begun == ["init", "run", "interrupt"] and not machine.busy
    capsys.readouterr()
    machine.scripts.status([])
    assert capsys.readouterr().out.splitlines() == [
        "init.sh STOPPED (return code 0)",
        "notify.sh NEVER STARTED",
        "run.sh STOPPED (killed by TERM)",
        "interrupt.sh STOPPED (return code 0)",
        "cleanup.sh NEVER STARTED",
    ]
    with pytest.raises(machine.scripts.Failed, match=r"run.sh failed: killed by TERM"):
        machine.scripts.wait([])
    machine.scripts.interrupt([])
    assert capsys.readouterr().out == "nothing runs\n"


def test_code_is_run_only_when_it_is_prepared(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(machine.scripts.Failed, match=r"init.sh has not succeeded"):
        machine.scripts.run([])
    machine.scripts.health(SETTINGS)
    assert "init.sh has not succeeded" in capsys.readouterr().out
    machine.scripts.CODE.unlink()
    with pytest.raises(machine.scripts.Failed, match="there is no code"):
        machine.scripts.run([])
    machine.scripts.verify(SETTINGS)
    assert machine.begun == []


def test_missing_scripts_are_skipped_but_one_there_must_be(machine: Machine, tmp_path: Path) -> None:
    for name in ("init", "run"):
        (tmp_path / "v1" / f"{name}.sh").unlink()
    machine.scripts.verify(SETTINGS)
    machine.scripts.run([])
    assert machine.begun == []
    for path in (tmp_path / "v1").iterdir():
        path.unlink()
    with pytest.raises(machine.scripts.Failed, match=r"holds none of init.sh, notify.sh, run.sh"):
        machine.scripts.verify(SETTINGS)


@pytest.mark.parametrize(("role", "begun"), [("node", ["init", "run"]), ("master", ["init"])])
def test_the_start_role_begins_once_a_version(machine: Machine, role: str, begun: list[str]) -> None:
    settings = {**SETTINGS, "role": role}
    machine.scripts.verify(settings)
    for _ in range(2):
        machine.scripts.begin(settings)
    assert machine.begun == begun


def test_agents_are_listed_with_their_roles() -> None:
    agents = json.loads(rendered.render("generic", ("master",))["/srv/conpaas/agents.json"])
    assert agents[0] == {"ip": "10.42.32.1", "role": "master", "id": "wiki-1"}


def test_every_port_is_open_to_neighbours_and_none_to_others() -> None:
    options = TYPES["generic"].default_options()
    jobs = replace(service("jobs", type="generic", options=options), counts={"master": 1, "node": 2})
    layout = build(jobs, service("web", uses=("jobs",)))
    assert [flow for flow in layout.flows if flow.target[0] == "jobs"] == [
        Flow(("jobs", ""), ("jobs", "master"), 0, "any"),
        Flow(("jobs", ""), ("jobs", "node"), 0, "any"),
    ]
    assert not [offer for offer in layout.offers if offer.target[0] == "jobs"]


@pytest.mark.parametrize(
    ("said", "nodes"),
    [
        ({}, ["generic-master-1", "generic-node-1", "generic-node-2"]),
        ({"Placement": "packed"}, ["generic-1", "generic-2"]),
    ],
)
def test_each_group_has_machines_of_its_own_unless_told_otherwise(said: dict[str, str], nodes: list[str]) -> None:
    jobs = {"Type": "generic", "StartupInstances": {"master": 1, "node": 2}, "StartRole": "node", **said}
    with plans.folder() as folder:
        (folder / "in.json").write_text(json.dumps({"Application": "study", "Services": [jobs]}))
        wanted = plans.wished(folder / "in.json")
    assert [node.name for node in wanted.topology.nodes] == nodes
    assert wanted.topology.services[0].fields == {"StartRole": "node"}
