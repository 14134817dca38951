"""Service types that share templates and tasks with others."""

from pathlib import Path

import pytest

from conpaas_iac import catalog
from conpaas_iac.catalog import ServiceType
from conpaas_iac.core.templates import Templates
from conpaas_iac.errors import UserError

SPECS = "argument_specs: {main: {options: {}}}\n"
SERVICE = """
summary: a shop
includes: [shared]
files: [{path: /etc/a}, {path: /etc/b}]
"""


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def roles(tmp_path: Path) -> Path:
    write(tmp_path / "shop/meta/service.yml", SERVICE)
    write(tmp_path / "shop/meta/argument_specs.yml", SPECS)
    write(tmp_path / "shop/templates/etc/a.j2", '{% extends "shared/templates/etc/a.j2" %}{% set word = "own" %}')
    write(tmp_path / "shared/templates/etc/a.j2", "{{ word }} of {{ node }}\n")
    write(tmp_path / "shared/templates/etc/b.j2", "the same for all\n")
    return tmp_path


def shop(roles: Path) -> ServiceType:
    return catalog.load(roles)["shop"]


def test_what_a_role_shares_is_no_type(roles: Path) -> None:
    assert list(catalog.load(roles)) == ["shop"]


def test_templates_are_its_own_or_those_that_it_includes(roles: Path) -> None:
    texts, varies = Templates(), {"node": "shop-1"}
    assert texts.rendered(shop(roles), "/etc/a", {"node": "shop-1"}, varies) == "own of shop-1\n"
    assert texts.rendered(shop(roles), "/etc/b", {"node": "shop-1"}, varies) == "the same for all\n"


def test_what_an_included_template_depends_on_is_seen(roles: Path) -> None:
    texts = Templates()
    found = [texts.rendered(shop(roles), "/etc/a", {"node": node}, {"node": node}) for node in ("shop-1", "shop-2")]
    assert found == ["own of shop-1\n", "own of shop-2\n"]


def test_its_digests_name_what_it_includes(roles: Path) -> None:
    before = shop(roles)
    assert before.digest and before.install_digest
    write(roles / "shared/templates/etc/b.j2", "another\n")
    assert shop(roles).digest != before.digest
    assert shop(roles).install_digest == before.install_digest
    write(roles / "shared/tasks/install.yml", "---\n")
    assert shop(roles).install_digest != before.install_digest


def test_a_role_that_is_not_there_is_said(roles: Path) -> None:
    write(roles / "shop/meta/service.yml", "summary: a shop\nincludes: [nobody]\n")
    with pytest.raises(UserError, match=r"shop/meta/service.yml: includes nobody: there is no such role"):
        catalog.load(roles)
