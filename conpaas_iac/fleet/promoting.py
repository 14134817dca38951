"""`conpaas promote`: what one environment of an application says goes to another, as a branch with one commit.

It begins at HEAD, in a working tree of its own that is removed: the user's stays as it is, and what is not committed
there is not promoted.
"""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from conpaas_iac import catalog
from conpaas_iac.backend import lockfile
from conpaas_iac.catalog import Catalog
from conpaas_iac.core import addresses
from conpaas_iac.errors import UserError
from conpaas_iac.fleet import place, sides, units
from conpaas_iac.fleet.units import Unit
from conpaas_iac.manifest import meaning, promotion
from conpaas_iac.manifest.diagnostics import ManifestError
from conpaas_iac.manifest.meaning import Difference, Meaning
from conpaas_iac.manifest.names import suggestion
from conpaas_iac.manifest.promotion import CODE, FILES, Text
from conpaas_iac.sources import code
from conpaas_iac.system import git
from conpaas_iac.system.files import write_atomically
from conpaas_iac.system.git import Checkout, GitError

ROUNDS = 5  # of edits, until what is to be promoted does not differ any more
LONGEST = 20_000  # characters of a commit's message


@dataclass(frozen=True)
class Wanted:
    """What is promoted: of which application, from where to where."""

    application: str
    source: str  # environment
    target: str
    branch: str = ""
    also: frozenset[str] = frozenset()  # fields that would stay the environment's own
    only: frozenset[str] = frozenset()  # services

    @property
    def name(self) -> str:
        """Of the branch."""
        return self.branch or f"promote-{self.application}-{self.source}-to-{self.target}"


@dataclass(frozen=True)
class Promotion:
    """What came of it; `commit` is empty where nothing differs."""

    branch: str
    commit: str
    taken: tuple[Difference, ...]
    kept: tuple[Difference, ...]  # what stays the target's own; `after` is what the source says
    files: tuple[str, ...]
    remote: str = ""  # where it was pushed to


def promote(folder: Path, wanted: Wanted, plan: Callable[[Path, str], str], push: bool) -> Promotion:
    """Make the branch; `plan` words what `up` would do. Raises UserError, and leaves nothing behind then."""
    promotion.refuse_unknown(wanted.also)
    if wanted.source == wanted.target:
        raise UserError(f"--from and --to are both {wanted.source}", "two environments of the application")
    found = place.found(folder)
    checkout = git.checkout(found) if found else None
    if found is None or checkout is None:
        raise UserError(f"{folder.absolute()} is in no fleet of a Git repository", "conpaas fleet init")
    _refuse_branch(checkout, wanted.name)
    with _beside(checkout) as there, _named_as_here(there):
        fleet = there / found.parent.resolve().relative_to(checkout.root.resolve())
        source, target = (_unit(fleet, wanted, each) for each in (wanted.source, wanted.target))
        before = _of(target)
        kept = _edit(source, target, wanted, catalog.load())
        taken = meaning.differences(before, _of(target))
        tree = Checkout(there)
        tree.run("add", "--all")
        files = tuple(tree.run("diff", "--cached", "--name-only").splitlines())
        if not files:
            return Promotion(wanted.name, "", (), kept, ())
        with chdir(there):  # so that the plan names files as the repository does
            planned = plan(target.manifest.relative_to(there), target.environment)
        message = _message(wanted, taken, kept, planned).replace(f"{there}/", "")
        tree.run(*checkout.who(), "commit", "--quiet", "--message", message)
        commit = tree.run("rev-parse", "HEAD")
        git.run(checkout.root, "branch", wanted.name, commit)
    taken, kept = (tuple(_here(each, there) for each in found) for found in (taken, kept))
    done = Promotion(wanted.name, commit, taken, kept, files)
    return replace(done, remote=_pushed(checkout, wanted.name)) if push else done


def _refuse_branch(checkout: Checkout, name: str) -> None:
    try:
        git.run(checkout.root, "check-ref-format", "--branch", name)
    except GitError as error:
        raise UserError(f"--branch {name}: that is no name of a branch", "letters, digits, - and /") from error
    with suppress(GitError):
        git.run(checkout.root, "rev-parse", "--quiet", "--verify", f"refs/heads/{name}")
        raise UserError(f"there is a branch {name} already", f"git branch -D {name}, or --branch NAME")


@contextmanager
def _beside(checkout: Checkout) -> Iterator[Path]:
    """The last commit in a working tree of its own."""
    with tempfile.TemporaryDirectory(prefix="conpaas-promote-") as folder:
        there = Path(folder).resolve() / "tree"
        git.run(checkout.root, "worktree", "add", "--quiet", "--detach", str(there), "HEAD")
        try:
            yield there
        finally:
            git.run(checkout.root, "worktree", "remove", "--force", str(there))


@contextmanager
def _named_as_here(there: Path) -> Iterator[None]:
    """What is wrong with a manifest is said of the user's file."""
    try:
        yield
    except ManifestError as error:
        said = (
            replace(each, place=replace(each.place, file=each.place.file.removeprefix(f"{there}/")))
            for each in error.diagnostics
        )
        raise ManifestError(tuple(said)) from error


