"""The rules of the program on the file system's machines, and what is shipped to those that mount a volume."""

import subprocess
import sys
import uuid
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from conpaas_iac.core.flows import Flow
from conpaas_iac.core.topology import Topology
from conpaas_iac.manifest.model import Mount
from tests.builders import TYPES, build, service, trees
from tests.unit.roles import rendered

MASTER, HERE = "10.42.16.1", "10.42.16.3"
OSDS = [
    {"name": f"files-{number}", "ordinal": number, "address": f"10.42.16.{number}", "cloud": cloud}
    for number, cloud in enumerate(("lxd", "lxd", "uni"), 1)
]
SETTINGS: dict[str, Any] = {
    "address": HERE, "master": MASTER, "copies": 2, "dirs": [], "volumes": [], "mounted": [], "osds": OSDS
}  # fmt: skip


class Master:
    """Stands where mfscli stands."""

    def __init__(self, files: Any, folder: Path) -> None:
        self.files = files
        self.servers = {address: ["there", 6, 1000, 10_000_000] for address in (MASTER, "10.42.16.2", HERE)}
        self.copies, self.asked = 2, list[str]()
        self.classes = {"2": ("STD", True, ["*", "*"])}  # name -> mode, whether it is used, labels
        self.of_volume: dict[str, str] = {}  # volume -> storage class
        files.tool = self.tool
        self.links = [{"10.42.16.3:40000"}]  # one look after another; the last one stays
        files.links = lambda settings: self.links.pop(0) if self.links[1:] else self.links[0]
        files.mfscli, files.SNAPSHOTS, files.VOLUMES = self.answer, folder / ".snapshots", folder / "volumes"
        files.CHUNKS, files.DISKS, files.LEFT = folder / "chunks", folder / "mfshdd.cfg", folder / "left"
        files.DISKS.write_text("# a comment\n~/var/lib/mfs/chunks\n")
        files.answers = lambda settings: None
        files.systemctl = lambda verb, unit: self.asked.append(f"{verb} {unit}")
        (folder / "chunks" / "00").mkdir(parents=True)
        (folder / "chunks" / "00" / "chunk_1.mfs").write_bytes(b"x" * 1_000_000)

    def answer(self, settings: dict[str, Any], *words: str) -> str:
        """As `mfscli -n -p -s'|'` writes its tables."""
        if "-SCS" in words:
            return "".join(self._server(address, *known) for address, known in self.servers.items())
        if "-SSC" in words:
            return "".join(self._class(name, *known) for name, known in self.classes.items())
        if "-SIC" in words:
            return (
                f"all chunks matrix:|goal/copies/chunks:|{self.copies}|2|6\n"
                "all chunks matrix:|chunkclass missing:|1\nall chunks matrix:|chunkclass endangered:|2\n"
                "all chunks matrix:|chunkclass undergoal:|3\nall chunks matrix:|chunkclass stable:|9\n"
            )
        self.asked.append(" ".join(words))
        return ""

    def _server(self, address: str, state: str, chunks: int, used: int, total: int) -> str:
        known = f"{chunks}|{used}|{total}"
        numbers = f"{known}|-|0|0|0" if state == "there" else f"0|0|0|{state}|{known}"
        label = "ABC"[int(address[-1]) - 1]
        return f"chunk servers:|{address}|9422|1|{label}|3.0.117|0|maintenance_off|{numbers}\n"

    def _class(self, name: str, mode: str, used: bool, labels: Sequence[str]) -> str:
        copies = f"YES|{len(labels)}|{' , '.join(labels)}"
        known = f"10|{name}|NO|{mode}|0|{int(used)}|-|2|-|-|-|-|{copies}|{copies}|{copies}|-"
        return f"storage classes:|{known}\n"

    def tool(self, *words: Any) -> str:
        """As MooseFS's tools answer."""
        verb, *rest = map(str, words)
        if verb == "mfsgetsclass":
            name = self.of_volume.get(Path(rest[0]).name, "2")
            return f"{rest[0]}: {name}\n" if len(name) == 1 else f"{rest[0]}: '{name}'\n"
        if verb == "mfssetsclass":
            self.of_volume[Path(rest[-1]).name] = rest[-2]
        elif verb == "mfsscadmin" and rest[1] == "delete":
            del self.classes[rest[2]]
        elif verb == "mfsscadmin":
            _, action, _, mode, _, creation, _, keeping, name = rest
            assert (action == "change") == (name in self.classes) and creation == keeping
            self.classes[name] = ({"S": "STRICT", "D": "STD"}[mode], True, [keeping])
        self.asked.append(" ".join([verb, *rest]).replace(str(self.files.VOLUMES), "…"))
        return ""


