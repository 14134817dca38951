"""Configuration as it is rendered: the same always, and changed only where something changed."""

from pathlib import Path
from typing import Any

import jinja2
import pytest

from conpaas_iac.core.topology import Topology
from tests import golden
from tests.builders import build, lock, service, trees


@pytest.mark.parametrize("case", golden.CASES, ids=[case.name for case in golden.CASES])
def test_golden(case: Path) -> None:
    found, expected = golden.rendered(case), golden.expected(case)
    assert sorted(found) == sorted(expected), "python -m tests.golden, and look at what differs"
    for name, content in expected.items():
        assert found[name] == content, f"{case.name}/expected/{name}: python -m tests.golden, and look at what differs"


def changed(before: Topology, after: Topology) -> dict[str, list[str]]:
    """node -> files whose content differs, of machines that are in both."""
    old, new = trees(before), trees(after)
    contents = {node: {file.path: file.content for file in tree.files} for node, tree in old.items()}
    found = {
        node: [file.path for file in new[node].files if file.content != contents[node].get(file.path)]
        for node in set(old) & set(new)
    }
    return {node: paths for node, paths in found.items() if paths or old[node].digest != new[node].digest}


def scaled(backends: int, **fields: object) -> Topology:
    both = service(counts={"backend": backends}, **fields), service("other", {"backend": 2})
    return build(*both, held=lock(service(), service("other")))


def test_it_is_deterministic() -> None:
    assert trees(scaled(3)) == trees(scaled(3))
    assert [tree.digest for tree in trees(scaled(3)).values()] == [tree.digest for tree in trees(scaled(3)).values()]


@pytest.mark.parametrize("backends", [1, 2, 8, 15])
def test_one_more_backend_changes_the_proxys_list_and_nothing_else(backends: int) -> None:
    holders = ["/etc/conpaas/sessions"] if backends == 1 else []  # the second one holds the sessions, too
    assert changed(scaled(backends), scaled(backends + 1)) == {"web-1": ["/etc/haproxy/haproxy.cfg", *holders]}


def test_hosts_files_change_when_names_run_out_only() -> None:
    assert "/etc/hosts" in changed(scaled(16), scaled(17))["other-1"]
    assert not any("/etc/hosts" in paths for paths in changed(scaled(17), scaled(60)).values())


def test_a_service_that_rests_stays_in_the_hosts_files() -> None:
    assert not any("/etc/hosts" in paths for paths in changed(scaled(1), scaled(1, start=False)).values())


def test_groups_decide_who_gets_which_file() -> None:
    made = trees(build(service(counts={"backend": 2})))
    paths = {node: {file.path for file in tree.files} for node, tree in made.items()}
    assert "/etc/haproxy/haproxy.cfg" in paths["web-1"] - paths["web-2"]
    assert "/etc/haproxy/haproxy.cfg" in made["web-2"].absent
    assert "haproxy" in made["web-2"].idle_units
    assert "php8.2-fpm" in made["web-2"].units


def test_code_is_part_of_the_digest_where_it_is_carried() -> None:
    plain = build(service(placement="spread"))
    coded = build(service(placement="spread"), code={"web": "a" * 64})
    before, after = trees(plain), trees(coded)
    assert after["web-proxy-1"].code is None
    assert before["web-backend-1"].digest != after["web-backend-1"].digest
    code = after["web-backend-1"].code
    assert code
    assert (code.version, code.unit, code.owner) == ("a" * 64, "php8.2-fpm", "www-data")
    options = {**service().options, "writable_code": False}
    read_only = trees(build(service(options=options), code={"web": "a" * 64}))["web-1"].code
    assert read_only
    assert read_only.owner == ""


def test_a_text_that_is_the_same_on_all_machines_is_rendered_once(monkeypatch: pytest.MonkeyPatch) -> None:
    rendered: list[str] = []
    really = jinja2.Template.render

    def render(template: jinja2.Template, *arguments: Any) -> str:
        rendered.append(str(template.name).partition("/templates")[2])
        return really(template, *arguments)

    monkeypatch.setattr(jinja2.Template, "render", render)
    found = trees(build(service(counts={"backend": 40}), service("blog")))
    assert len({tree.digest for tree in found.values()}) == len(found) == 41
    assert rendered.count("/etc/hosts.j2") == 1
    assert rendered.count("/etc/hostname.j2") == 41
