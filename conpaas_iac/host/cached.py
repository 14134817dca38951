"""Programs of a pinned version in the user's cache: downloaded, else built with Go; whole or not at all."""

import tempfile
from collections.abc import Callable
from pathlib import Path

from conpaas_iac.errors import UserError
from conpaas_iac.host import go, machine
from conpaas_iac.host.part import Say


def fill(target: Path, what: str, gib: float, bring: Callable[[Path], None]) -> None:
    """Have `bring` fill a new folder beside `target`, then put it in its place."""
    with machine.quick_errors(what):
        target.parent.mkdir(parents=True, exist_ok=True)
        machine.need_space(target.parent, gib, what)
        with tempfile.TemporaryDirectory(prefix=".new-", dir=target.parent) as folder:
            new = Path(folder) / target.name
            bring(new)
            if target.exists():  # half of an installation that somebody made by hand
                target.rename(Path(folder) / "old")
            new.rename(target)


def build_instead(what: str, reason: str, problem: str, build: Callable[[], None], say: Say) -> None:
    """Build what cannot be downloaded for `reason`; `problem` is why it cannot be built either, or nothing."""
    if problem:
        raise UserError(f"no {what}: the download failed ({reason}), and it cannot be built: {problem}", go.REMEDY)
    say(f"{what} cannot be downloaded here ({reason}); building it with Go")
    build()


def other_version(what: str, said: str, wanted: str) -> UserError:
    """What was built is not what was asked for."""
    return UserError(
        f"{what} that was built says version {said or 'nothing'}, not {wanted}",
        "run go clean -modcache, then conpaas setup again",
    )
