"""An edit of a manifest that Git keeps: a commit of that file alone, pushed on top of what others pushed before."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from conpaas_iac.errors import UserError
from conpaas_iac.fleet import place
from conpaas_iac.system import git
from conpaas_iac.system.git import Checkout, GitError

TRIES = 5  # pushes, where others push at the same time

Edit = Callable[[], str]  # edits the file; the commit's message


def fleet_of(manifest: Path) -> Checkout | None:
    """The working tree of the fleet that a manifest is in; None where it is in none."""
    return git.checkout(manifest) if place.found(manifest) else None


def made(manifest: Path, edit: Edit) -> None:
    """Edit it; in a fleet that is a commit."""
    if fleet := fleet_of(manifest):
        committed(fleet, manifest, edit)
    else:
        edit()


def committed(checkout: Checkout, manifest: Path, edit: Edit) -> str:
    """The commit; empty where the edit changed nothing. Raises UserError where the file has other changes."""
    if checkout.is_changed(manifest):
        raise UserError(
            f"{manifest} has changes that are not committed: they would be in the same commit",
            f"git commit {manifest}, or git restore {manifest}",
        )
    message = edit()
    return checkout.commit(manifest, message) if checkout.is_changed(manifest) else ""


def pushed(checkout: Checkout, manifest: Path, edit: Edit) -> str:
    """The commit, pushed. Who came later edits anew what the others pushed, so that +1 counts from their number.

    Where it cannot be pushed there is no commit, and UserError says why; where nobody knows, it says that.
    """
    for _ in range(TRIES):
        commit = committed(checkout, manifest, edit)
        if not commit:
            return ""
        try:
            checkout.talk("push")
        except GitError as error:
            if error.is_unanswered and _has_arrived(checkout, commit, error):
                return commit
            checkout.run("reset", "--quiet", "--keep", "HEAD~1")
            if not error.is_rejected:
                remedy = error.remedy or "the same command again"
                raise GitError(f"not pushed, nothing is changed: {error.message}", remedy) from error
            _follow(checkout)
        else:
            return commit
    said = f"{checkout.root}: others pushed first, {TRIES} times; nothing is changed"
    raise UserError(said, "the same command again")


def _has_arrived(checkout: Checkout, commit: str, failure: GitError) -> bool:
    """Whether a push was taken although its answer was lost; raises UserError where that is not known."""
    try:
        checkout.talk("fetch")
    except GitError as error:
        message = f"{failure.message}; whether commit {commit[:12]} was pushed before is not known, so it is kept"
        raise UserError(message, "git push, which does nothing where it was") from error
    with suppress(GitError):
        checkout.run("merge-base", "--is-ancestor", commit, "@{upstream}")
        return True
    return False


def _follow(checkout: Checkout) -> None:
    """What others pushed, and on top of it what this checkout has besides."""
    checkout.talk("fetch")
    try:
        checkout.run(*checkout.who(), "rebase", "--quiet", "--autostash", "@{upstream}")
    except GitError as error:
        with suppress(GitError):
            checkout.run(*checkout.who(), "rebase", "--abort")
        remedy = "git pull --rebase, then the same command again"
        raise UserError(f"{checkout.root}: commits here and others' do not fit together", remedy) from error
