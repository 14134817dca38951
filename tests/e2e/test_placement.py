"""Where the copies of a volume lie, what may leave then, and a new application that begins with a snapshot."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import Story, tell
from tests.e2e.machines import run

FOLDER = "/srv/conpaas/filesystem"  # all volumes, on the machine of the master
FILES = {
    "Type": "xtreemfs",
    "ServiceName": "files",
    "Machines": {"osd": [{"Count": 2, "Cloud": "lxd"}, {"Count": 1, "Cloud": "uni"}]},
    "VolumeStartup": [{"volumeName": "shop", "owner": "www-data"}, {"volumeName": "spread"}],
}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """Three OSDs in two clouds (both are LXD), up once for the tests below, which go on from one another."""
    for told in tell(tmp_path_factory.mktemp("files"), "fsx"):
        told.write({"Clouds": {"uni": {"Provider": "lxd"}}, "Services": [FILES]})
        told.conpaas("up", told.manifest)
        yield told


def write(story: Story, volume: str, *names: str) -> None:
    for name in names:
        run(f"{story.name}--files-1", "sh", "-c", f"echo {name} > {FOLDER}/{volume}/{name}")


def osds(story: Story, volume: str, *names: str) -> list[set[str]]:
    """The OSDs that each file lies on; the last number of an address is the machine's."""
    said = [run(f"{story.name}--files-1", "mfsfileinfo", f"{FOLDER}/{volume}/{name}") for name in names]
    return [{f"files-{number}" for number in re.findall(r"copy \d+: [0-9.]+\.(\d+):", each)} for each in said]


def test_copies_lie_on_the_osds_that_are_named(files: Story) -> None:
    files.conpaas("xtreemfs", "policy", "set", files.name, "shop", "placement", "files-3,files-2")
    write(files, "shop", "a", "b", "c", "d")
    assert osds(files, "shop", "a", "b", "c", "d") == [{"files-2", "files-3"}] * 4
    said = files.conpaas("xtreemfs", "policy", "list", files.name)
    assert re.search(r"^shop +2 +files-2,files-3 +none", said, re.MULTILINE)
    assert re.search(r"^spread +2 +any +none", said, re.MULTILINE)


def test_copies_lie_in_different_clouds(files: Story) -> None:
    files.conpaas("xtreemfs", "policy", "set", files.name, "spread", "placement", "clouds")
    names = [str(number) for number in range(12)]
    write(files, "spread", *names)
    found = osds(files, "spread", *names)
    assert all("files-3" in each and len(each) == 2 for each in found)


def test_what_cannot_be_is_refused(files: Story) -> None:
    for value, why in (
        ("cloud:uni", "2 copies need as many OSDs, and cloud:uni has 1"),
        ("files-9", "'files-9' is no OSD, there are files-1, files-2, files-3"),
    ):
        assert why in files.conpaas("xtreemfs", "policy", "set", files.name, "shop", "placement", value, fails=3)


def test_a_new_application_begins_with_a_snapshot(files: Story, tmp_path: Path) -> None:
    archive = tmp_path / "app" / "shop.tar.gz"
    with_snapshot = {**FILES, "Machines": {}, "StartupInstances": {"resume": archive.name}}
    volume = {"volumeName": "again", "owner": "backup"}
    for told in tell(tmp_path, "fsx"):
        files.conpaas("xtreemfs", "snapshot", files.name, "shop", archive)
        told.write({"Services": [{**with_snapshot, "VolumeStartup": volume}]})
        told.conpaas("up", told.manifest)
        machine, where = f"{told.name}--files-1", f"{FOLDER}/again"
        assert run(machine, "sh", "-c", f"cat {where}/a {where}/d && stat -c %U {where}") == "a\nd\nbackup\n"
        run(machine, "sh", "-c", f"rm {where}/a")
        told.conpaas("up", told.manifest, "--all")
        assert run(machine, "ls", where).split() == ["b", "c", "d"]
        assert "no such file" in run(machine, "ls", "/var/lib/conpaas/xtreemfs-snapshot", check=False).lower()


def test_an_osd_that_is_named_stays_until_it_is_not(files: Story) -> None:
    before = files.manifest.read_text()
    files.manifest.write_text(before.replace('"Count": 1', '"Count": 0'))
    said = files.conpaas("up", files.manifest, fails=3)
    assert "of volume shop: 2 copies need as many OSDs" in said and "policy set" in said
    assert osds(files, "shop", "a") == [{"files-2", "files-3"}]
    files.manifest.write_text(before)
    files.conpaas("up", files.manifest)
    assert "files-3 only" in files.conpaas("replace", files.manifest, "files-3", fails=3)
    assert osds(files, "shop", "a") == [{"files-2", "files-3"}]
