"""An operator's machine in an application's network: what it reaches, what it does not, and how that ends."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from conpaas_iac import settings
from conpaas_iac.host import nebula
from conpaas_iac.usecases import joining
from conpaas_iac.usecases.joining import Wanted
from tests import schemas
from tests.e2e import machines
from tests.e2e.conftest import Story
from tests.e2e.machines import Target, pinged, run, tried, until

PORTS = (22, 80, 8080, 8081, 8082)
LISTENS = 7777  # on the operator's machine


def test_join_reaches_what_is_named_until_it_ends(story: Story, tmp_path: Path) -> None:
    story.write({"Services": [{"Type": "php", "ServiceName": name} for name in ("front", "back")]})
    story.conpaas("up", story.manifest)
    with machines.scratch() as laptop:
        machines.listen(laptop, LISTENS)
        joined = join(story, tmp_path / "alice", "--as", "alice", "--for", "2h", "--reach", "front")
        begin(laptop, tmp_path / "alice")
        status = story.status()
        [said] = status["joins"]
        assert (said["name"], said["address"], said["reach"]) == ("alice", joined["address"], ["front"])
        nodes = {node["name"]: node["address"] for node in status["nodes"]}
        door: Target = (nodes["front-1"], 80, "tcp")
        until(lambda: is_open(laptop, door))
        targets = [(address, port, "tcp") for address in nodes.values() for port in PORTS]
        inwards: Target = (joined["address"], LISTENS, "tcp")  # those it calls cannot call it
        asked = {laptop: targets, f"{story.name}--front-1": [inwards]}
        found = machines.all_tried(asked, asked)
        assert {tried for tried, result in found.items() if result != "dropped"} == {(laptop, door)}
        assert pinged(laptop, nodes.values(), 1) == set()

        ended = story.conpaas("join", story.name, "--as", "alice", "--end", "--format", "json", quiet=True)
        assert schemas.check(ended, "join")["ended"]
        until(lambda: not is_open(laptop, door), 10)
        run(laptop, "systemctl", "restart", "joined")
        until(lambda: "cp-alice" in run(laptop, "ip", "-o", "link"))
        assert not is_open(laptop, door)
        assert story.status()["joins"] == []
        assert "No changes" in story.conpaas("plan", story.manifest)

        short(story, tmp_path / "bob", timedelta(seconds=6))
        begin(laptop, tmp_path / "bob")
        until(lambda: is_open(laptop, door), 10)
        until(lambda: not is_open(laptop, door))


def join(story: Story, folder: Path, *arguments: str) -> dict[str, Any]:
    said = story.conpaas("join", story.name, *arguments, "--out", folder, "--format", "json", quiet=True)
    document: dict[str, Any] = schemas.check(said, "join")
    assert document["command"] == [str(nebula.need(settings.load()).nebula), "-config", f"{folder}/config.yml"]
    return document


def short(story: Story, folder: Path, length: timedelta) -> None:
    """For less time than the command takes, so that the test sees its end."""
    wanted = Wanted(story.name, "default", "bob", ("front",), length, "bob@desk", folder)
    joining.join(wanted, settings.load(story.environment), lambda event: None)


def begin(machine: str, folder: Path) -> None:
    """Start what `conpaas join` printed, on a machine that stands for the operator's."""
    run(machine, "mkdir", "-p", str(folder.parent))
    machines.lxc("file", "push", "-r", "-q", str(folder), f"{machine}{folder.parent}")
    run(machine, "systemctl", "stop", "joined", check=False)
    config = str(folder / "config.yml")
    run(machine, "systemd-run", "--quiet", "--unit=joined", "--collect", "nebula", "-config", config)


def is_open(machine: str, target: Target) -> bool:
    return tried(machine, [target])[target] == "open"
