"""The story of examples/study, and scripts that fail, never end or are not there."""

import csv
import io
import json
from collections.abc import Iterator

import pytest

from tests.e2e import machines
from tests.e2e.conftest import Story, tell

MACHINES = ["jobs-master-1", "jobs-node-1", "jobs-node-2", "jobs-node-3"]


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """The example, up once for the tests below, which go on from one another."""
    for told in tell(tmp_path_factory.mktemp("study")):
        told.take("study")
        told.conpaas("up", told.manifest)
        yield told


def status(study: Story, script: str) -> dict[str, str]:
    """Machine -> what became of a script there."""
    said = study.conpaas("generic", "status", study.name)
    rows = (line.split(maxsplit=2) for line in said.splitlines())
    return {machine: what for machine, name, what in sorted(rows) if name == f"{script}.sh"}


def master(study: Story, *command: str) -> str:
    return machines.run(f"{study.name}--jobs-master-1", *command)


def script(study: Story, name: str, text: str) -> None:
    (study.folder / "code" / f"{name}.sh").write_text(text)


def test_the_master_collects_what_the_nodes_computed(study: Story) -> None:
    study.conpaas("generic", "run", study.name, "60")
    study.conpaas("generic", "wait", study.name)
    assert status(study, "run") == dict.fromkeys(MACHINES, "STOPPED (return code 0)")
    rows = list(csv.DictReader(io.StringIO(master(study, "cat", "/mnt/results/results.csv"))))
    assert len(rows) == 60 and len({row["node"] for row in rows}) == 3


def test_a_second_up_changes_nothing_and_runs_nothing(study: Story) -> None:
    before = master(study, "cat", "/srv/conpaas/data/agent.out")
    assert "No changes." in study.conpaas("up", study.manifest)
    assert master(study, "cat", "/srv/conpaas/data/agent.out") == before


def test_those_that_were_there_hear_who_comes_and_goes(study: Story) -> None:
    study.conpaas("scale", study.manifest, "jobs", "node=1")
    assert status(study, "notify") == dict.fromkeys(MACHINES[:2], "STOPPED (return code 0)")
    study.conpaas("scale", study.manifest, "jobs", "node=3")
    never = dict.fromkeys(MACHINES[2:], "NEVER STARTED")
    assert status(study, "notify") == {**dict.fromkeys(MACHINES[:2], "STOPPED (return code 0)"), **never}
    there = json.loads(master(study, "cat", "/srv/conpaas/agents.json"))
    assert [each["id"] for each in there] == MACHINES


def test_a_script_that_never_ends_is_interrupted(study: Story) -> None:
    script(study, "run", 'trap "" TERM\necho "$@" >words\nwhile true; do sleep 1 & wait; done\n')
    script(study, "interrupt", "echo interrupted\n")
    document = json.loads(study.manifest.read_text())
    document["Services"][1]["Configuration"] = {"interrupt_timeout": 1}
    study.manifest.write_text(json.dumps(document))
    study.conpaas("up", study.manifest)
    study.conpaas("generic", "run", study.name, "--", "-x", "two words")
    assert status(study, "run") == dict.fromkeys(MACHINES, "RUNNING")
    assert master(study, "cat", "/srv/conpaas/code/current/words") == "-x two words\n"
    assert "run.sh still runs" in study.conpaas("generic", "cleanup", study.name, fails=3)
    script(study, "init", "echo again\n")
    assert "run.sh still runs" in study.conpaas("up", study.manifest, fails=3)
    study.conpaas("generic", "interrupt", study.name)
    assert status(study, "run") == dict.fromkeys(MACHINES, "STOPPED (killed by KILL)")
    assert status(study, "interrupt") == dict.fromkeys(MACHINES, "STOPPED (return code 0)")
    assert "run.sh failed: killed by KILL" in study.conpaas("generic", "wait", study.name, fails=3)
    study.conpaas("up", study.manifest)


def test_an_init_that_fails_on_one_machine_is_named(study: Story) -> None:
    script(study, "init", 'echo "looks for a disk"\n[ "${MY_IP##*.}" != 2 ] || { echo "no disk here" >&2; exit 7; }\n')
    said = study.conpaas("up", study.manifest, fails=3)
    assert "jobs-node-2: not configured" in said
    assert "init.sh failed: return code 7" in said and "no disk here" in said
    script(study, "init", "exit 0\n")
    study.conpaas("up", study.manifest)
    assert study.status()["well"]


def test_code_without_scripts_is_said(study: Story) -> None:
    for path in (study.folder / "code").glob("*.sh"):
        path.unlink()
    assert "the code holds none of init.sh, notify.sh," in study.conpaas("up", study.manifest, fails=3)


def test_the_group_that_is_named_runs_by_itself(story: Story) -> None:
    (story.folder / "code").mkdir()
    (story.folder / "code" / "run.sh").write_text('echo "$GREETING" >"$CONPAAS_DATA/greeting"\n')
    service = {"Type": "generic", "ServiceName": "jobs", "Archive": "code", "StartRole": "master"}
    greeting = 'a "quoted" $word `and` \\ more'
    story.write({"Services": [{**service, "Environment": {"GREETING": greeting}}]})
    story.conpaas("up", story.manifest)
    story.conpaas("generic", "wait", story.name)
    assert master(story, "cat", "/srv/conpaas/data/greeting") == greeting + "\n"
