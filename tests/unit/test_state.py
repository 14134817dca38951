"""The documents of a state: each kind of damage is found and said in one line; export and import."""

import json
from collections.abc import Iterator
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest

from conpaas_iac import cli, settings
from conpaas_iac.backend import lockfile, record, statefile
from conpaas_iac.backend.folder import Folder
from conpaas_iac.backend.record import Record
from conpaas_iac.backend.statefile import CHECKPOINT, LOCK, RECORD
from conpaas_iac.core.addresses import Lock
from conpaas_iac.errors import StateError, UserError
from conpaas_iac.usecases import keeping
from conpaas_iac.usecases.keeping import Kept
from tests import schemas

STACK = "shop.default"


def checkpoint(owner: str = "0c8d", time: str = "2026-11-21T13:08:04.808120748Z", *nodes: str) -> bytes:
    root = {"urn": "urn:root", "type": "pulumi:pulumi:Stack"}
    identity = {"urn": "urn:identity", "type": "conpaas:index:Identity", "id": owner, "parent": "urn:root"}
    machines = [
        {
            "urn": f"urn:{node}",
            "type": "conpaas:lxd:Instance",
            "parent": "urn:root",
            "inputs": {"node": node, "incarnation": 1.0, "address": f"10.62.16.{number}/16"},
        }
        for number, node in enumerate(nodes, 1)
    ]
    latest = {"manifest": {"time": time}, "resources": [root, identity, *machines]}
    return json.dumps({"version": 3, "checkpoint": {"stack": STACK, "latest": latest}}).encode()


LOCKED = lockfile.encode(Lock("shop", "default", IPv4Network("10.62.0.0/16")))
RECORDED = b'{"nodes":{},"contents":{},"version":1}'


@pytest.fixture
def kept(own_state: Path) -> Iterator[Kept]:
    """The documents of an application with two machines."""
    found = keeping.kept(settings.load(), STACK)
    for part, content in ((CHECKPOINT, checkpoint("0c8d", "2026-11-21T13:08:04Z", "web-1", "web-2")),
                          (RECORD, RECORDED), (LOCK, LOCKED)):  # fmt: skip
        found.write(part, content)
    yield found


def spoil(kept: Kept, part: str, content: bytes) -> None:
    """Behind conpaas' back."""
    store, name = kept.place(part)
    store.write(name, content)


BAD = [
    (CHECKPOINT, b"", "it is empty"),
    (CHECKPOINT, checkpoint()[:-30], "cut short or no JSON"),
    (CHECKPOINT, b"\xff\xfe\x00", ""),
    (CHECKPOINT, b'{"version": 9}', "version 9, this conpaas knows 3"),
    (CHECKPOINT, b"[]", "no checkpoint"),
    (CHECKPOINT, b'{"version": 3}', "something is missing in it"),
    (CHECKPOINT, checkpoint().replace(b'"urn": "urn:root"', b'"urn": "urn:other"'), "urn:root"),
    (RECORD, b"", "truncated"),
    (RECORD, RECORDED[:-5], "truncated"),
    (RECORD, b"\xff\xfe\x00", ""),
    (RECORD, b'{"version": 2, "what": "nobody knows"}', "version 2, this conpaas knows 1"),
    (RECORD, b'{"nodes": 7, "version": 1}', "nodes"),
    (LOCK, b"", "it is empty"),
    (LOCK, LOCKED[:-9], "cut short"),
    (LOCK, b"\xff\xfe\x00", ""),
    (LOCK, LOCKED.replace(b'"Version": 1', b'"Version": 2'), "version 2"),
    (LOCK, b'{"Version": 1}', "it lacks"),
]


@pytest.mark.parametrize(("part", "content", "why"), BAD)
def test_damage_is_found_and_mended(
    part: str, content: bytes, why: str, kept: Kept, capsys: pytest.CaptureFixture[str]
) -> None:
    good = kept.read(part)
    assert good
    kept.write(part, good)  # so that there is a version before
    spoil(kept, part, content)
    assert why in statefile.wrong(part, content, STACK)
    assert cli.run(["state", "check"]) == 1
    out = capsys.readouterr().out
    assert f"✗ {part}" in out
    assert "the version before is good" in out
    assert "→ conpaas state check shop --restore" in out
    assert cli.run(["state", "check", "shop", "--format", "json"]) == 1
    document = schemas.check(capsys.readouterr().out, "state")
    assert [each["part"] for each in document["applications"][0]["documents"] if each["state"] == "corrupt"] == [part]
    assert cli.run(["state", "check", "shop", "--restore"]) == 0
    assert kept.read(part) == good
    [bad] = (settings.load().state / "replaced").iterdir()
    assert bad.read_bytes() == content