MODULES = [
    f"filesystem.{name}"  # each needs only those before it
    for name in ("placement", "machine", "master", "metadata", "osd", "volumes", "policies", "snapshots")
]


class Files:
    """The program and its modules as one: what is replaced, is so wherever it is used."""

    def __init__(self, *modules: ModuleType) -> None:
        self.__dict__["modules"] = modules

    def __getattr__(self, name: str) -> Any:
        for each in self.modules:
            if name in vars(each):
                return vars(each)[name]
        raise AttributeError(name)

    def __setattr__(self, name: str, value: Any) -> None:
        users = [each for each in self.modules if name in vars(each)]
        assert users, f"nobody uses {name}"
        for each in users:
            setattr(each, name, value)


@pytest.fixture
def master(tmp_path: Path) -> Master:
    program = rendered.program("xtreemfs", "xtreemfs", *MODULES)
    return Master(Files(program, *(sys.modules[each] for each in MODULES)), tmp_path)


@pytest.mark.parametrize(
    ("links", "is_known"),
    [
        ([{"old"}, {"old"}], True),
        ([{"old", "other"}, {"old"}], True),
        ([set(), set()], False),  # what the master knows is the OSD of before the crash
        ([{"refused"}, set()], False),
        ([{"refused"}, {"refused too"}], False),
    ],
)
def test_an_osd_is_known_over_a_connection_that_stands(master: Master, links: list[set[str]], is_known: bool) -> None:
    master.links = links
    assert (master.files.own(SETTINGS) is not None) == is_known


def test_what_the_master_says_is_read(master: Master) -> None:
    master.servers[HERE][0] = "NOT READY"
    found = {each["address"]: each for each in master.files.servers(SETTINGS)}
    numbers = {"chunks": 6, "used": 1000, "total": 10_000_000}
    assert found[HERE] == {"address": HERE, "label": "C", **numbers, "leaves": True}
    assert [each["leaves"] for each in found.values()] == [False, False, True]
    assert master.files.lacking(SETTINGS) == (1, 5)
    assert master.files.most_copies(SETTINGS) == 2
    assert master.files.storage_classes(SETTINGS) == {"2": {"strict": False, "used": True, "copies": 2, "labels": ""}}


def test_an_osd_may_go_where_the_others_have_room(master: Master) -> None:
    master.files.refuse_loss(SETTINGS, master.files.own(SETTINGS))


def test_an_osd_too_many_is_refused_with_what_is_missing(master: Master) -> None:
    for address in (MASTER, "10.42.16.2"):
        master.servers[address][2:] = [9_800_000, 10_000_000]
    with pytest.raises(master.files.Failed, match=r"holds 1.0 MB, the others have room for 400.0 kB: 60\d"):
        master.files.refuse_loss(SETTINGS, master.files.own(SETTINGS))


def test_an_osd_is_refused_where_fewer_than_the_copies_would_stay(master: Master) -> None:
    master.copies = 3
    with pytest.raises(master.files.Failed, match="3 copies are kept of some files, and 2 OSDs would stay"):
        master.files.refuse_loss(SETTINGS, master.files.own(SETTINGS))
    master.copies, master.servers["10.42.16.2"][0] = 2, "READY"  # which leaves, too
    with pytest.raises(master.files.Failed, match="and 1 OSD would stay"):
        master.files.refuse_loss(SETTINGS, master.files.own(SETTINGS))
    master.servers[HERE][1] = 0  # nothing is on it
    master.files.refuse_loss(SETTINGS, master.files.own(SETTINGS))


def test_a_disk_is_marked_and_marked_no_more(master: Master) -> None:
    for leaves, mark in ((True, "*"), (True, "*"), (False, "")):
        master.files.mark(leaves)
        assert master.files.DISKS.read_text() == f"# a comment\n{mark}~/var/lib/mfs/chunks\n"
    assert master.asked == ["reload moosefs-chunkserver"] * 3


