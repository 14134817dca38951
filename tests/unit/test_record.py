"""The record: who confirmed what, and when that no longer counts."""

from dataclasses import replace
from pathlib import Path

import pytest

from conpaas_iac.backend import record
from conpaas_iac.backend.folder import Folder
from conpaas_iac.backend.record import Record
from conpaas_iac.errors import UserError
from tests.builders import build, confirmed, service, trees

THREE = build(service(counts={"backend": 3}))


def test_a_confirmation_is_of_one_machine_and_one_configuration() -> None:
    there, tree = confirmed(THREE), trees(THREE)["web-1"]
    assert there.confirms("web-1", "id-web-1", tree.digest)
    assert not there.confirms("web-1", "another-id", tree.digest)  # a new machine has confirmed nothing
    assert not there.confirms("web-1", "id-web-1", "another digest")
    assert not there.confirms("web-9", "id-web-1", tree.digest)


def test_files_are_kept_once_and_read_back() -> None:
    there = confirmed(THREE)
    assert there.files("web-2") == {file.path: file.content for file in trees(THREE)["web-2"].files}
    assert there.files("nobody") == {}
    assert len(there.contents) < sum(len(node.files) for node in there.nodes.values())


def test_whole_trees_are_given_back() -> None:
    there, wanted = confirmed(THREE), trees(THREE)
    assert {node: there.tree(node) for node in wanted} == wanted
    assert len(there.shapes) == 2  # two of the machines run the same
    assert there.tree("nobody") is None
    assert replace(there, shapes={}).tree("web-1") is None  # of an older conpaas
    assert replace(there, contents={}).tree("web-1") is None
    assert len(there.only(["web-2"]).shapes) == 1


def test_only_forgets_machines_and_contents_nobody_has() -> None:
    there = replace(confirmed(THREE), resting=frozenset({"web-1", "web-3"}), held=frozenset({"web"}))
    kept = there.only(["web-2", "web-3"])
    assert set(kept.nodes) == {"web-2", "web-3"}
    assert set(kept.contents) == {digest for node in kept.nodes.values() for digest in node.files.values()}
    assert (kept.resting, kept.held) == (frozenset({"web-3"}), frozenset({"web"}))


def test_it_is_what_it_was_after_writing_and_reading(tmp_path: Path) -> None:
    shelf, there = Folder(tmp_path), replace(confirmed(THREE), held=frozenset({"web"}), resting=frozenset({"web-1"}))
    record.write(shelf, "shop.default", there)
    assert record.read(shelf, "shop.default") == there
    assert record.read(shelf, "other.default") == Record()
    before = shelf.read("shop.default/record.json")
    record.write(shelf, "shop.default", record.read(shelf, "shop.default"))
    assert shelf.read("shop.default/record.json") == before


NONSENSE = [b"", b"{", b"[]", b'{"version": 1, "nodes": {"a": 3}}', b'{"version": 99}', b"\xff"]


@pytest.mark.parametrize("content", NONSENSE)
def test_what_is_no_record_is_said(tmp_path: Path, content: bytes) -> None:
    shelf = Folder(tmp_path)
    shelf.write("shop.default/record.json", content)
    with pytest.raises(UserError, match=r"the record of shop \(default\)"):
        record.read(shelf, "shop.default")


def test_what_a_service_has_stays_its_own_under_another_name() -> None:
    machines, services = frozenset({"db-1", "web-1"}), frozenset({"db", "web"})
    there = replace(
        confirmed(THREE), resting=machines, visiting=machines, making=machines, lighthouses=("db-1", "web-1"),
        founded=services, given_up=services,
    )
    there = there.renamed({"db-1": "data-1"}, {"db": "data"})
    assert there.resting == there.visiting == there.making == {"data-1", "web-1"}
    assert there.lighthouses == ("data-1", "web-1")
    assert there.founded == there.given_up == {"data", "web"}
    assert set(there.renamed({"web-1": "front-1"}, {}).nodes) == {"front-1", "web-2", "web-3"}