@pytest.mark.parametrize(("part", "content", "why"), [each for each in BAD if each[0] != CHECKPOINT])
def test_list_says_it_and_lists_the_others(
    part: str, content: bytes, why: str, kept: Kept, capsys: pytest.CaptureFixture[str]
) -> None:
    other = keeping.kept(settings.load(), "blog.default")
    other.write(CHECKPOINT, checkpoint())
    spoil(kept, part, content)
    assert cli.run(["list", "--format", "json"]) == 1
    found = {each["application"]: each for each in schemas.check(capsys.readouterr().out, "list")["applications"]}
    assert found["blog"]["problem"] == ""
    assert "shop (default) cannot be used" in found["shop"]["problem"]


def test_where_nothing_good_is_left_an_export_is_asked_for(kept: Kept, capsys: pytest.CaptureFixture[str]) -> None:
    spoil(kept, RECORD, b"{")
    assert cli.run(["state", "check", "shop"]) == 1
    assert "no good record is left here; from an export: conpaas state import FILE" in capsys.readouterr().out
    store, name = kept.place(CHECKPOINT)
    store.delete(name)
    assert cli.run(["state", "check", "shop", "--restore"]) == 1
    assert "✓ lock" in capsys.readouterr().out


def test_a_checkpoint_of_a_former_run(kept: Kept) -> None:
    folder = Folder(kept.settings.state / "backend" / ".pulumi")
    for number in (1, 2):
        content = checkpoint("0c8d", f"2026-11-2{number}T13:08:04Z", "web-1")
        folder.write(f"history/conpaas/{STACK}/{STACK}-{number}.checkpoint.json", content)
    spoil(kept, CHECKPOINT, b"{")
    [finding] = [each for each in keeping.check(kept.settings)[0].findings if not each.is_good]
    assert finding.offer == "that of a former run is good: 1 machine, 2026-11-22 13:08 UTC"
    keeping.restore(kept.settings, keeping.check(kept.settings)[0])
    assert keeping.check(kept.settings)[0].is_good


def test_a_lock_that_is_not_that_of_the_machines(kept: Kept) -> None:
    spoil(kept, LOCK, LOCKED.replace(b"10.62.0.0", b"10.63.0.0"))
    assert "its range is 10.63.0.0/16, but web-1 has 10.62.16.1" in str(keeping.check(kept.settings))


def test_what_is_not_there_yet_is_no_harm(kept: Kept, capsys: pytest.CaptureFixture[str]) -> None:
    for part in (RECORD, LOCK):
        store, name = kept.place(part)
        store.delete(name)
    assert cli.run(["state", "check", "shop"]) == 0
    assert "`conpaas up` writes it" in capsys.readouterr().out
    assert cli.run(["state", "check", "blog"]) == 1
    assert cli.run(["state", "check", "--restore"]) == 1


def test_the_version_before_stays(tmp_path: Path) -> None:
    store = Folder(tmp_path)
    for number in range(3):
        store.write("shop.default/record.json", str(number).encode(), keeps=True)
    assert (store.read("shop.default/record.json"), store.read("shop.default/record.json.1")) == (b"2", b"1")
    assert store.names() == ("shop.default/record.json", "shop.default/record.json.1")
    record.write(store, STACK, Record(held=frozenset({"web"})))
    assert record.read(store, STACK).held == {"web"}
    lock = lockfile.decode(LOCKED)
    lockfile.keep(store, STACK, lock)
    lockfile.keep(store, STACK, lock)  # the same: nothing is written
    assert lockfile.applied(store, STACK) == lock
    assert store.read("shop.default/lock.json.1") is None


def test_a_record_of_another_version_is_never_guessed() -> None:
    with pytest.raises(StateError) as refused:
        record.decode(b'{"version": 7, "nodes": {"web-1": null}}', "shop.staging")
    assert refused.value.message == (
        "the record of shop (staging) cannot be used: it is of version 7, this conpaas knows 1"
    )
    assert refused.value.remedy == "conpaas state check shop -e staging"
    assert refused.value.exit_code == 1


