"""A case is a folder: cases/<name>/manifest.json and the exact text that is said about it, expected.txt.

Beside it there may be an overlay and a conpaas.json, `environment` (else that of the overlay) and `path` (else
manifest.json): what a command line would say.

`CONPAAS_WRITE_EXPECTED=1 pytest …` writes the expected texts anew; read the difference before you commit it.
"""

import os
import shutil
from pathlib import Path

import pytest

from conpaas_iac.catalog import Catalog
from conpaas_iac.manifest.formats import as_text
from conpaas_iac.manifest.read import Reading, read
from conpaas_iac.manifest.source import SHOWN_CHARACTERS
from tests.builders import PROVIDERS

HERE = Path(__file__).parent
CASES = sorted((HERE / "cases").iterdir())


def reading(case: Path, types: Catalog, archives: Path, monkeypatch: pytest.MonkeyPatch, folder: Path) -> Reading:
    shutil.copytree(archives, folder)
    for path in case.glob("*.json"):
        shutil.copy(path, folder)
    monkeypatch.chdir(folder)
    overlays = [path.name.split(".")[1] for path in case.glob("manifest.*.json")]
    said = {name: (case / name).read_text().strip() for name in ("path", "environment") if (case / name).exists()}
    environment = said.get("environment") or ("default" if "path" in said or not overlays else overlays[0])
    path = Path(said.get("path", "manifest.json"))
    return read(path, types, PROVIDERS, currencies=("USD", "credits"), environment=environment)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_says_exactly_this(
    case: Path, types: Catalog, archives: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    result = reading(case, types, archives, monkeypatch, tmp_path / "shop")
    text = as_text(result.diagnostics)
    if os.environ.get("CONPAAS_WRITE_EXPECTED"):
        (case / "expected.txt").write_text(text)
    assert text == (case / "expected.txt").read_text()
    assert (result.manifest is None) == any(each.severity == "error" for each in result.diagnostics)
    if case.name[0] in "EWN" and case.name[1:5].isdigit():
        assert case.name[:5] in {each.code for each in result.diagnostics}
    assert "hunter2" not in text
    assert all(each.excerpt is None or len(each.excerpt.line) <= SHOWN_CHARACTERS * 4 for each in result.diagnostics)


def test_a_missing_file_is_said(types: Catalog, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shop").mkdir()
    assert [as_text(read(Path(name), types, PROVIDERS).diagnostics) for name in ("none.json", "shop")] == [
        "none.json:1:1: error[E0001]: the file cannot be read: no such file or directory\n",
        "shop:1:1: error[E0001]: it is a folder\n    did you mean shop/manifest.json?\n",
    ]


def test_what_never_ends_is_not_read(types: Catalog, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "manifest.json").write_text('{"Application": "a", "Services": [{"Type": "php", "Archive": "pipe"}]}')
    (found,) = read(tmp_path / "manifest.json", types, PROVIDERS).diagnostics
    assert (found.code, found.message) == ("E0401", '"pipe" cannot be read: it is no regular file')
    assert [each.code for each in read(Path("/dev/zero"), types, PROVIDERS).diagnostics] == ["E0001"]
