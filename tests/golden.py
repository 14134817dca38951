"""Golden trees: every file of every machine of a case, as it must be rendered.

A case is a folder of tests/unit/golden: manifest.json, conpaas.lock.json and what is expected. To make a new one, write
its manifest; after a wanted change, look at what differs in Git:

    python -m tests.golden

A file that is its template, byte for byte, is not copied: the machine's list says `static` and which template.
"""

import shutil
from pathlib import Path

from conpaas_iac.core.render import File, Tree
from conpaas_iac.settings import Settings
from conpaas_iac.usecases import wish
from conpaas_iac.usecases.wish import Request

ROOT = Path(__file__).parents[1]
CASES = sorted(path.parent for path in (ROOT / "tests" / "unit" / "golden").glob("*/manifest.json"))


def rendered(case: Path, write_lock: bool = False) -> dict[str, str]:
    """Path below `expected` -> content."""
    request = Request(case / "manifest.json", locked=not write_lock, dry=not write_lock)
    built = wish.build(request, Settings())
    found = {f"{node}.txt": _summary(tree) for node, tree in built.trees.items()}
    for node, tree in built.trees.items():
        found |= {node + file.path: file.content for file in tree.files if not _template(file)}
    return found


def _summary(tree: Tree) -> str:
    files = [
        f"{file.mode} {file.owner}:{file.group} {file.path} {file.on_change} {file.unit}".rstrip()
        for file in tree.files
    ]
    rest = [
        f"groups {' '.join(tree.groups)}",
        *(f"unit {unit}" for unit in tree.units),
        *(f"idle unit {unit}" for unit in tree.idle_units),
        *(f"absent {path}" for path in tree.absent),
    ]
    static = [f"static: {template}" for file in tree.files if (template := _template(file))]
    return "\n".join([*rest, *files, *static]) + "\n"


def _template(file: File) -> str:
    """The template that the file is, unchanged; empty where it is none."""
    templates = sorted(ROOT.glob(f"roles/*/templates{file.path}.j2"))
    return next((str(each.relative_to(ROOT)) for each in templates if each.read_text() == file.content), "")


def expected(case: Path) -> dict[str, str]:
    """What the case holds."""
    folder = case / "expected"
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def main() -> None:
    """Write what is expected anew."""
    for case in CASES:
        found = rendered(case, write_lock=True)
        shutil.rmtree(case / "expected", ignore_errors=True)
        for name, content in found.items():
            path = case / "expected" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        print(f"{case.name}: {len(found)} files")


if __name__ == "__main__":
    main()
