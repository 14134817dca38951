"""`conpaas drift` through the real engine: what the cloud has lost or altered, what machines say, and what mends it."""

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from conpaas_iac import cli
from conpaas_iac.backend import record
from conpaas_iac.core.declaration import Machine
from conpaas_iac.drift.driftfound import Found, FoundCertificate, FoundPackage, FoundUnit
from conpaas_iac.drift.driftreport import DriftReport
from conpaas_iac.errors import UserError
from conpaas_iac.usecases import adopting, examining, reverting
from conpaas_iac.usecases.inspection import SilentError, View
from conpaas_iac.usecases.wish import Request
from tests.engine.conftest import World, backends
from tests.schemas import check
from tests.unit.drift.found import perfect

INI = "/etc/php/8.2/fpm/conf.d/90-conpaas.ini"
Answers = dict[str, Callable[[Found], Found]]  # machine -> what of it is other


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Answers]:
    """Machines say that they are as they should be, but for what a test changes; a visit mends what it shipped."""
    changes: Answers = {}

    def asked(machine: Machine, looked: View, question: str) -> Found:
        tree, known = looked.record.tree(machine.node), looked.record.nodes[machine.node]
        assert tree
        found = perfect(tree)
        macs = {each["path"]: each["mac"] for each in json.loads(question)["files"]}
        plain = examining.macs_of(tree, bytes.fromhex(json.loads(question)["key"]), looked.secrets)
        files = [msgspec.structs.replace(file, mac=plain.get(file.path, "")) for file in found.files]
        assert all(mac in ("", plain.get(path)) for path, mac in macs.items())
        signed = known.certificate
        issuer = known.member.signer if known.member else ""
        certificate = FoundCertificate(signed.fingerprint, issuer, signed.ends) if signed else None
        found = msgspec.structs.replace(found, files=tuple(files), certificate=certificate)
        return changes[machine.node](found) if machine.node in changes else found

    monkeypatch.setattr(examining, "_asked", asked)
    yield changes


def with_file(path: str, **fields: Any) -> Callable[[Found], Found]:
    def other(found: Found) -> Found:
        files = [msgspec.structs.replace(file, **fields) if file.path == path else file for file in found.files]
        return msgspec.structs.replace(found, files=tuple(files))

    return other


def drift(world: World, *path: str, texts: bool = False) -> DriftReport:
    return examining.drift_of(world.name, "default", world.settings, path, texts)


def said(report: DriftReport) -> list[tuple[str, str, str]]:
    return [(each.node, each.what, each.text) for each in report.drifts]


def revert(world: World, report: DriftReport, *may_lose: str) -> None:
    world.visits.seen.clear()
    world.lxd.calls.clear()
    request = Request(world.folder / "manifest.json", may_lose=frozenset(may_lose))
    reverting.revert(report, request, world.settings, world.events.append, world.visits)


def test_gone_and_stopped_machines_come_back_and_nobody_else_is_visited(world: World, answers: Answers) -> None:
    world.up(backends(3))
    assert (drift(world).drifts, drift(world).exit_code) == ((), 0)
    world.lxd.lose("shop--web-3")
    world.lxd.halt("shop--web-2")
    report = drift(world)
    assert said(report) == [("web-2", "machine", "stopped"), ("web-3", "machine", "gone")]
    assert report.exit_code == 5
    revert(world, report)
    assert world.lxd.running() == {"shop--web-1", "shop--web-2", "shop--web-3"}
    assert world.lxd.calls == ["start shop--web-2", "create shop--web-3", "start shop--web-3"]
    [(playbook, nodes)] = world.visits.seen
    assert (playbook, sorted(nodes)) == ("configure", ["web-2", "web-3"])
    assert drift(world).exit_code == 0


def test_a_paused_machine_goes_on(world: World, answers: Answers) -> None:
    world.up(backends(1))
    world.lxd.freeze("shop--web-1")
    report = drift(world)
    assert said(report) == [("web-1", "machine", "stopped")]
    revert(world, report)
    assert (world.lxd.calls, drift(world).exit_code) == (["unfreeze shop--web-1"], 0)


def test_only_the_machine_whose_file_was_edited_is_visited(world: World, answers: Answers) -> None:
    world.up(backends(2))
    answers["web-2"] = with_file(INI, mac="0")
    report = drift(world)
    assert said(report) == [("web-2", INI, "edited by hand")]
    revert(world, report)
    assert world.visits.seen == [("configure", ("web-2",))]
    assert world.lxd.calls == []
    answers.clear()
    assert drift(world).exit_code == 0
    assert world.up().plan.is_empty