def test_an_osd_that_cannot_be_emptied_stays(master: Master) -> None:
    def stuck(settings: dict[str, Any], is_done: Any) -> None:
        raise master.files.Failed("none was made")

    master.files.replicated = stuck
    with pytest.raises(master.files.Failed, match="none was made"):
        master.files.drain(SETTINGS)
    assert "*" not in master.files.DISKS.read_text() and "stop moosefs-chunkserver" not in master.asked


def test_an_osd_leaves_once_and_an_empty_one_at_once(master: Master) -> None:
    osd, here = {**SETTINGS, "groups": ["osd"]}, master.servers[HERE]

    def systemctl(verb: str, unit: str) -> None:
        master.asked.append(f"{verb} {unit}")
        if (verb, unit) == ("stop", "moosefs-chunkserver"):
            master.servers.pop(HERE, None)

    waited: list[bool] = []  # what each wait for copies says while 3 pieces lack one
    master.files.systemctl, master.files.is_ready = systemctl, lambda settings: True
    master.files.replicated = lambda settings, is_done: waited.append(is_done(3))
    master.files.leave(osd, [])
    assert [each for each in master.asked if "metalogger" not in each] == [
        "start moosefs-chunkserver", "reload moosefs-chunkserver", "stop moosefs-chunkserver",
        f"-CM0/{HERE}/9422", f"-CRC/{HERE}/9422", "stop moosefs-chunkserver",
    ]  # fmt: skip  # what stops in good order is awaited, until it is said that it does not come back
    assert waited == [True, False]  # ready is not enough: no piece may lack a copy when the machine goes
    master.asked.clear()
    master.files.leave(osd, [])  # once more, after a kill
    assert master.asked == ["stop moosefs-chunkserver", "stop moosefs-metalogger"]
    master.files.LEFT.unlink()
    (master.files.CHUNKS / "00" / "chunk_1.mfs").unlink()
    master.servers[HERE] = here
    master.asked.clear()
    master.files.leave(osd, [])
    assert master.asked == ["stop moosefs-chunkserver", "stop moosefs-metalogger"]


def test_a_logger_and_a_master_on_one_machine_have_folders_of_their_own(master: Master) -> None:
    """A master that was killed reads each `changelog*` beside its metadata, and fails where they have holes."""
    texts = rendered.render("xtreemfs", ("dir", "mrc"))
    assert f"DATA_PATH = {master.files.COPIES}\n" in texts["/etc/mfs/mfsmetalogger.cfg"]
    assert f"cd {master.files.COPIES} &&" in texts["/etc/systemd/system/conpaas-metadata@.service"]
    assert "DATA_PATH" not in texts["/etc/mfs/mfsmaster.cfg"] and master.files.METADATA.parent != master.files.COPIES


