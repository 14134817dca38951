"""READMEs that say something else than the type."""

from pathlib import Path

import pytest

from conpaas_iac.kit import readme
from tests.unit.kit.made import skeleton


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ("| `greeting` |", "| greeting |", "README.md lacks option `greeting`: | `greeting` | `It works.` | … |"),
        ("`It works.`", "`Hello`", "says that `greeting` is Hello by default, meta/argument_specs.yml says It works."),
        ("## Operations", "| `color` | `red` | paint |\n", "names option `color`, which meta/argument_specs.yml"),
        ("`page`", "pages", "README.md does not name operation `page`"),
    ],
)
def test_each_difference_is_said(tmp_path: Path, before: str, after: str, problem: str) -> None:
    kind = skeleton(tmp_path / "roles")
    text = (kind.folder / readme.HERE).read_text()
    assert not [*readme.problems(text, kind)]
    [said] = readme.problems(text.replace(before, after), kind)
    assert problem in said


@pytest.mark.parametrize(
    ("default", "shown"),
    [("", "empty"), ([], "[]"), (["a", 1], "[a, 1]"), (True, "true"), (30, "30"), (None, "none"), ("a b", "a b")],
)
def test_defaults_as_they_are_written(default: object, shown: str) -> None:
    assert readme.shown(default) == shown
