"""The use cases of the state itself: export and import it, check it, put a good document in a bad one's place."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from conpaas_iac import __version__
from conpaas_iac.backend import holder, lockfile, place, record, statefile
from conpaas_iac.backend.holding import holding
from conpaas_iac.backend.place import DOCUMENTS, STACKS, Placed, of_stack, stack_name
from conpaas_iac.backend.statefile import CHECKPOINT, LOCK, PARTS, RECORD, Checked, Export, Finding
from conpaas_iac.backend.store import FORMER, Store
from conpaas_iac.backend.stores import at
from conpaas_iac.engine.engine import Engine
from conpaas_iac.errors import StateError, UserError
from conpaas_iac.runs import journal
from conpaas_iac.settings import Settings
from conpaas_iac.system.files import write_atomically

ENGINE = ".pulumi"
META = b"version: 1\n"  # of the engine's layout; without it, an engine takes the folder for a much older one


@dataclass(frozen=True)
class Kept:
    """Where one application's documents are."""

    settings: Placed
    stack: str

    def place(self, part: str) -> tuple[Store, str]:
        """The store of a document, and its name there."""
        backend = self.settings.backend_url
        if part == CHECKPOINT:
            return at(backend, STACKS), f"{self.stack}.json"
        return at(backend, DOCUMENTS), f"{self.stack}/{record.NAME if part == RECORD else lockfile.NAME}"

    def read(self, part: str) -> bytes | None:
        store, name = self.place(part)
        return store.read(name)

    def documents(self) -> dict[str, bytes]:
        """Those that are there."""
        return {part: content for part in PARTS if (content := self.read(part)) is not None}

    def former(self, part: str) -> Iterator[tuple[str, str, bytes]]:
        """(what it is, where it is, content) of what is kept beside, the newest first."""
        store, name = self.place(part)
        beside = f"{name}.bak" if part == CHECKPOINT else f"{name}{FORMER}"
        if (content := store.read(beside)) is not None:
            yield "the version before", beside, content
        if part == CHECKPOINT:  # the engine keeps that of each run
            runs = at(self.settings.backend_url, ENGINE)
            folder = f"history/conpaas/{self.stack}"
            for each in reversed([each for each in runs.entries(folder) if each.endswith(".checkpoint.json")]):
                if (content := runs.read(f"{folder}/{each}")) is not None:
                    yield "that of a former run", f"{folder}/{each}", content

    def write(self, part: str, content: bytes) -> None:
        """Replace a document; what was there stays beside."""
        store, name = self.place(part)
        if part != CHECKPOINT:
            store.write(name, content, keeps=True)
            return
        engine = at(self.settings.backend_url, ENGINE)
        if engine.read("meta.yaml") is None:
            engine.write("meta.yaml", META)
        before = store.read(name)
        if before is not None:
            store.write(f"{name}.bak", before)
        store.write(name, content)
        for left in (f"{name}.attrs", f"{name}.bak.attrs"):  # the engine's notes on the former content
            store.delete(left)


def kept(settings: Settings, stack: str) -> Kept:
    """The documents of an application of this backend, where they are now."""
    return Kept(place.placed(settings, stack), stack)


def export(application: str, environment: str, settings: Settings, with_history: bool) -> bytes:
    """The state as one file; raises StateError where a document cannot be used."""
    stack = stack_name(application, environment)
    documents = kept(settings, stack).documents()
    if CHECKPOINT not in documents:
        raise UserError(f"no application {application!r} ({environment}) here", "conpaas list")
    for part, content in documents.items():
        if reason := statefile.wrong(part, content, stack):
            raise StateError(part, stack, reason)
    runs = journal.contents(settings, stack) if with_history else {}
    by = (holder.who(), __version__, datetime.now(UTC))
    return statefile.export(application, environment, documents, runs, by)


@dataclass(frozen=True)
class Brought:
    """What an import did."""

    export: Export
    is_new: bool  # there was no such application here
    is_same: bool  # nothing differed
    note: str = ""  # what is wrong all the same


def bring(path: Path, settings: Settings, overwrite: bool = False) -> Brought:
    """Import an export; raises UserError where something newer, or another application of that name, is here."""
    try:
        found = statefile.decode(path.read_bytes(), str(path))
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from error
    stack = stack_name(found.application, found.environment)
    with holding(settings, stack) as placed:
        here = Kept(placed, stack)
        there = here.documents()
        documents = {part: text.encode() for part, text in found.documents.items()}
        if there == documents:
            return Brought(found, is_new=False, is_same=True)
        if there and not overwrite:
            _refuse_older(there, documents, stack, path)
        for part in reversed(PARTS):  # the checkpoint last: with it, the application is there
            if part in documents:
                here.write(part, documents[part])
        journal.restore(settings, stack, {run: text.encode() for run, text in found.history.items()})
    return Brought(found, CHECKPOINT not in there, is_same=False, note=_unreadable(found, settings))