def exported(kept: Kept, path: Path) -> dict[str, Any]:
    """The export of shop, as a document."""
    assert cli.run(["state", "export", "shop", str(path), "--overwrite"]) == 0
    document: dict[str, Any] = json.loads(path.read_text())
    return document


def test_export_and_import(
    kept: Kept, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "_unreadable", lambda found, settings: "")  # that asks an engine
    history = kept.settings.state / "backend" / "history" / STACK
    history.mkdir(parents=True)
    (history / "20261121-130501-3f2a.ndjson").write_text("{}\n")
    path = tmp_path / "shop.json"
    exported(kept, path)
    assert f"the passphrase that its secrets are encrypted with ({kept.settings.state}/passphrase)" in (
        capsys.readouterr().out
    )
    assert path.stat().st_mode & 0o777 == 0o600
    assert cli.run(["state", "export", "shop", str(path)]) == 1
    assert cli.run(["state", "export", "blog", str(tmp_path / "blog.json")]) == 1
    assert cli.run(["state", "import", str(path)]) == 0
    assert "exactly like that" in capsys.readouterr().out

    monkeypatch.setenv("CONPAAS_STATE_DIR", str(tmp_path / "elsewhere"))
    assert cli.run(["state", "import", str(path)]) == 0
    there = keeping.kept(settings.load(), STACK)
    assert there.documents() == kept.documents()
    assert (tmp_path / "elsewhere" / "backend" / "history" / STACK / "20261121-130501-3f2a.ndjson").exists()
    [meta] = (tmp_path / "elsewhere" / "backend").rglob(".pulumi/meta.yaml")
    assert meta.read_text() == "version: 1\n"
    assert cli.run(["state", "check"]) == 0


def test_import_refuses_what_would_lose_something(kept: Kept, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "_unreadable", lambda found, settings: "")
    path = tmp_path / "shop.json"
    exported(kept, path)
    newer = checkpoint("0c8d", "2026-11-22T13:08:04Z", "web-1")
    kept.write(CHECKPOINT, newer)
    with pytest.raises(UserError, match=r"newer than .*: 2026-11-22 13:08 UTC, not 2026-11-21 13:08") as refused:
        keeping.bring(path, kept.settings)
    assert "--overwrite" in refused.value.remedy
    kept.write(CHECKPOINT, checkpoint("another", "2026-11-20T13:08:04Z", "web-1"))
    with pytest.raises(UserError, match="another application"):
        keeping.bring(path, kept.settings)
    spoil(kept, CHECKPOINT, b"{")
    assert not keeping.bring(path, kept.settings).is_same  # an export mends what is corrupt
    kept.write(CHECKPOINT, newer)
    assert not keeping.bring(path, kept.settings, overwrite=True).is_new
    store, name = kept.place(CHECKPOINT)
    assert store.read(f"{name}.bak") == newer


def test_an_export_that_is_not_whole_is_refused(kept: Kept, tmp_path: Path) -> None:
    path = tmp_path / "shop.json"
    document = exported(kept, path)

    def refused(why: str, content: bytes) -> None:
        path.write_bytes(content)
        with pytest.raises(UserError, match=why):
            keeping.bring(path, kept.settings)

    text = json.dumps(document)
    refused("not all of it", text[:-200].encode())
    refused("not all of it", b"\xff")
    refused("the digest of .*record.* is another", text.replace('\\"contents\\"', '\\"Contents\\"').encode())
    refused("of version 2", json.dumps({**document, "version": 2}).encode())
    refused("is not what `conpaas state export` writes", json.dumps({**document, "kind": "x"}).encode())
    refused("'../../etc'", json.dumps({**document, "application": "../../etc"}).encode())
    refused("'../x'", json.dumps({**document, "history": {"../x": ""}}).encode())
    with pytest.raises(UserError, match="cannot be read"):
        keeping.bring(tmp_path / "nothing", kept.settings)
    spoil(kept, RECORD, b"{")
    with pytest.raises(StateError):
        keeping.export("shop", "default", kept.settings, with_history=True)


def test_a_document_that_disagrees_is_named(kept: Kept) -> None:
    good = keeping.check(kept.settings, "shop")[0]
    assert good.is_good
    assert [finding.text for finding in good.findings] == [
        "2 machines, 2026-11-21 13:08 UTC",
        "0 confirmed",
        "10.62.0.0/16",
    ]
