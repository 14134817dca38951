"""`plan -o FILE` and `up --plan FILE`: exactly that plan, or a refusal that names what moved."""

import json
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from conpaas_iac import catalog, cli
from conpaas_iac.plans import promise
from conpaas_iac.usecases import deployment, promising, rotation
from tests import schemas
from tests.engine.conftest import World, backends

Verb = Callable[..., int]


@pytest.fixture
def verb(world: World, monkeypatch: pytest.MonkeyPatch) -> Verb:
    """Run a verb; where Ansible would be asked, `world.visits` is."""
    monkeypatch.setattr(deployment, "up", partial(deployment.up, execute=world.visits))
    return lambda *words: cli.run([str(word) for word in words])


def refused(verb: Verb, capsys: pytest.CaptureFixture[str], *words: object) -> str:
    """What an `up` says that ends with 1."""
    capsys.readouterr()
    assert verb("up", *words) == 1
    return capsys.readouterr().err


def test_in_another_checkout_by_another_job(
    world: World, verb: Verb, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    saved, code = world.folder.parent / "out" / "shop.plan", world.folder / "code"
    code.mkdir()
    (code / "index.php").write_text("hello")
    manifest = world.write({**backends(1), "Archive": "code"})
    assert verb("lock", manifest) == 0
    monkeypatch.setenv("CI", "true")
    assert verb("plan", manifest, "-o", saved) == 0
    assert f"conpaas up --plan {saved}" in capsys.readouterr().out
    assert saved.stat().st_mode & 0o777 == 0o600
    document = schemas.check(saved.read_text(), "savedplan")
    assert [change["node"] for change in document["plan"]["changes"]] == ["web-1"]
    assert world.lxd.calls == []

    other = world.folder.parent / "checkout"
    shutil.copytree(world.folder, other)
    shutil.rmtree(world.folder)
    monkeypatch.chdir(other)
    assert "is not here" in refused(verb, capsys, "--plan", saved)
    assert verb("up", other / "manifest.json", "--plan", saved) == 0
    assert world.lxd.running() == {"shop--web-1"}

    # Once done, it is done: what it began from is no more.
    said = refused(verb, capsys, "manifest.json", "--plan", saved)
    assert "the state (the application was changed: conpaas history)" in said
    assert f"-o {saved}" in said


def test_the_manifest_is_found_again_and_secrets_are_not_in_it(world: World, verb: Verb) -> None:
    database = {"Type": "mysql", "ServiceName": "db", "Password": {"Secret": "db"}}
    saved = world.folder / "plan.json"
    world.up(backends(1), database)
    rotation.rotate("shop", "default", "db", world.settings, world.events.append, execute=world.visits)
    world.write(backends(2), database)
    assert verb("plan", world.folder / "manifest.json", "-o", saved) == 0
    values = world.engine().machines().secrets.values()
    assert values
    assert not [value for value in values if value in saved.read_text()]
    assert verb("up", "--plan", saved) == 0
    assert "shop--web-2" in world.lxd.running()


def role(monkeypatch: pytest.MonkeyPatch, world: World) -> None:
    before = catalog.ServiceType.digest.func  # type: ignore[attr-defined]
    after = property(lambda kind: "another" if kind.name == "php" else before(kind))
    monkeypatch.setattr(catalog.ServiceType, "digest", after)


def manifest(monkeypatch: pytest.MonkeyPatch, world: World) -> None:
    world.write({**backends(3), "Archive": "code"})


def spaces(monkeypatch: pytest.MonkeyPatch, world: World) -> None:
    with (world.folder / "manifest.json").open("a") as file:
        file.write("\n\n")


def lock(monkeypatch: pytest.MonkeyPatch, world: World) -> None:
    path = world.folder / "conpaas.lock.json"
    document = json.loads(path.read_text())
    document["Services"]["former"] = {"Block": document["Services"]["web"]["Block"].replace(".16.0", ".240.0")}
    path.write_text(json.dumps(document))


def code(monkeypatch: pytest.MonkeyPatch, world: World) -> None:
    (world.folder / "code" / "index.php").write_text("another")


def tool(monkeypatch: pytest.MonkeyPatch, world: World) -> None:
    monkeypatch.setattr(promising, "__version__", "99")


def backend(monkeypatch: pytest.MonkeyPatch, world: World) -> None:
    here = world.settings.state / "backend"
    there = here.with_name("elsewhere")
    shutil.copytree(here, there)
    monkeypatch.setenv("CONPAAS_BACKEND", f"file://{there}")


def setting(monkeypatch: pytest.MonkeyPatch, world: World) -> None:
    monkeypatch.setenv("CONPAAS_LXD_POOL", "fast")


def state(monkeypatch: pytest.MonkeyPatch, world: World) -> None:
    world.visits.fail("web-1")
    manifest = (world.folder / "manifest.json").read_text()
    with pytest.raises(Exception, match="web-1"):
        world.up({**backends(1), "Archive": "code", "Configuration": {"memory_limit": "64M"}})
    (world.folder / "manifest.json").write_text(manifest)
    world.visits.failing.clear()
    world.lxd.calls.clear()
    world.visits.seen.clear()


MOVES: dict[Any, str] = {
    role: "role php",
    manifest: "the manifest (web StartupInstances.backend: 2 -> 3)",
    spaces: "the manifest;",
    lock: "the lock file",
    code: "code of web",
    tool: "conpaas (",
    backend: "the backend",
    setting: "setting lxd_pool (conpaas -> fast)",
    state: "the state",
}


def test_what_moved_is_named(
    world: World, verb: Verb, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (world.folder / "code").mkdir()
    (world.folder / "code" / "index.php").write_text("hello")
    saved = world.folder / "plan.json"
    world.up({**backends(1), "Archive": "code"})
    world.write({**backends(2), "Archive": "code"})
    kept = {path: path.read_bytes() for path in (world.folder).rglob("*") if path.is_file()}
    for move, name in MOVES.items():
        with monkeypatch.context() as moved:
            for path, content in kept.items():
                path.write_bytes(content)
            assert verb("plan", world.folder / "manifest.json", "-o", saved) == 0
            world.lxd.calls.clear()
            world.visits.seen.clear()
            move(moved, world)
            said = refused(verb, capsys, "--plan", saved)
            first = said.partition("since it was made: ")[2].splitlines()[0]
            assert f"{first};".startswith(name), said
            assert (world.lxd.calls, world.visits.seen) == ([], []), move


def test_the_world_moved(world: World, verb: Verb, capsys: pytest.CaptureFixture[str]) -> None:
    saved, manifest = world.folder / "plan.json", world.folder / "manifest.json"
    world.up(backends(2))
    world.write(backends(3))
    assert verb("plan", manifest, "-o", saved) == 0
    world.lxd.lose("shop--web-2")
    world.lxd.calls.clear()
    said = refused(verb, capsys, "--plan", saved)
    assert "web-2 (replace: the cloud has lost it)" in said
    assert world.lxd.calls == []
    assert verb("plan", manifest, "-o", saved, "--refresh") == 0
    assert verb("up", "--plan", saved) == 0
    assert world.lxd.running() == {"shop--web-1", "shop--web-2", "shop--web-3"}


def test_no_saved_plan(world: World, verb: Verb, capsys: pytest.CaptureFixture[str]) -> None:
    saved, manifest = world.folder / "plan.json", world.write(backends(1))
    assert verb("plan", manifest, "-o", saved) == 0
    good = saved.read_bytes()
    document = json.loads(good)

    def said_of(content: bytes, *words: object) -> str:
        saved.write_bytes(content)
        return refused(verb, capsys, *words, "--plan", saved)

    document["plan"]["changes"][0]["address"] = "10.42.99.1"
    assert "was edited" in said_of(json.dumps(document).encode())
    assert "cut short" in said_of(good[: len(good) // 2])
    assert "it is empty" in said_of(b"")
    assert "no saved plan" in said_of(b"[1]")
    assert "of version 7, this conpaas knows 1" in said_of(json.dumps({**document, "version": 7}).encode())
    assert "is to be read" in said_of(json.dumps(document["plan"]).encode())
    assert "shop (default), not of shop (staging)" in said_of(good, "-e", "staging")
    world.name = "other"
    world.write(backends(1))
    assert "shop (default), not of other (default)" in said_of(good)
    assert "cannot be read" in refused(verb, capsys, "--plan", world.folder / "nothing")
    assert verb("up") == 1
    assert world.lxd.calls == []
    assert not (world.folder / "conpaas.lock.json").exists()


def test_code_without_a_version_cannot_be_promised(
    world: World, verb: Verb, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = world.write({**backends(1), "Archive": "https://code.invalid/site.tar.gz"})
    assert verb("plan", manifest, "-o", world.folder / "plan.json") == 1
    assert f"conpaas lock {manifest}" in capsys.readouterr().err
    assert not (world.folder / "plan.json").exists()


def test_what_cannot_be_seen_is_said(world: World, verb: Verb, capsys: pytest.CaptureFixture[str]) -> None:
    world.up(backends(2))
    capsys.readouterr()
    machine = world.lxd.machines["shop--web-2"]
    assert machine.sshd
    machine.config["user.conpaas.ssh_port"] = "1"  # nobody listens there
    assert verb("plan", world.folder / "manifest.json", "--refresh") == 0
    assert "web-2 runs and does not answer (Connection refused)" in capsys.readouterr().out
    world.lxd.halt("shop--web-2")
    assert verb("plan", world.folder / "manifest.json", "--refresh", "--exit-code") == 2
    assert "it is stopped" in capsys.readouterr().out
    world.lxd.path.rename(world.lxd.path.with_suffix(".away"))
    assert verb("plan", world.folder / "manifest.json", "--refresh") == 0
    assert "not looked at: " in capsys.readouterr().out
    world.lxd.path.with_suffix(".away").rename(world.lxd.path)


def test_a_promise_survives_its_own_form(world: World, verb: Verb, tmp_path: Path) -> None:
    saved = tmp_path / "plan.json"
    assert verb("plan", world.write(backends(1)), "-o", saved) == 0
    again = promise.encode(promise.load(saved))
    assert again == saved.read_bytes()


def test_the_layers_of_an_environment_are_inputs(
    world: World, verb: Verb, capsys: pytest.CaptureFixture[str]
) -> None:
    saved, above = world.folder / "plan.json", world.folder / "conpaas.json"
    above.write_text('{"Fleet": "acme", "Clouds": {"near": {"Provider": "lxd"}}}')
    manifest = world.write({**backends(1), "Cloud": "near"})
    overlay = manifest.with_name("manifest.staging.json")
    overlay.write_text("{}")
    assert verb("plan", manifest, "-e", "staging", "-o", saved) == 0
    near = {"Provider": "lxd", "Project": world.settings.lxd_project}
    moves = {
        overlay: ('{"Services": {"web": {"Start": 1}}}', "the overlay;"),
        above: (json.dumps({"Fleet": "acme", "Clouds": {"near": near}}), "conpaas.json"),
    }
    for path, (text, name) in moves.items():
        before = path.read_text()
        path.write_text(text)
        said = refused(verb, capsys, "--plan", saved)
        assert f"since it was made: {name}" in f"{said.splitlines()[0]};", said
        path.write_text(before)
    overlay.write_text('{"Services": {"web": {"StartupInstances": {"backend": 2}}}}')
    said = refused(verb, capsys, "--plan", saved)
    assert "since it was made: the overlay (web StartupInstances.backend: 1 -> 2)" in said
    assert not world.lxd.running()
    overlay.unlink()
    assert "the overlay" in refused(verb, capsys, "--plan", saved)
    overlay.write_text("{}")
    more = {"near": {"Provider": "lxd"}, "far": {"Provider": "lxd"}}
    above.write_text(json.dumps({"Fleet": "acme", "Apply": "safe", "Clouds": more}))
    assert verb("up", "--plan", saved, "-e", "staging") == 0