def _refuse_older(there: Mapping[str, bytes], documents: Mapping[str, bytes], stack: str, path: Path) -> None:
    """A corrupt document is no reason to refuse: an export is what mends it."""
    content = there.get(CHECKPOINT)
    if content is None or statefile.wrong(CHECKPOINT, content, stack):
        return
    here, brought = statefile.facts(content, stack), statefile.facts(documents[CHECKPOINT], stack)
    remedy = "--overwrite takes the file's state all the same; what is here stays beside as the version before"
    name = stack.replace(".", " (") + ")"
    if here.owner and here.owner != brought.owner:
        raise UserError(
            f"{name} here is another application than that of {path}: its machines carry another owner's tag", remedy
        )
    if here.time > brought.time:
        raise UserError(
            f"{name} here is newer than {path}: {here.time:%Y-%m-%d %H:%M:%S} UTC, not {brought.time:%H:%M:%S}"
            if here.time.date() == brought.time.date()
            else f"{name} here is newer than {path}: {here.time:%Y-%m-%d %H:%M} UTC, not {brought.time:%Y-%m-%d %H:%M}",
            remedy,
        )


def _unreadable(found: Export, settings: Settings) -> str:
    """Why the secrets in it cannot be read here; empty when they can."""
    try:
        Engine.existing(settings, found.application, found.environment).machines()
    except UserError as error:
        return error.message
    return ""


def check(settings: Settings, application: str = "", environment: str = "default") -> tuple[Checked, ...]:
    """Look at every document of an application, or of all."""
    wanted = [stack_name(application, environment)] if application else known(settings)
    found = tuple(_checked(kept(settings, stack)) for stack in wanted)
    if application and all(finding.state == "missing" for finding in found[0].findings):
        raise UserError(f"no application {application!r} ({environment}) here", "conpaas list")
    return found


def known(settings: Settings) -> list[str]:
    """Stacks, and those of which not all is left."""
    ours = {name.partition("/")[0] for name in at(settings.backend_url, DOCUMENTS).names()}
    leases = (name for name in at(settings.backend_url, "").entries(place.LEASES) if name.endswith(".json"))
    held = {name.removesuffix(".json") for name in leases}
    begun = {stack for stack in held if kept(settings, stack).documents()}
    return sorted({*place.stacks(settings), *ours, *begun})


def _checked(kept: Kept) -> Checked:
    documents, stack = kept.documents(), kept.stack
    findings = {part: _finding(kept, part, documents.get(part)) for part in PARTS}
    if findings[CHECKPOINT].is_good:
        machines = statefile.facts(documents[CHECKPOINT], stack).machines
        if not machines:  # one that was just begun, or holds secrets only
            findings = {part: found for part, found in findings.items() if found.state != "missing"}
        elif findings[LOCK].state == "good" and (reason := statefile.at_odds(documents, stack)):
            findings[LOCK] = Finding(LOCK, "corrupt", reason, *_offer(kept, LOCK))
    application, environment = of_stack(stack)
    return Checked(application, environment, tuple(findings.values()))


def _finding(kept: Kept, part: str, content: bytes | None) -> Finding:
    if content is None:
        text = "it is not there" if part == CHECKPOINT else "not there; `conpaas up` writes it"
        return Finding(part, "missing", text, *_offer(kept, part))
    reason = statefile.wrong(part, content, kept.stack)
    if not reason:
        return Finding(part, "good", statefile.said(part, content, kept.stack))
    return Finding(part, "corrupt", reason, *_offer(kept, part))


def _offer(kept: Kept, part: str) -> tuple[str, str]:
    """What there is instead, and where."""
    for what, where, content in kept.former(part):
        if not statefile.wrong(part, content, kept.stack):
            return f"{what} is good: {statefile.said(part, content, kept.stack)}", where
    if part == LOCK and kept.read(part) is not None:
        return "without it, the lock file beside the manifest counts", ""
    return "", ""


def restore(settings: Settings, checked: Checked) -> tuple[Finding, ...]:
    """Put what is offered in the place of what is bad; the bad one stays in a folder of the state."""
    stack = stack_name(checked.application, checked.environment)
    mended = []
    with holding(settings, stack) as placed:
        kept = Kept(placed, stack)
        for finding in _checked(kept).findings:
            if finding.is_good or not finding.offer:
                continue
            bad = kept.read(finding.part)
            if bad is not None:
                name = f"{stack}.{finding.part}.{datetime.now(UTC):%Y%m%d-%H%M%S}"
                write_atomically(settings.state / "replaced" / name, bad)
            store, name = kept.place(finding.part)
            if finding.source:
                content = next(each for _, where, each in kept.former(finding.part) if where == finding.source)
                store.write(name, content)
            else:
                store.delete(name)
            mended.append(finding)
    return tuple(mended)
