"""Services that mount volumes of others: made after them, baked with what they need; OSDs leave one after another."""

import tarfile
from collections.abc import Sequence
from typing import Any

import pytest

from conpaas_iac.errors import UserError
from conpaas_iac.machines.visit import Visit
from tests.engine.conftest import World

FILES = {"Type": "xtreemfs", "ServiceName": "files", "VolumeStartup": {"volumeName": "a", "owner": "www-data"}}
MOUNTS = {"Mounts": [{"Volume": "a", "Service": "files", "Path": "/var/a"}]}


def files(osd: int, dirs: int = 1) -> dict[str, Any]:
    return {**FILES, "StartupInstances": {"osd": osd, "dir": dirs}}


def test_who_mounts_comes_after_what_it_mounts_with_the_client_in_its_image(world: World) -> None:
    clients: dict[str, tuple[str, ...]] = {}
    paths: dict[str, set[str]] = {}

    def look(playbook: str, visits: Sequence[Visit]) -> None:
        clients.update({visit.node: visit.clients for visit in visits})
        paths.update({visit.node: {file.path for file in visit.tree.files} for visit in visits})

    world.visits.at_visit = look
    world.up({"ServiceName": "plain", "Uses": []}, MOUNTS, files(2))
    stages = [nodes for playbook, nodes in world.visits.seen if playbook == "configure"]
    assert stages == [("files-1", "files-2", "plain-1"), ("web-1",)]
    assert clients.items() >= {"web-1": ("xtreemfs",), "plain-1": (), "files-1": ()}.items()
    assert "/etc/conpaas/volumes/files-a.cfg" in paths["web-1"] - paths["plain-1"]
    images = {node: machine.image for node, machine in world.applied().items()}
    assert images["files-1"] == images["files-2"]
    assert len({images["web-1"], images["plain-1"], images["files-1"]}) == 3

    assert world.up().plan.is_empty
    world.up({"ServiceName": "plain", "Uses": []}, {}, files(2))
    assert [each for each in world.visits.seen[0][1] if not each.startswith("files")] == ["web-1"]
    assert "/etc/conpaas/volumes/files-a.cfg" not in paths["web-1"]


def test_a_snapshot_goes_once_to_the_machine_that_begins(world: World) -> None:
    archive = world.folder / "s.tar.gz"
    with tarfile.open(archive, "w:gz"):
        pass
    resumed = {**FILES, "StartupInstances": {"osd": 2, "resume": archive.name}}
    seeds: dict[str, str] = {}
    world.visits.at_visit = lambda playbook, visits: seeds.update({visit.node: visit.seed for visit in visits})
    world.up(resumed)
    assert seeds == {"files-1": str(archive), "files-2": ""}
    world.up(every=True)
    assert seeds == {"files-1": "", "files-2": ""}


def test_osds_leave_one_after_another_and_the_master_never_by_accident(world: World) -> None:
    world.up(files(3), MOUNTS)
    batches: list[tuple[str, int]] = []
    world.visits.at_visit = lambda playbook, visits: batches.extend(
        (visit.node, visit.batch) for visit in visits if playbook == "leave"
    )
    world.up(files(2), MOUNTS)
    assert batches == [("files-3", 1)]
    with pytest.raises(UserError, match="files would lose its data: files-1 held the last copy"):
        world.up({**files(2), "Without": ["files-1"]}, MOUNTS)
    world.lxd.lose("shop--files-1")
    with pytest.raises(UserError, match="files would lose its data: files-1 held the last copy"):
        world.up(files(2), MOUNTS)


def test_a_master_that_is_lost_is_made_anew_where_a_copy_is_left(world: World) -> None:
    world.up(files(2, dirs=2), MOUNTS)
    world.lxd.lose("shop--files-1")
    founding: dict[str, bool] = {}
    world.visits.at_visit = lambda playbook, visits: founding.update({visit.node: visit.founds for visit in visits})
    world.up(files(2, dirs=2), MOUNTS)
    assert "shop--files-1" in world.lxd.running() and founding["files-1"] is False
