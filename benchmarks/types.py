"""Service types: how many lines each has, and how long it takes from `types new` to a passing conformance run."""

import json
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.figure import Figure
from benchmarks.trial import CONPAAS, ROOT, environment, run, stopwatch
from conpaas_iac import catalog, lxd, settings

PARTS = ("conpaas_iac", "playbooks", "roles", "schemas", "stacks", "engine")


def measure(runs: int) -> list[Figure]:
    """Lines of all types that there are; a new type, with the making of its image, as often as asked."""
    found = [figure for kind in catalog.load().values() for figure in lines(kind.name, kind.folder)]
    for shared in sorted({name for kind in catalog.load().values() for name in kind.descriptor.includes}):
        found += lines(shared, ROOT / "roles" / shared)
    whole = Figure("from `types new` to a conformance run that passes")
    for _ in range(runs):
        with author() as (name, around, role):
            with stopwatch(whole.samples):
                run([CONPAAS, "types", "new", name], around)
                said = run([CONPAAS, "types", "test", name, "--format", "json"], around)
            whole.parts.append({each["check"]: each["seconds"] for each in json.loads(said)["checks"]})
            written = lines("what `types new` writes", role)
    return [*found, *written, whole] if runs else found


def lines(name: str, role: Path) -> list[Figure]:
    """Of its YAML and of its templates."""
    kinds = {"YAML": role.rglob("*.yml"), "templates": role.rglob("*.j2")}
    counts = {kind: sum(len(path.read_text().splitlines()) for path in paths) for kind, paths in kinds.items()}
    return [Figure(f"{name}: {kind}", samples=[count], unit="lines") for kind, count in counts.items()]


@contextmanager
def author() -> Iterator[tuple[str, dict[str, str], Path]]:
    """A name for a type, the environment of somebody with a checkout of his own, and where the type is to be."""
    name = f"b{uuid.uuid4().hex[:8]}"
    with tempfile.TemporaryDirectory(prefix="conpaas-bench-") as folder:
        for part in PARTS:
            shutil.copytree(ROOT / part, Path(folder, part), ignore=shutil.ignore_patterns("__pycache__"))
        try:
            yield name, {**environment(), "PYTHONPATH": folder}, Path(folder, "roles", name)
        finally:
            for image in lxd.connect(settings.load()).images.all():
                if any(alias["name"].startswith(f"conpaas-{name}-") for alias in image.aliases):
                    image.delete(wait=True)