def test_a_size_that_somebody_changed_is_given_back(world: World, answers: Answers) -> None:
    world.up(backends(1))
    config = world.lxd.machines["shop--web-1"].config
    config["limits.memory"] = "3GiB"
    report = drift(world)
    assert said(report) == [("web-1", "size", "has 1 cpu, 3072 MiB instead of 1 cpu, 1024 MiB")]
    revert(world, report)
    assert world.lxd.machines["shop--web-1"].config["limits.memory"] == "1024MiB"
    assert world.visits.seen == []
    assert drift(world).exit_code == 0


def test_a_foreign_certificate_is_signed_again(world: World, answers: Answers) -> None:
    world.up(backends(2))
    before = record.read(world.engine().shelf, "shop.default").nodes["web-2"].certificate

    def foreign(found: Found) -> Found:
        assert found.certificate
        return msgspec.structs.replace(
            found, certificate=msgspec.structs.replace(found.certificate, issuer="theirs", fingerprint="x")
        )

    answers["web-2"] = foreign
    report = drift(world)
    assert said(report) == [("web-2", "certificate", "of another authority, not the one that was signed for it")]
    revert(world, report)
    assert world.visits.seen == [("configure", ("web-2",))]
    after = record.read(world.engine().shelf, "shop.default").nodes["web-2"].certificate
    assert after and before and after.fingerprint != before.fingerprint


def test_other_packages_are_mended_by_a_machine_made_anew(world: World, answers: Answers) -> None:
    world.up(backends(2))
    ids = world.lxd.ids()
    other = (FoundPackage("nginx", "1", "2"),)
    answers["web-2"] = lambda found: msgspec.structs.replace(found, packages=other)
    report = drift(world)
    assert [(each.what, each.danger, each.mend) for each in report.drifts] == [("nginx", "restart", "replace")]
    revert(world, report)
    assert {name for name, each in world.lxd.ids().items() if ids[name] != each} == {"shop--web-2"}


def test_a_manifest_that_asks_for_more_is_not_carried_out(world: World, answers: Answers) -> None:
    world.up(backends(2))
    answers["web-2"] = with_file(INI, mac="0")
    report = drift(world)
    world.write({**backends(3), "Configuration": {"memory_limit": "1G"}})
    with pytest.raises(UserError, match="asks for more than was applied: web-3, web-1, web-2") as refused:
        revert(world, report)
    assert "conpaas up" in refused.value.remedy
    assert world.visits.seen == []
    assert not record.read(world.engine().shelf, "shop.default").visiting


def test_a_part_is_only_mended_where_nothing_else_would_be(world: World, answers: Answers) -> None:
    world.up(backends(3))
    world.lxd.halt("shop--web-3")
    answers["web-2"] = with_file(INI, mac="0")
    part = drift(world, "web", "2")
    assert said(part) == [("web-2", INI, "edited by hand")]
    with pytest.raises(UserError, match="web-3: gone or stopped as well"):
        revert(world, part)
    assert (world.lxd.calls, world.visits.seen) == ([], [])


def test_a_manifest_of_another_application_is_refused(world: World, answers: Answers) -> None:
    world.up(backends(1))
    answers["web-1"] = with_file(INI, mac="0")
    report = drift(world)
    mine, other = world.folder / "manifest.json", world.folder / "other.json"
    other.write_text(mine.read_text().replace('"shop"', '"blog"'))
    with pytest.raises(UserError, match="is of blog, not of shop"):
        reverting.revert(report, Request(other), world.settings, world.events.append, world.visits)
    with pytest.raises(UserError, match="is of blog, not of shop"):
        adopting.adopt(report, other, world.settings)


def test_the_last_copy_of_data_is_only_lost_when_told_so(world: World, answers: Answers) -> None:
    world.up({"Type": "mysql", "ServiceName": "db"})
    world.lxd.lose("shop--db-1")
    report = drift(world)
    assert [each.danger for each in report.drifts] == ["data loss"]
    with pytest.raises(UserError, match="db would lose its data"):
        revert(world, report)
    assert world.lxd.calls == []
    revert(world, report, "db")
    assert world.lxd.running() == {"shop--db-1"}


def test_a_revert_that_is_cut_off_is_ended_by_an_up(world: World, answers: Answers) -> None:
    world.up(backends(2))
    answers["web-1"] = with_file(INI, mac="0")
    report = drift(world)

    def cut(playbook: str, visits: Any) -> None:
        raise KeyboardInterrupt

    world.visits.at_visit = cut
    with pytest.raises(KeyboardInterrupt):
        revert(world, report)
    world.visits.at_visit = None
    half = drift(world)
    assert [each.node for each in half.unchecked] == ["web-1"]
    assert "a run was interrupted there" in half.unchecked[0].reason
    assert (half.exit_code, half.unchecked[0].remedy) == (3, "conpaas up")
    with pytest.raises(UserError, match="a run was interrupted at web-1"):
        revert(world, half)
    world.up()
    assert world.visits.seen == [("configure", ("web-1",))]


