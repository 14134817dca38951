"""Cases of plans in all forms (tests/plans.py writes them), and what no case shows."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conpaas_iac.plans import inputs, plandocument
from conpaas_iac.plans.plan import DANGERS, Cause, FileChange, MachineChange, Part, Plan, worst
from conpaas_iac.usecases.wish import Known
from conpaas_iac.views import planmarkdown
from tests import plans, schemas


@pytest.mark.parametrize("case", plans.CASES, ids=lambda case: case.name)
def test_a_plan_is_shown_as_expected(case: Path) -> None:
    found = plans.forms(plans.of_case(case))
    assert found == {path.name: path.read_text() for path in (case / "expected").iterdir()}
    schemas.check(found["plan.json"], "plan")
    assert all(len(line) <= 80 for line in found["80.txt"].splitlines())
    assert not [line for line in found["files.txt"].splitlines() if line.endswith("  ")]
    assert found["80.txt"].splitlines()[-1] == json.loads(found["plan.json"])["summary"]


def classes(name: str) -> dict[str, str]:
    """Machine -> class."""
    document = json.loads((plans.CASES[0].parent / name / "expected" / "plan.json").read_text())
    return {change["node"]: change["class"] for change in document["changes"]}


def test_a_restart_is_downtime_where_nobody_else_serves() -> None:
    assert classes("options") == {"db-1": "downtime", "web-1": "safe", "web-2": "safe"}
    assert classes("rolled") == {"db-1": "restart", "db-2": "restart", "db-3": "restart"}
    assert classes("stopped") == {"db-1": "safe", "web-1": "downtime", "web-2": "downtime"}
    assert classes("type") == {"db-1": "data loss"}
    assert classes("moved") == {"db-1": "restart", "db-2": "restart", "db-3": "restart", "lone-1": "data loss"}
    assert classes("data-loss") == {"db-1": "data loss", "db-2": "data loss", "db-3": "data loss", "web-1": "safe"}


def test_fewer_machines_are_safe_while_others_do_the_same(tmp_path: Path) -> None:
    fewer = changed(tmp_path, web(3), web(1))
    assert {change.node: change.danger for change in fewer.changes} == {
        "web-1": "safe",
        "web-2": "safe",
        "web-3": "safe",
    }
    gone = changed(tmp_path, [*web(1), *web(1, name="shop")], web(1))
    assert next(change for change in gone.changes if change.node == "shop-1").danger == "downtime"


def test_all_at_once_is_downtime(tmp_path: Path) -> None:
    option = {"Configuration": {"max_connections": 99}}
    two = changed(tmp_path, db(2), db(2, **option))
    assert {change.danger for change in two.changes} == {"restart"}
    both = changed(tmp_path, db(2, MaxUnavailable=2), db(2, MaxUnavailable=2, **option))
    assert {change.danger for change in both.changes} == {"downtime"}


def web(backends: int, name: str = "web", **fields: object) -> list[dict[str, object]]:
    counts = {"proxy": 1, "web": 1, "backend": backends}
    return [{"Type": "php", "ServiceName": name, "StartupInstances": counts, **fields}]


def db(members: int, **fields: object) -> list[dict[str, object]]:
    counts = {"mysql": members, "glb": 1}
    return [{"Type": "mysql", "ServiceName": "db", "StartupInstances": counts, "Password": {"Secret": "db"}, **fields}]


def changed(folder: Path, before: list[dict[str, object]], after: list[dict[str, object]]) -> Plan:
    """The plan of an edit."""
    for name, services in (("before.json", before), ("manifest.json", after)):
        (folder / name).write_text(json.dumps({"Application": "shop", "Services": services}))
    return plans.of_case(folder)


def test_each_file_has_the_input_that_changes_it_and_no_other(tmp_path: Path) -> None:
    after = web(2, Configuration={"memory_limit": "256M"}, Environment={"GREETING": "hello"})
    made = changed(tmp_path, web(1), after)
    files = {file.path: {cause.text for cause in file.causes} for file in made.changes[0].files}
    assert files["/etc/haproxy/haproxy.cfg"] == {"web StartupInstances.backend: 1 -> 2"}
    assert files["/etc/php/8.2/fpm/conf.d/90-conpaas.ini"] == {"web Configuration.memory_limit: 128M -> 256M"}
    assert files["/etc/php/8.2/fpm/pool.d/www.conf"] == {"web Environment.GREETING: none -> hello"}
    assert all(cause.place.startswith("manifest.json:1:") for cause in made.changes[1].causes)


def test_a_secret_is_shown_by_its_versions_and_as_it_ends(tmp_path: Path) -> None:
    """A rotation that was cut off: both values are accepted meanwhile, at last the new one alone."""
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps({"Application": "shop", "Services": db(1)}))
    with plans.folder():
        applied, there = plans.after(plans.wished(manifest))
        cut_off = Known(secrets={**there.secrets, "db": (1, 2)}, secret_names=there.secret_names, founded=there.founded)
        made = plans.planned(plans.wished(manifest, cut_off), applied, there)
    files = {file.path: file for file in made.changes[0].files}
    assert files["/etc/conpaas/mysql/accepted"].after == "⟦db@2*⟧\n"
    assert {cause.text for cause in files["/etc/conpaas/mysql/password"].causes} == {"secret db: 1 -> 2"}
    assert [(part.name, part.action) for part in made.shared] == [("db@2", "add"), ("db@1", "remove")]
    assert "-⟦db@1⟧" in plans.shown(made, None, files=True)


def test_a_role_or_a_tool_that_moved_is_named(tmp_path: Path) -> None:
    before, after = {"/tool": "1", "/role/php": "aa"}, {"/tool": "2", "/role/php": "bb"}
    assert [moved.text for moved in inputs.differing(before, after)] == ["role php: aa -> bb", "conpaas: 1 -> 2"]
    assert inputs.differing({}, after) == ()
    new = inputs.differing({"web/Type": "1"}, {"web/Type": "1", "shop/Type": "1", "shop/Size": "2"})
    assert [moved.text for moved in new] == ["shop is new"]


def test_a_record_of_before_says_that_it_does_not_know(tmp_path: Path) -> None:
    """Records of older versions hold no inputs."""
    manifest = tmp_path / "manifest.json"
    with plans.folder():
        manifest.write_text(json.dumps({"Application": "shop", "Services": web(1)}))
        applied, there = plans.after(plans.wished(manifest))
        manifest.write_text(json.dumps({"Application": "shop", "Services": web(2)}))
        made = plans.planned(plans.wished(manifest), applied, replace(there, inputs={}))
    assert "the record does not say" in made.changes[0].causes[0].text


def test_a_wrong_former_value_is_no_reason_to_fail(tmp_path: Path) -> None:
    """What is put back may make no sense today."""
    with plans.folder():
        manifest = tmp_path / "manifest.json"
        manifest.write_text(json.dumps({"Application": "shop", "Services": web(1)}))
        applied, there = plans.after(plans.wished(manifest))
        manifest.write_text(json.dumps({"Application": "shop", "Services": web(2, Size="medium")}))
        odd = {**there.inputs, "web/Size": '"colossal"', "web/Placement": '"spread"'}
        made = plans.planned(plans.wished(manifest), applied, replace(there, inputs=odd))
    assert made.changes


def test_an_option_that_is_newer_than_the_record_is_no_reason_to_fail(tmp_path: Path) -> None:
    """A newer release has an option more: its templates cannot be rendered without it."""
    with plans.folder():
        manifest = tmp_path / "manifest.json"
        manifest.write_text(json.dumps({"Application": "shop", "Services": web(1)}))
        applied, there = plans.after(plans.wished(manifest))
        manifest.write_text(json.dumps({"Application": "shop", "Services": web(1, Environment={"A": "1"})}))
        older = {key: value for key, value in there.inputs.items() if not key.endswith("/memory_limit")}
        made = plans.planned(plans.wished(manifest), applied, replace(there, inputs=older))
    assert made.changes


def test_a_mount_is_a_cause_and_so_is_the_service_that_it_came_with(tmp_path: Path) -> None:
    files: dict[str, object] = {"Type": "xtreemfs", "ServiceName": "files", "VolumeStartup": {"volumeName": "a"}}
    mounts = [{"Volume": "a", "Service": "files", "Path": "/var/a"}]
    made = changed(tmp_path, [*web(1), files], [*web(1, Mounts=mounts), files])
    (found,) = [change for change in made.changes if change.node == "web-1"]
    (unit,) = [file for file in found.files if file.path.endswith("conpaas-volume-files-a.service")]
    assert unit.after and [cause.text.partition(":")[0] for cause in unit.causes] == ["web Mounts"]
    both = changed(tmp_path, web(1), [*web(1, Mounts=mounts), files])
    assert {change.node: change.action for change in both.changes} == {"web-1": "change", "files-1": "add"}


WORDS = st.text(max_size=400)
CAUSES = st.builds(Cause, WORDS, st.just("manifest.json:1:1"))
FILES = st.builds(
    FileChange, WORDS, WORDS, st.sampled_from(["reload", "nothing"]), st.none() | WORDS, WORDS, st.sampled_from(DANGERS)
)
CHANGES = st.builds(
    MachineChange,
    WORDS,
    st.sampled_from(["web", "db"]),
    st.sampled_from(["add", "change", "remove", "rest", "wake", "replace"]),
    st.just("10.42.16.1"),
    WORDS,
    st.lists(FILES, max_size=3).map(tuple),
    causes=st.lists(CAUSES, max_size=3).map(tuple),
    danger=st.sampled_from(DANGERS),
)


@given(
    st.lists(CHANGES, max_size=5).map(tuple),
    st.integers(1, 100),
    st.lists(WORDS, max_size=40).map(tuple),
    st.dictionaries(WORDS, WORDS, max_size=40),
)
@settings(max_examples=25, deadline=None)
def test_markdown_fits_and_says_what_it_leaves_out(
    changes: tuple[MachineChange, ...], times: int, notes: tuple[str, ...], losses: dict[str, str]
) -> None:
    many = tuple(
        replace(change, node=f"web-{number}", cause=f"{number} {change.cause}")
        for number in range(times)
        for change in changes
    )
    plan = Plan("shop", "default", "10.42.0.0/16", many, 0, notes, losses)
    for files in (False, True):
        text = planmarkdown.markdown(plan, files)
        assert len(text.encode()) < planmarkdown.LONGEST
        rows = [line for line in text.split("\n") if line.startswith("| ") and not line.startswith("| |")]
        kinds = [DANGERS.index(danger) for row in rows for danger in DANGERS if f"| **{danger}** |" in row]
        assert kinds == sorted(kinds, reverse=True)
        assert len(rows) == len(plandocument.fates(many)) or "more " in text


def test_markdown_of_a_large_plan_keeps_what_is_dangerous() -> None:
    safe = [MachineChange(f"web-{n}", "web", "change", "10.42.16.1", f"cause {n} {'x' * 200}") for n in range(500)]
    bad = MachineChange("db-1", "db", "remove", "10.42.32.1", "the service is gone", danger="downtime")
    text = planmarkdown.markdown(Plan("shop", "default", "10.42.0.0/16", (*safe, bad), 0))
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert "db-1" in rows[1]
    assert text.splitlines()[-1].endswith(f"…and {501 - len(rows) + 1} more safe changes.")


def test_the_worst_class_counts() -> None:
    assert worst(()) == "safe"
    plan = Plan("shop", "default", "", (), 0, shared=(Part("secret", "db@1", "add", danger="restart"),))
    assert plan.danger == "restart"
    assert not plan.is_empty
    assert replace(plan, losses={"db": "gone"}).danger == "data loss"