def _unit(fleet: Path, wanted: Wanted, environment: str) -> Unit:
    found = units.found(fleet)
    of_it = {each.environment: each for each in found if wanted.application in (each.name, each.folder.name)}
    if not of_it:
        names = sorted({each.name for each in found})
        hint = suggestion(wanted.application, names, "its applications")
        raise UserError(f"no application {wanted.application!r} in this fleet", hint)
    if environment not in of_it:
        hint = suggestion(environment, of_it, "environments")
        raise UserError(f"{wanted.application} has no environment {environment!r} in the last commit", hint)
    return of_it[environment]


def _of(unit: Unit) -> Meaning:
    return sides.of(unit.manifest, unit.environment)


def _edit(source: Unit, target: Unit, wanted: Wanted, types: Catalog) -> tuple[Difference, ...]:
    """Write the target's files; what still differs."""
    theirs = _of(source)
    _refuse_services(wanted, theirs, _of(target))
    for _ in range(ROUNDS):
        differing = meaning.differences(_of(target), theirs)
        todo = [each for each in differing if each.field != CODE and promotion.taken(each, wanted.also, wanted.only)]
        if not todo:
            break
        _refuse_files(todo, source, target, theirs)
        text = _text(target)
        for each in todo:
            text = promotion.moved(_text(source), text, each, wanted.also, types)
        file = target.overlay or target.manifest
        write_atomically(file, text.edited.encode(), file.stat().st_mode & 0o777)
    else:
        said = meaning.text(todo[0])
        raise UserError(f"this cannot be promoted: {said}", f"edit {(target.overlay or target.manifest).name}")
    _pin(source, target, wanted)
    left = meaning.differences(_of(target), theirs)
    moved = [each for each in left if promotion.taken(each, wanted.also, wanted.only)]
    _refuse_files(moved, source, target, theirs)
    return left


def _refuse_services(wanted: Wanted, *both: Meaning) -> None:
    known = {service.name for each in both for service in each.manifest.services}
    for name in sorted(wanted.only - known):
        raise UserError(f"--only {name}: there is no such service", suggestion(name, known, "services"))


def _refuse_files(todo: list[Difference], source: Unit, target: Unit, theirs: Meaning) -> None:
    """Files beside one manifest are not those beside another."""
    if source.manifest.parent == target.manifest.parent:
        return
    services = {each.name: each for each in theirs.manifest.services}
    for each in todo:
        service = services.get(each.service)
        if service is None or (each.field and each.field not in (*FILES, CODE)):
            continue
        archive = service.archive.location if service.archive and service.archive.kind == "file" else ""
        said = {"Archive": archive, "StartupScript": service.startup_script, "Dump": service.dump, CODE: archive}
        files = [said[each.field]] if each.field else list(said.values())
        if own := next((file for file in files if file and "://" not in file), ""):
            what = f"{each.service} of {source.environment} has files beside its manifest: {Path(own).name}"
            raise UserError(f"{what}; {target.environment}'s are others", "name them by a URL, or by git")


def _text(unit: Unit) -> Text:
    overlay = unit.overlay.read_bytes().decode() if unit.overlay else None
    return Text(unit.manifest.read_bytes().decode(), overlay)


def _pin(source: Unit, target: Unit, wanted: Wanted) -> None:
    """The target's lock file has the versions of code that the source's has, and addresses for new services."""
    path = lockfile.path_of(target.manifest, target.environment)
    theirs, ours = lockfile.read(lockfile.path_of(source.manifest, source.environment)), lockfile.read(path)
    if ours is None:
        return
    manifest = _of(target).manifest
    renamed = {each.name: each.renamed_from for each in manifest.services if each.renamed_from}
    lock = addresses.allocate(ours, [each.name for each in manifest.services], renamed)
    pins = dict(lock.code)
    for service in manifest.services:
        pin = theirs.code.get(service.name, {}) if theirs else {}
        meant = not wanted.only or service.name in wanted.only
        source_here = code.source(service.archive) if service.archive and service.archive.kind != "file" else ""
        if meant and source_here and pin.get("Source") == source_here:
            pins[service.name] = pin
    if (after := replace(lock, code=pins)) != ours:
        lockfile.write(path, after)


def _message(wanted: Wanted, taken: tuple[Difference, ...], kept: tuple[Difference, ...], plan: str) -> str:
    """The commit's: what differs, what stays, what it would do."""
    parts = [f"{wanted.application}: promote {wanted.source} to {wanted.target}"]
    parts.append("\n".join(map(meaning.text, taken)) or "The lock file takes over versions of code.")
    if kept:
        lines = "\n".join(map(meaning.text, kept))
        parts.append(f"What stays {wanted.target}'s own ({wanted.target} -> {wanted.source}):\n{lines}")
    parts.append(plan)
    message = "\n\n".join(parts)
    if len(message) <= LONGEST:
        return message
    return message[:LONGEST].rpartition("\n")[0] + "\n… cut: `conpaas plan` shows all of it"


def _here(found: Difference, there: Path) -> Difference:
    return replace(found, place=found.place.removeprefix(f"{there}/"))


def _pushed(checkout: Checkout, branch: str) -> str:
    remote = checkout.remote
    try:
        checkout.talk("push", "--set-upstream", remote, branch)
    except GitError as error:
        again = f"git push -u {remote} {branch}"
        remedy = f"{error.remedy}; then {again}" if error.remedy else again
        raise UserError(f"the branch {branch} is made, and not pushed: {error.message}", remedy) from error
    return remote