def test_who_does_not_answer_is_named_and_the_others_are_reported(
    world: World, answers: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.up(backends(3))
    answers["web-1"] = with_file(INI, mac="0")
    answers["web-2"] = lambda found: (_ for _ in ()).throw(SilentError("Connection refused"))
    report = drift(world)
    assert said(report) == [("web-1", INI, "edited by hand")]
    assert [(each.node, each.reason) for each in report.unchecked] == [("web-2", "Connection refused")]
    assert (report.exit_code, report.checked) == (3, 2)
    assert said(drift(world, "web", "2")) == []
    with pytest.raises(UserError, match="no machine 'blog'"):
        drift(world, "blog")


def test_what_was_never_configured_is_not_called_drift(world: World, answers: Answers) -> None:
    world.visits.fail("web-1")
    with pytest.raises(Exception, match="web-1"):
        world.up(backends(1))
    report = drift(world)
    assert (report.drifts, report.exit_code) == ((), 3)
    with pytest.raises(UserError, match="no application 'shop'"):
        examining.drift_of("shop", "staging", world.settings)


def test_what_rests_as_asked_is_no_drift(world: World, answers: Answers) -> None:
    world.up(backends(1))
    world.up({**backends(1), "Start": 0})
    assert drift(world).exit_code == 0


def test_values_are_adopted_and_an_up_makes_them_so(world: World, answers: Answers) -> None:
    manifest = world.write({**backends(2), "Configuration": {"memory_limit": "64M"}})
    world.up()
    text = record.read(world.engine().shelf, "shop.default").files("web-1")[INI].replace("64M", "96M")
    answers["web-1"] = with_file(INI, mac="0", text=text)
    for name in ("web-1", "web-2"):
        world.lxd.machines[f"shop--{name}"].config |= {"limits.cpu": "2", "limits.memory": "2GiB"}
    answers["web-2"] = lambda found: msgspec.structs.replace(
        found, units={**found.units, "nginx": FoundUnit("loaded", "failed", "enabled")}
    )
    before = manifest.read_text()
    report = drift(world, texts=True)
    adopted = adopting.adopt(report, manifest, world.settings)
    assert {(each.name, each.value, each.nodes) for each in adopted.edits} == {
        ("Configuration.memory_limit", "96M", ("web-1",)),
        ("Size", "medium", ("web-1", "web-2")),
    }
    assert [(each.node, each.what) for each in adopted.refused] == [("web-2", "nginx")]
    assert manifest.read_text().startswith(before[: before.index('"64M"')])
    check(json.dumps(adopting.document(report, adopted)), "adopt")
    answers.clear()
    causes = {change.node: change.cause for change in world.up().plan.changes}
    assert set(causes) == {"web-1", "web-2"}
    assert drift(world).exit_code == 0


def test_a_manifest_that_was_edited_since_is_not_edited_back(world: World, answers: Answers) -> None:
    world.up({**backends(1), "Configuration": {"memory_limit": "64M"}})
    text = record.read(world.engine().shelf, "shop.default").files("web-1")[INI]
    answers["web-1"] = with_file(INI, mac="0", text=text.replace("log_errors = On", "log_errors = Off"))
    manifest = world.write({**backends(1), "Configuration": {"memory_limit": "128M"}})
    before = manifest.read_text()
    adopted = adopting.adopt(drift(world, texts=True), manifest, world.settings)
    assert (adopted.edits, manifest.read_text()) == ((), before)
    [refused] = adopted.refused
    assert refused.reason == "the manifest says something else of this file than was applied"
    assert refused.remedy == f"conpaas up {manifest}, or --revert"


def test_an_environment_with_an_overlay_is_adopted_there(world: World, answers: Answers) -> None:
    manifest = world.write({**backends(1), "Configuration": {"memory_limit": "64M"}})
    overlay = manifest.with_name("manifest.default.json")
    overlay.write_text('{"Services": {}}')
    world.up()
    text = record.read(world.engine().shelf, "shop.default").files("web-1")[INI].replace("64M", "96M")
    answers["web-1"] = with_file(INI, mac="0", text=text)
    before = manifest.read_text()
    adopted = adopting.adopt(drift(world, texts=True), manifest, world.settings)
    assert (adopted.manifest, adopted.exit_code, manifest.read_text()) == (str(overlay), 0, before)
    assert overlay.read_text() == '{"Services": {"web": {"Configuration": {"memory_limit": "96M"}}}}'


def test_machines_that_disagree_are_not_adopted(world: World, answers: Answers) -> None:
    manifest = world.write({**backends(2), "Configuration": {"memory_limit": "64M"}})
    world.up()
    before = manifest.read_text()
    for node, size in (("web-1", "96M"), ("web-2", "97M")):
        text = record.read(world.engine().shelf, "shop.default").files(node)[INI].replace("64M", size)
        answers[node] = with_file(INI, mac="0", text=text)
    adopted = adopting.adopt(drift(world, texts=True), manifest, world.settings)
    assert adopted.edits == ()
    assert [each.reason for each in adopted.refused] == [
        "Configuration.memory_limit is not the same everywhere: '96M' on web-1, '97M' on web-2"
    ] * 2
    assert manifest.read_text() == before


@pytest.fixture
def at_shell(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """The command's own `up` runs no Ansible."""
    monkeypatch.setattr(reverting.revert, "__defaults__", (world.visits, lambda plan, wish: None))
    return world


def test_the_command(at_shell: World, answers: Answers, capsys: pytest.CaptureFixture[str]) -> None:
    world = at_shell
    world.up(backends(2))
    assert cli.run(["drift", "shop"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "No drift: 2 machines as they confirmed."
    answers["web-2"] = with_file(INI, mac="0", text="; mine\n")
    assert cli.run(["drift", "shop", "--files"]) == 5
    out = capsys.readouterr().out
    assert "+; mine" in out
    assert "conpaas drift shop --revert mends it" in out
    assert cli.run(["drift", "shop", "--format", "json"]) == 5
    document = check(capsys.readouterr().out, "drift")
    assert [each["class"] for each in document["drifts"]] == ["safe"]
    world.visits.at_visit = lambda playbook, visits: answers.clear()
    assert cli.run(["drift", "shop", "--revert", "--yes", "--format", "json"]) == 0
    assert [each["node"] for each in check(capsys.readouterr().out, "drift")["reverted"]] == ["web-2"]
    assert cli.run(["drift", "shop", "--revert", "--adopt"]) == 1
    assert cli.run(["drift", "blog"]) == 1


def test_asking_may_be_answered_with_no(
    at_shell: World, answers: Answers, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    at_shell.up(backends(1))
    answers["web-1"] = with_file(INI, mac="0")
    at_shell.visits.seen.clear()
    assert cli.run(["drift", "shop", "--revert"]) == 1
    assert "nobody is there to answer" in capsys.readouterr().err
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr("click.confirm", lambda *words, **fields: (_ for _ in ()).throw(KeyboardInterrupt))
    assert cli.run(["drift", "shop", "--revert"]) == 130
    assert at_shell.visits.seen == []
    at_shell.write(backends(2))
    assert cli.run(["drift", "shop", "--revert"]) == 1  # refused before anybody is asked
    assert "asks for more than was applied: web-2" in capsys.readouterr().err


def test_a_manifest_that_moved_is_asked_for(world: World, answers: Answers) -> None:
    world.up(backends(1))
    path = world.folder / "manifest.json"
    assert reverting.manifest_of("shop", "default", None, world.settings) == path
    moved = path.rename(path.with_name("elsewhere.json"))
    with pytest.raises(UserError, match=r"which is not here") as refused:
        reverting.manifest_of("shop", "default", None, world.settings)
    assert refused.value.remedy == "--manifest FILE"
    assert reverting.manifest_of("shop", "default", moved, world.settings) == moved
    engine = world.engine()
    older = replace(record.read(engine.shelf, engine.name), origin=None)
    record.write(engine.shelf, engine.name, older)
    with pytest.raises(UserError, match="of an older version"):
        reverting.manifest_of("shop", "default", None, world.settings)


def test_why_of_an_application_needs_no_manifest(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    world.up(backends(2))
    monkeypatch.chdir(world.folder)
    asked = ["why", "shop", "90-conpaas.ini", "--format", "json"]
    assert cli.run(asked) == 0
    with_file_here = check(capsys.readouterr().out, "why")
    assert with_file_here["answers"][0]["nodes"] == ["web-1", "web-2"]
    Path("manifest.json").unlink()
    assert cli.run(asked) == 0
    assert check(capsys.readouterr().out, "why") == with_file_here
    ip = world.lxd.machines["shop--web-2"].ip
    assert cli.run(["why", "shop", ip]) == 0
    assert capsys.readouterr().out.startswith("machine web-2")
    assert cli.run(["why", "blog", ip]) == 1
