"""A new service type: a folder in roles/ that passes the checks and comes up as it is, for its author to go on from."""

import re
import tempfile
from collections.abc import Collection
from pathlib import Path

from conpaas_iac import catalog
from conpaas_iac.errors import UserError
from conpaas_iac.manifest import language

SKELETON = Path(__file__).parent / "skeleton"
MARK = "TYPE"  # stands for its name in the skeleton
NAME = re.compile(r"[a-z][a-z0-9]{1,30}")


def write(name: str, roles: Path, verbs: Collection[str]) -> tuple[Path, ...]:
    """Write it; returns its files. `verbs` are names that the command line has for other things."""
    if problem := _problem(name, roles, verbs):
        raise UserError(f"{name!r} cannot be a service type: {problem}", "conpaas types new NAME")
    places = [path.relative_to(SKELETON) for path in sorted(SKELETON.rglob("*")) if path.is_file()]
    try:
        with tempfile.TemporaryDirectory(dir=roles, prefix=f".{name}-") as folder:
            whole = Path(folder, name)
            for place in places:
                (whole / place).parent.mkdir(parents=True, exist_ok=True)
                (whole / place).write_text((SKELETON / place).read_text().replace(MARK, name))
            whole.rename(roles / name)
    except OSError as error:
        raise UserError(f"{roles}: cannot be written: {error.strerror}", "take a checkout that is yours") from error
    return tuple(roles / name / place for place in places)


def _problem(name: str, roles: Path, verbs: Collection[str]) -> str:
    if not NAME.fullmatch(name):
        return "names have lower-case letters and digits, a letter first, 2 to 31 in all"
    if name in verbs:
        return f"`conpaas {name}` is something else"
    if (roles / name).exists():
        return f"{roles / name} is there already"
    older = {old: kind.name for kind in catalog.load(roles).values() for old in language.names(kind)}
    return f"it is another name of {older[name]}" if name in older else ""