def test_metadata_begins_once(master: Master, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = master.files
    files.METADATA, files.EMPTY = tmp_path / "metadata.mfs", tmp_path / "empty"
    files.EMPTY.write_text("MFSM NEW")
    monkeypatch.setattr(files.shutil, "chown", lambda *_: None)
    with pytest.raises(files.Failed, match="no machine of dir has a copy"):
        files.begin(SETTINGS, False)
    files.begin(SETTINGS, True)
    assert files.METADATA.read_text() == "MFSM NEW"
    assert master.asked == ["start moosefs-master", "restart moosefs-master"]
    files.METADATA.rename(tmp_path / "metadata.mfs.back")  # it runs, or was killed
    files.begin(SETTINGS, False)
    files.begin(SETTINGS, True)
    assert not files.METADATA.exists()


def test_the_most_advanced_copy_of_the_metadata_is_taken(
    master: Master, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = master.files
    files.METADATA = tmp_path / "mfs" / "metadata.mfs"
    files.METADATA.parent.mkdir()
    monkeypatch.setattr(files.shutil, "chown", lambda *_: None)

    def fetched(address: str) -> tuple[int, Path] | None:
        if address == "10.42.16.9":
            return None
        folder = tmp_path / address
        folder.mkdir()
        (folder / "metadata_ml.mfs.back").write_text(f"of {address}")
        (folder / "changelog_ml.0.mfs").write_text(f"{address[-1]}1: x\n{address[-1]}4: x\n")
        (folder / "changelog_ml.1.mfs").write_text("7: x\n")
        (folder / "changelog_ml_back.0.mfs").write_text(f"{address[-1]}2: x\n{address[-1]}3: x\n{address[-1]}4: x\n")
        return max(files.changes(folder)), folder

    files.fetched = fetched
    files.begin({**SETTINGS, "dirs": ["10.42.16.1", "10.42.16.9", "10.42.16.2"]}, True)
    found = {path.name: path.read_text() for path in files.METADATA.parent.iterdir()}
    assert found == {"metadata.mfs.back": "of 10.42.16.2", "changelog.0.mfs": "7: x\n21: x\n22: x\n23: x\n24: x\n"}
    assert master.asked == ["start moosefs-master", "restart moosefs-master"]
    assert not (tmp_path / "10.42.16.1").exists()


@pytest.mark.parametrize("name", ["", ".x", "../x", "a/b", "a b", "x" * 64, "-x"])
def test_bad_names_of_volumes_are_refused(master: Master, name: str) -> None:
    with pytest.raises(master.files.Failed, match="a volume's name has letters"):
        master.files.known_name(name)


def test_an_unknown_owner_is_refused(master: Master) -> None:
    assert [master.files.user(name) for name in ("root", "1234")] == [0, 1234]
    with pytest.raises(master.files.Failed, match="no user nobody-such"):
        master.files.user("nobody-such")


def test_nothing_is_written_beside_the_file_system(master: Master) -> None:
    master.files.said = lambda unit: ""
    for verb, words in (("volume_create", ["x"]), ("volume_delete", ["x"]), ("restore", ["x"]), ("snapshot", ["x"])):
        with pytest.raises(master.files.Failed, match="is not mounted on its master"):
            getattr(master.files, verb)(SETTINGS, words)


def test_an_osd_that_copies_are_bound_to_stays(master: Master, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(master.files.os, "uname", lambda: type("Uname", (), {"nodename": "files-3"}))
    me = master.files.own(SETTINGS)
    master.classes["2 on AC"] = ("STRICT", True, ["A+C", "A+C"])
    with pytest.raises(master.files.Failed, match=r"2 copies of some volumes .* files-1, files-3 only, and 1 of"):
        master.files.refuse_loss(SETTINGS, me)
    for known in (("STRICT", True, ["A+B+C", "A+B+C"]), ("STRICT", False, ["A+C", "A+C"]), ("STD", True, ["A+B", "C"])):
        master.classes["2 on AC"] = known
        master.files.refuse_loss(SETTINGS, me)


def volumes(master: Master, *names: str) -> None:
    """They are there, and mounted."""
    master.files.mounted = lambda: None
    for name in names:
        (master.files.VOLUMES / name).mkdir(parents=True)


def test_a_placement_and_copies_are_one_storage_class(master: Master, capsys: pytest.CaptureFixture[str]) -> None:
    volumes(master, "shop")
    for said in ("placement files-1,files-3", "placement cloud:lxd", "copies 1", "placement any"):
        master.files.policy_set(SETTINGS, ["shop", *said.split()])
    assert master.asked == [
        "mfsscadmin … create -m S -C 2[A+C] -K 2[A+C] 2 on AC", "mfssetsclass -r 2 on AC …/shop",
        "mfsscadmin … create -m S -C 2[A+B] -K 2[A+B] 2 cloud lxd", "mfssetsclass -r 2 cloud lxd …/shop",
        "mfsscadmin … create -m S -C 1[A+B] -K 1[A+B] 1 cloud lxd", "mfssetsclass -r 1 cloud lxd …/shop",
        "mfssetsclass -r 1 …/shop",
    ]  # fmt: skip
    capsys.readouterr()
    master.of_volume["shop"] = "2 on AC"
    master.files.quota_of = lambda path: "none"
    master.files.policy_list(SETTINGS, [])
    assert capsys.readouterr().out.splitlines()[1].split() == ["shop", "2", "files-1,files-3", "none"]


@pytest.mark.parametrize(
    ("policy", "value", "why"),
    [
        ("placement", "files-1", "2 copies need as many OSDs, and files-1 has 1: name more OSDs, or set fewer copies"),
        ("placement", "cloud:uni", "2 copies need as many OSDs, and cloud:uni has 1"),
        ("placement", "cloud:ec2", "no OSD is in a cloud 'ec2': there are OSDs in lxd, uni"),
        ("placement", "files-1,files-9", "'files-9' is no OSD, there are files-1, files-2, files-3: a placement is"),
        ("placement", "", "'' is no OSD"),
        ("placement", "striped", "'striped' is no OSD"),
        ("copies", "0", "copies are 1 to 9"),
        ("striping", "4", "the policies are copies, placement and quota"),
    ],
)
def test_a_policy_that_cannot_be_is_refused(master: Master, policy: str, value: str, why: str) -> None:
    volumes(master, "shop")
    with pytest.raises(master.files.Failed) as refused:
        master.files.policy_set(SETTINGS, ["shop", policy, value])
    assert why in str(refused.value) and not master.asked


@pytest.mark.parametrize(
    ("count", "said"), [("0", "none"), ("1073741824", "1GiB"), ("524288000", "500MiB"), ("1000000", "1.0 MB")]
)
def test_a_quota_is_said_as_it_was_set(master: Master, count: str, said: str) -> None:
    master.files.tool = lambda *_: f"shop: (…)\n length  |  |  | {count} |\n" if count != "0" else "shop: no quota\n"
    assert master.files.quota_of("shop") == said


def test_more_copies_than_the_named_osds_are_refused(master: Master) -> None:
    volumes(master, "shop")
    master.of_volume["shop"] = "2 on AC"
    with pytest.raises(master.files.Failed, match="3 copies need as many OSDs, and files-1,files-3 has 2"):
        master.files.policy_set(SETTINGS, ["shop", "copies", "3"])


def test_storage_classes_go_by_the_osds_that_there_are_to_be(master: Master) -> None:
    volumes(master, "shop", "other")
    master.of_volume["shop"] = "2 on AC"
    master.classes |= {
        "2 on AC": ("STRICT", True, ["A+C", "A+C"]), "2 clouds": ("STD", True, ["A+B", "C"]),
        "2 cloud uni": ("STRICT", False, ["C", "C"]), "somebody's": ("STD", True, ["A"]),
    }  # fmt: skip
    with pytest.raises(master.files.Failed, match=r"of volume shop: 2 copies need .*and files-1,.number 3. has 1"):
        master.files.follow({**SETTINGS, "osds": OSDS[:2]})
    master.asked.clear()
    more = [*OSDS, {"name": "files-4", "ordinal": 4, "address": "10.42.16.4", "cloud": "uni"}]
    master.files.follow({**SETTINGS, "osds": more})
    assert master.asked == [
        "mfsscadmin … change -m S -C 2[A+C] -K 2[A+C] 2 on AC",
        "mfsscadmin … change -m D -C [A+B],[C+D] -K [A+B],[C+D] 2 clouds",
        "mfsscadmin … delete 2 cloud uni",
    ]


def packed(folder: Path) -> bytes:
    """As `snapshot` packs a volume."""
    (folder / "in").mkdir(parents=True)
    (folder / "in" / "page").write_text("of the shop")
    return subprocess.run(
        ["tar", "--create", "--gzip", "--directory", folder, "."], check=True, capture_output=True
    ).stdout


@pytest.fixture
def founding(master: Master, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Settings of a master whose file system is to begin with a snapshot."""
    volumes(master)
    master.files.VOLUMES.mkdir()
    master.files.SNAPSHOTS, master.files.SNAPSHOT = master.files.VOLUMES / ".snapshots", tmp_path / "snapshot"
    master.files.begin = lambda settings, founds: None
    monkeypatch.setattr(master.files.os, "chown", lambda path, user, group: master.asked.append(f"chown {user}"))
    asked = {"name": "shop", "owner": "33", "asked": True}
    return {**SETTINGS, "groups": ["mrc"], "volumes": [asked, {"name": "other", "owner": "", "asked": False}]}


def test_a_file_system_begins_with_a_snapshot_once(master: Master, founding: dict[str, Any], tmp_path: Path) -> None:
    files = master.files
    for _ in ("", "after a kill"):
        files.SNAPSHOT.write_bytes(packed(tmp_path / uuid.uuid4().hex))
        files.verify(founding, ["--found", "--resume"])
        assert (files.VOLUMES / "shop" / "in" / "page").exists() == ("chown 33" in master.asked)
        assert not files.SNAPSHOT.exists() and not any((files.VOLUMES / "other").iterdir())
        (files.VOLUMES / "shop" / "in" / "page").unlink(missing_ok=True)
        master.asked.clear()


@pytest.mark.parametrize("broken", ["cut", "text"])
def test_a_broken_snapshot_leaves_no_volume(
    master: Master, founding: dict[str, Any], tmp_path: Path, broken: str
) -> None:
    whole = packed(tmp_path / "whole")
    master.files.SNAPSHOT.write_bytes(whole[: len(whole) // 2] if broken == "cut" else b"not an archive")
    with pytest.raises(master.files.Failed, match="it is no archive that snapshot wrote, or it is cut off"):
        master.files.verify(founding, ["--found", "--resume"])
    assert not (master.files.VOLUMES / "shop").exists() and not any(master.files.SNAPSHOTS.iterdir())


def test_a_snapshot_waits_for_osds(master: Master, founding: dict[str, Any]) -> None:
    master.files.FOR_OSD = 0.0
    del master.servers[MASTER], master.servers[HERE]
    with pytest.raises(master.files.Failed, match="the snapshot waits for OSDs: fewer than 2 are there"):
        master.files.verify(founding, ["--found", "--resume"])


def mounting() -> Topology:
    files = replace(
        service("files", type="xtreemfs", options=TYPES["xtreemfs"].default_options()),
        counts={"dir": 1, "mrc": 1, "osd": 2},
        fields={"VolumeStartup": {"volumeName": "asked", "owner": "www-data"}},
    )
    web = service(uses=("files",), mounts=(Mount("asked", "files", "up"), Mount("new", "files", "/var/lib/new")))
    return build(files, web, service("other", uses=("files", "web")), code={"web": "v1"})


def test_a_volume_is_open_to_those_that_mount_it() -> None:
    layout = mounting()
    assert {flow.source[0] for flow in layout.flows if flow.port in (9421, 9422)} == {"files", "web"}
    assert not any(flow.is_public for flow in layout.flows if flow.target[0] == "files")
    assert Flow(("web", ""), ("files", "osd"), 9422) in layout.flows
    exports = next(file for file in trees(layout)["files-1"].files if file.path == "/etc/mfs/mfsexports.cfg")
    lines = [line.split(",password=")[0] for line in exports.content.splitlines()[1:]]
    block = layout.service("web").block
    assert lines == [
        f"{layout.service('files').entry} / rw,alldirs,admin,maproot=0",
        f"{block} /asked rw,maproot=0",
        f"{block} /new rw,maproot=0",
    ]
    assert exports.mode == "0640"


def test_machines_that_mount_are_started_after_those_that_have() -> None:
    layout = mounting()
    assert [layout.service(name).rank for name in ("files", "web", "other")] == [0, 1, 0]
    tree = trees(layout)["web-1"]
    mounts = ("conpaas-volume-files-asked", "conpaas-volume-files-new")
    assert tree.units.index("nebula") < tree.units.index(mounts[0]) < tree.units.index("php8.2-fpm")
    assert tree.code and [(link.path, link.target, link.owner) for link in tree.code.links] == [
        ("up", "/srv/conpaas/volumes/files-asked", "www-data")
    ]
    by_path = {file.path: file for file in tree.files}
    for name, volume in zip(mounts, ("asked", "new"), strict=True):
        unit = by_path[f"/etc/systemd/system/{name}.service"]
        assert unit.unit == name and "php8.2-fpm.service" in unit.content
        secret = by_path[f"/etc/conpaas/volumes/files-{volume}.cfg"]
        assert secret.mode == "0600" and f"mfssubfolder=/{volume}" in secret.content
    assert not any("volume" in unit for unit in trees(layout)["other-1"].units)
    assert not any("volume" in path for path in (file.path for file in trees(layout)["other-1"].files))
