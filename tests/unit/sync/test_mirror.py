"""A branch as it is elsewhere, whatever is pushed there."""

from pathlib import Path

import pytest

from conpaas_iac.errors import UserError
from conpaas_iac.sync.mirror import mirror
from conpaas_iac.system.git import GitError
from tests.unit.sync.conftest import Commit


def test_trees_of_commits_side_by_side(tmp_path: Path, hub: Path, commit: Commit) -> None:
    first, found = commit(shop="1"), mirror(str(hub), "main", tmp_path)
    assert found.fetch() == first
    second = commit(shop="2")
    assert found.fetch() == second
    assert [(found.tree(each) / "shop").read_text() for each in (first, second, first)] == ["1", "2", "1"]
    found.keep(frozenset([second]))
    assert [path.name for path in (found.folder / "commits").iterdir()] == [second]
    assert (found.tree(first) / "shop").read_text() == "1"


def test_a_commit_that_was_replaced_by_force(tmp_path: Path, hub: Path, commit: Commit) -> None:
    commit(shop="1")
    found = mirror(str(hub), "main", tmp_path)
    old = commit(shop="2")
    found.fetch()
    new = commit(shop="3", force=True)
    assert found.fetch() == new
    assert (found.tree(new) / "shop").read_text() == "3"
    assert (found.tree(old) / "shop").read_text() == "2"


def test_a_tree_that_was_cut_short_is_made_anew(tmp_path: Path, hub: Path, commit: Commit) -> None:
    first, found = commit(shop="1"), mirror(str(hub), "main", tmp_path)
    found.fetch()
    (found.tree(first) / ".git").unlink()
    assert (found.tree(first) / "shop").read_text() == "1"


def test_what_is_not_reached_is_said(tmp_path: Path, hub: Path, commit: Commit) -> None:
    commit(shop="1")
    with pytest.raises(GitError, match=r"gone\.git"):
        mirror(str(tmp_path / "gone.git"), "main", tmp_path).fetch()
    with pytest.raises(GitError, match=r"hub\.git: git: couldn't find remote ref refs/heads/other"):
        mirror(str(hub), "other", tmp_path).fetch()


@pytest.mark.parametrize(("url", "branch"), [("--upload-pack=x", "main"), ("ext::sh -c x", "main"), ("a", "-b")])
def test_what_is_no_address(tmp_path: Path, url: str, branch: str) -> None:
    with pytest.raises(UserError, match="is no"):
        mirror(url, branch, tmp_path)
