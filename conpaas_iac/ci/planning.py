"""Saved plans of several applications, side by side: each by the verb `plan` in a process of its own."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from conpaas_iac.ci.bundle import Entry
from conpaas_iac.errors import UserError
from conpaas_iac.runs.workers import Done, Workers, worst
from conpaas_iac.system.files import private_folder

MORE = ("--locked", "--format", "json")


@dataclass(frozen=True)
class Target:
    """An application in an environment."""

    name: str
    manifest: Path
    environment: str

    @property
    def file(self) -> str:
        """Of its plan."""
        return f"{re.sub(r'[^A-Za-z0-9.-]+', '-', self.name).strip('-')}.{self.environment}.plan"


def emptied(folder: Path) -> Path:
    """The folder, without plans of before; raises UserError where it holds anything else."""
    private_folder(folder.absolute())
    there = [path for path in folder.iterdir() if not path.name.startswith(".")]
    if strange := [path for path in there if path.suffix not in (".plan", ".json")]:
        raise UserError(f"{folder} holds what is no plan: {strange[0].name}", "name another folder")
    for path in there:
        path.unlink()
    return folder


def made(targets: Iterable[Target], folder: Path, tool: Sequence[str], parallel: int) -> tuple[list[Entry], int]:
    """What became of each, and the worst exit code."""
    by_file = {each.file: each for each in targets}
    works = {
        name: ("plan", str(each.manifest), "-e", each.environment, *MORE, "-o", str(folder / name))
        for name, each in by_file.items()
    }
    ends = Workers(tool, parallel, lambda *_: None).run(works)
    entries = [_entry(by_file[name], name, done) for name, done in ends.items()]
    return entries, worst([done.code for done in ends.values()] or [0])


def _entry(target: Target, name: str, done: Done) -> Entry:
    if done.code:
        return Entry(target.name, str(target.manifest), error=done.said.strip() or f"it ended with {done.code}")
    return Entry(target.name, str(target.manifest), name)
