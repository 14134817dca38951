"""Versions of code through the whole tool: uploaded, made active through the manifest, put back, needed, forgotten."""

import json
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from conpaas_iac import cli
from conpaas_iac.backend import record
from conpaas_iac.engine import engine, engine_checkpoint
from conpaas_iac.engine.engine_checkpoint import Export
from conpaas_iac.engine.engine_workspace import Workplace
from conpaas_iac.errors import Failure, UserError
from conpaas_iac.machines import configure
from conpaas_iac.machines.outcome import Outcome
from conpaas_iac.machines.ssh import Access
from conpaas_iac.machines.visit import Visit
from conpaas_iac.manifest.diagnostics import ManifestError
from conpaas_iac.runs.events import Listener
from conpaas_iac.sources import versions
from conpaas_iac.usecases import deployment, uploads
from tests import schemas
from tests.engine.conftest import World, backends


@pytest.fixture(autouse=True)
def same_visits(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the command line begins a run."""
    monkeypatch.setattr(deployment.up, "__defaults__", (world.visits,))
    assert configure.run is not world.visits


@pytest.fixture
def shop(world: World) -> World:
    """Two backends with code beside the manifest, and a second version uploaded."""
    for name in ("one", "two"):
        (world.folder / name).mkdir()
        (world.folder / name / "index.php").write_text(name)
    world.up({**backends(2), "Archive": "one"})
    assert cli.run(["code", "upload", "shop", "web", str(world.folder / "two")]) == 0
    return world


def version(world: World, name: str) -> str:
    known = versions.of(world.settings, "shop.default", "web").all()
    return next(each.version for each in known if each.name == name)


def activate(world: World, *words: str) -> int:
    world.visits.seen.clear()
    return cli.run(["code", "activate", str(world.folder / "manifest.json"), "web", *words])


def active(world: World) -> set[str]:
    return set(uploads.target("shop", "web", "default", world.settings).active())


def archive(world: World) -> Any:
    return json.loads((world.folder / "manifest.json").read_text())["Services"][0]["Archive"]


def test_an_upload_changes_nothing_that_runs(shop: World) -> None:
    before = active(shop)
    assert shop.up().plan.is_empty
    assert active(shop) == before and version(shop, "two") not in before


def test_a_version_is_made_active_and_the_former_one_again(shop: World) -> None:
    two, lock = version(shop, "two"), (shop.folder / "conpaas.lock.json").read_bytes()
    assert activate(shop, two[:12]) == 0
    # Nothing but code changes: no engine, no drain, all machines at once.
    assert shop.visits.seen == [("switch", ("web-2", "web-1"))]
    assert archive(shop) == {"Version": two} and active(shop) == {two}
    assert shop.up().plan.is_empty
    assert (shop.folder / "conpaas.lock.json").read_bytes() == lock
    assert activate(shop, "--previous") == 0
    assert archive(shop) == {"Version": version(shop, "one")} and active(shop) == {version(shop, "one")}
    assert activate(shop, "--previous") == 0
    assert active(shop) == {two}


def test_secrets_are_decrypted_once_and_only_for_a_change_of_code(
    shop: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[Workplace] = []

    def decrypting(place: Workplace) -> AbstractContextManager[Export]:
        begun.append(place)
        return engine_checkpoint.decrypting(place)

    monkeypatch.setattr(engine, "decrypting", decrypting)
    assert shop.up().plan.is_empty
    assert not begun
    assert activate(shop, version(shop, "two")) == 0
    assert len(begun) == 1  # begun before the application was held
    shop.up({**backends(2), "Archive": "one"})
    assert len(begun) == 2 and shop.visits.seen[-1] == ("switch", ("web-2", "web-1"))


def test_what_comes_with_another_change_goes_the_long_way(shop: World) -> None:
    document = json.loads((shop.folder / "manifest.json").read_text())
    document["Services"][0]["Configuration"] = {"memory_limit": "99M"}
    (shop.folder / "manifest.json").write_text(json.dumps(document))
    assert activate(shop, version(shop, "two")) == 0
    assert [playbook for playbook, _ in shop.visits.seen] == ["configure"]


def test_a_version_that_is_refused_leaves_everything(shop: World, capsys: pytest.CaptureFixture[str]) -> None:
    before, runs = active(shop), shop.visits

    def refuses(playbook: str, visits: Sequence[Visit], access: Access, listen: Listener) -> Outcome:
        """As machines.switch does: nothing is switched where one machine refuses."""
        runs.seen.append((playbook, tuple(visit.node for visit in visits)))
        return Outcome((), (Failure("web-2", "stage", "backend: the new version answers 500"),), untouched=("web-1",))

    text = (shop.folder / "manifest.json").read_text()
    deployment.up.__defaults__ = (refuses,)  # restored with the fixture
    assert activate(shop, version(shop, "two")) == 3
    said = capsys.readouterr().err
    assert "was not taken: web-2: not configured" in said and "the new version answers 500" in said
    assert (shop.folder / "manifest.json").read_text() == text
    assert active(shop) == before and shop.visits.seen == [("switch", ("web-2", "web-1"))]
    deployment.up.__defaults__ = (runs,)
    assert shop.up().plan.is_empty


def test_a_version_that_some_took_is_put_back(shop: World) -> None:
    before, two = active(shop), version(shop, "two")

    def half(playbook: str, visits: Sequence[Visit], access: Access, listen: Listener) -> Outcome:
        """The connection to web-2 breaks between its proof and the switch."""
        if playbook != "switch":
            return shop.visits(playbook, visits, access, listen)
        return Outcome(("web-1",), (Failure("web-2", "switch", "the connection broke"),))

    deployment.up.__defaults__ = (half,)
    assert activate(shop, two) == 3
    assert active(shop) == before and archive(shop) == "one"
    # web-2 may have switched: it is visited as every machine in doubt.
    assert shop.visits.seen == [("configure", ("web-2", "web-1"))]


def test_a_kill_between_proof_and_switch_is_mended_by_the_next_up(shop: World) -> None:
    def killed(playbook: str, visits: Sequence[Visit], access: Access, listen: Listener) -> Outcome:
        raise KeyboardInterrupt

    deployment.up.__defaults__ = (killed,)
    activate(shop, version(shop, "two"))
    there = record.read(shop.engine().shelf, "shop.default")
    assert there.visiting == {"web-1", "web-2"}
    deployment.up.__defaults__ = (shop.visits,)
    out = shop.up()
    assert {change.node for change in out.plan.changes} == {"web-1", "web-2"}
    assert active(shop) == {version(shop, "two")}


def test_what_is_needed_is_not_deleted(shop: World) -> None:
    two = version(shop, "two")
    assert activate(shop, two) == 0
    where = uploads.target("shop", "web", "default", shop.settings)
    with pytest.raises(UserError, match="is in use: web-1, web-2"):
        uploads.delete(where, two)
    assert cli.run(["stop", "shop"]) == 0
    with pytest.raises(UserError, match="is in use"):
        uploads.delete(where, two)
    uploads.delete(where, version(shop, "one"))
    assert [each.name for each in where.versions.all()] == ["two"]


def test_versions_outlive_down(shop: World) -> None:
    two = version(shop, "two")
    assert activate(shop, two) == 0
    shop.down()
    assert shop.up().plan.count("add") == 2
    assert active(shop) == {two}


def test_an_unknown_version_is_found_by_the_plan(shop: World) -> None:
    with pytest.raises(ManifestError, match=r'manifest.json:\d+:\d+: error\[E0408\]: web has no version "facade0000"'):
        shop.up({**backends(2), "Archive": {"Version": "facade0000"}})
    first = version(shop, "two")[:8]
    shop.up({**backends(2), "Archive": {"Version": first}})
    assert active(shop) == {version(shop, "two")}


def test_a_download_is_whole_or_not_there(shop: World, tmp_path: Path) -> None:
    target, two = tmp_path / "two.tar.gz", version(shop, "two")
    download = ["code", "download", "shop", "web", two[:12], str(target)]
    assert cli.run(download) == 0
    assert target.stat().st_mode & 0o777 == 0o600
    assert cli.run(download) == 1
    assert cli.run([*download, "--overwrite"]) == 0
    cached = shop.settings.cache / "code" / f"{two}.tar.gz"
    cached.unlink()
    kept = Path(shop.settings.backend_url.removeprefix("file://")) / "code" / "shop.default" / "web"
    (kept / f"{two}.tar.gz").write_bytes(b"damaged")
    target.unlink()
    assert cli.run(download) == 1
    assert not list(tmp_path.glob("*two.tar*"))


REFUSED = {
    ("upload", "shop", "web", "/none.zip"): "there is no such archive",
    ("upload", "shop", "other", "/none.zip"): "shop has no service 'other'",
    ("upload", "none", "web", "/none.zip"): "no application 'none'",
    ("upload", "shop", "web", "conpaas.lock.json"): "neither a tar nor a zip archive",
    ("activate", "shop", "web", "facade00"): "web has no version 'facade00'",
    ("activate", "shop", "web", "--previous"): "had no other version before",
    ("activate", "shop", "web"): "name a version, or say --previous",
    ("git", "shop", "web"): "has no keys, so no repository",
    ("key", "remove", "shop", "web", "alice"): "there is no key 'alice'",
}


def test_what_cannot_be_done_is_said(
    shop: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shop.folder)
    before = (shop.folder / "manifest.json").read_bytes()
    for words, said in REFUSED.items():
        assert cli.run(["code", *words]) == 1
        assert said in capsys.readouterr().err
    assert (shop.folder / "manifest.json").read_bytes() == before


def test_documents_are_as_their_schema_says(shop: World, capsys: pytest.CaptureFixture[str]) -> None:
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPY6Iir76IX1YdrUFVfVMegY7I5FTwsA+ZMvS6nvWnGD alice"
    shop.write({**backends(2), "Archive": "one", "Keys": [key]})
    capsys.readouterr()
    assert cli.run(["code", "key", "list", str(shop.folder / "manifest.json"), "web", "--format", "json"]) == 0
    (listed,) = schemas.check(capsys.readouterr().out, "code")["keys"]
    assert listed["name"] == "alice"
    shop.write({**backends(2), "Archive": "one"})
    assert cli.run(["code", "list", "shop", "web", "--format", "json"]) == 0
    document = schemas.check(capsys.readouterr().out, "code")
    assert [each["name"] for each in document["versions"]] == ["two"]
    assert list(document["active"].values()) == [["web-1", "web-2"]]


def test_keys_are_part_of_the_first_machine(shop: World) -> None:
    line = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPY6Iir76IX1YdrUFVfVMegY7I5FTwsA+ZMvS6nvWnGD alice"
    (shop.folder / "alice.pub").write_text(line + "\n")
    shop.visits.seen.clear()
    assert cli.run(["code", "key", "add", "shop", "web", str(shop.folder / "alice.pub")]) == 0
    assert shop.visits.seen == [("configure", ("web-1",))]
    there = record.read(shop.engine().shelf, "shop.default")
    assert f"restrict {line}\n" in there.files("web-1")["/srv/git/keys"]
    assert "/srv/git/keys" not in there.files("web-2")
    assert "conpaas-git" in there.nodes["web-1"].units
    assert cli.run(["code", "key", "add", "shop", "web", str(shop.folder / "alice.pub")]) == 1
    assert cli.run(["code", "key", "remove", "shop", "web", "alice"]) == 0
    there = record.read(shop.engine().shelf, "shop.default")
    assert "/srv/git/keys" not in there.files("web-1")


def test_another_size_is_no_change_of_code(shop: World) -> None:
    shop.up({**backends(2), "Archive": "one", "Size": "medium"})
    assert "switch" not in {playbook for playbook, _ in shop.visits.seen}
    assert {machine.cpu for machine in shop.applied().values()} == {2}


def test_where_the_environment_has_an_overlay_that_is_edited(shop: World) -> None:
    manifest, overlay = shop.folder / "manifest.json", shop.folder / "manifest.staging.json"
    overlay.write_text('{"Services": {"web": {"StartupInstances": {"backend": 2}}}}')
    text, there = manifest.read_text(), (str(manifest), "web")
    assert cli.run(["up", str(manifest), "-e", "staging"]) == 0
    assert cli.run(["code", "upload", *there, str(shop.folder / "two"), "-e", "staging"]) == 0
    two = version(shop, "two")
    assert cli.run(["code", "activate", *there, two[:12], "-e", "staging"]) == 0
    services = json.loads(overlay.read_text())["Services"]
    assert services == {"web": {"StartupInstances": {"backend": 2}, "Archive": {"Version": two}}}
    assert manifest.read_text() == text
    assert set(uploads.target("shop", "web", "staging", shop.settings).active()) == {two}
    assert two not in active(shop)
