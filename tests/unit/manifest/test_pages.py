"""Every code has a page, every page a code that is used, and its example says it."""

import re
from pathlib import Path

import pytest

from conpaas_iac.catalog import Catalog
from conpaas_iac.manifest import pages
from conpaas_iac.manifest.read import read
from tests.builders import PROVIDERS

from .test_cases import CASES, reading

ROOM = Path(pages.__file__).parent
ON_THE_COMMAND_LINE = {
    "E0603": {"environment": "stagign"}, "E0605": {"path": "manifest.staging.json"},
    "E0606": {"path": "manifest.json"},
}


def test_codes_in_use_are_the_codes_with_pages() -> None:
    sources = [*ROOM.glob("*.py"), ROOM.parent.parent / "schemas" / "manifest.schema.json"]
    used = {code for path in sources for code in re.findall(r'"([EWN]\d{4})"', path.read_text())}
    assert used == set(pages.codes())


def test_every_code_has_a_case() -> None:
    cases = {path.name[:5] for path in CASES}
    assert set(pages.codes()) - cases == {"E0001"}  # has no manifest; tested beside the cases


@pytest.mark.parametrize("code", pages.codes())
def test_the_example_says_it(
    code: str, types: Catalog, archives: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    page = pages.page(code)
    assert page.startswith(f"# {code}: {pages.title(code)}\n")
    examples = re.findall(r"(?:`([a-z.]+)`:\n\n)?```json\n(.*?)```", page, re.DOTALL)
    if not examples:
        assert code in ("E0001", "E0002")
        return
    case = tmp_path / "case"
    case.mkdir()
    for name, text in examples:
        (case / (name or "manifest.json")).write_text(text)
    for name, said in ON_THE_COMMAND_LINE.get(code, {}).items():
        (case / name).write_text(said)
    result = reading(case, types, archives, monkeypatch, tmp_path / "shop")
    assert code in {each.code for each in result.diagnostics}


def test_a_page_is_all_that_is_needed(types: Catalog, tmp_path: Path) -> None:
    missing = read(tmp_path / "none.json", types, PROVIDERS)
    assert missing.diagnostics[0].code in pages.codes()
