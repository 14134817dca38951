"""The documents of an application's state: whether each can be used, and all of them as one file. Pure.

    checkpoint   the engine's: resources, secrets encrypted
    record       ours: what machines confirmed
    lock         ours: the copy of the lock file that was applied
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any

import msgspec

from conpaas_iac.backend import lockfile, record
from conpaas_iac.core.environments import option
from conpaas_iac.core.ordering import count
from conpaas_iac.errors import StateError, UserError
from conpaas_iac.system.files import digest_of

VERSION = 1
CHECKPOINT_VERSION = 3  # the engine's layout
CHECKPOINT, RECORD, LOCK = "checkpoint", "record", "lock"
PARTS = (CHECKPOINT, RECORD, LOCK)
IDENTITY = "conpaas:index:Identity"
NEVER = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Facts:
    """What a checkpoint says."""

    owner: str = ""
    machines: frozenset[tuple[str, int]] = frozenset()  # node, incarnation
    time: datetime = NEVER
    kinds: frozenset[str] = frozenset()  # types of its resources


def facts(content: bytes, stack: str) -> Facts:
    """Raises StateError for a checkpoint that cannot be used."""
    try:
        document = json.loads(content)
    except ValueError as error:
        raise StateError(CHECKPOINT, stack, lockfile.why(error)) from error
    version = document.get("version") if isinstance(document, dict) else None
    if version != CHECKPOINT_VERSION:
        said = f"it is of version {version}, this conpaas knows {CHECKPOINT_VERSION}" if version else "no checkpoint"
        raise StateError(CHECKPOINT, stack, said)
    try:
        return _facts(document["checkpoint"]["latest"] or {})
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise StateError(CHECKPOINT, stack, f"something is missing in it: {error}") from error


def _facts(latest: Mapping[str, Any]) -> Facts:
    resources = latest.get("resources") or ()
    urns = [resource["urn"] for resource in resources]
    if lost := {resource["parent"] for resource in resources if resource.get("parent")} - set(urns):
        raise ValueError(f"resource {sorted(lost)[0]}")
    owner = next((resource.get("id", "") for resource in resources if resource["type"] == IDENTITY), "")
    inputs = [resource.get("inputs") or {} for resource in resources]
    machines = frozenset((each["node"], int(each["incarnation"])) for each in inputs if "incarnation" in each)
    time = latest.get("manifest", {}).get("time")
    kinds = frozenset(resource["type"] for resource in resources)
    return Facts(owner, machines, datetime.fromisoformat(time) if time else NEVER, kinds)


def wrong(part: str, content: bytes, stack: str) -> str:
    """Why a document cannot be used; empty when it can."""
    try:
        if part == CHECKPOINT:
            facts(content, stack)
        elif part == RECORD:
            record.decode(content, stack)
        else:
            lockfile.decoded(content, stack)
    except StateError as error:
        return error.reason
    return ""


class Export(msgspec.Struct, frozen=True):
    """One application's state in one file."""

    kind: str
    version: int
    application: str
    environment: str
    tool: str  # version of conpaas
    by: str
    time: datetime
    documents: dict[str, str]  # part -> content
    history: dict[str, str]  # run -> its stream
    digests: dict[str, str]  # of each content, by its name


class _Marked(msgspec.Struct):
    kind: str
    version: int


KIND = "conpaas state"
WORD = re.compile(r"[a-z0-9][a-z0-9-]{0,60}")


def export(
    application: str,
    environment: str,
    documents: Mapping[str, bytes],
    history: Mapping[str, bytes],
    by: tuple[str, str, datetime],
) -> bytes:
    """The file; `by` is who, with which version of conpaas, when."""
    contents = {name: content.decode() for name, content in documents.items()}
    runs = {name: content.decode(errors="replace") for name, content in history.items()}
    digests = {name: digest_of(text.encode()) for name, text in (contents | runs).items()}
    who, tool, time = by
    made = Export(KIND, VERSION, application, environment, tool, who, time, contents, runs, digests)
    return msgspec.json.format(msgspec.json.encode(made), indent=1) + b"\n"


def decode(content: bytes, name: str) -> Export:
    """The export; raises UserError where it is not whole, or not as it was written."""
    try:
        marked = msgspec.json.decode(content, type=_Marked)
        if marked.kind != KIND:
            raise UserError(f"{name} is not what `conpaas state export` writes")
        if marked.version != VERSION:
            raise UserError(f"{name} is of version {marked.version}, this conpaas knows {VERSION}")
        found = msgspec.json.decode(content, type=Export)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{name} is not what `conpaas state export` writes, or not all of it: {error}") from error
    words = (found.application, found.environment, *found.history)
    if wild := [word for word in words if not WORD.fullmatch(word)] + sorted(found.documents.keys() - set(PARTS)):
        raise UserError(f"{name} is not what `conpaas state export` writes: {wild[0]!r}")  # they become names of files
    contents = found.documents | found.history
    changed = [part for part, text in contents.items() if found.digests.get(part) != digest_of(text.encode())]
    if changed or found.digests.keys() - contents.keys():
        raise UserError(f"{name} is not as it was written: the digest of {changed or 'a part'} is another")
    stack = f"{found.application}.{found.environment}"
    for part, text in found.documents.items():
        if reason := wrong(part, text.encode(), stack):
            raise UserError(f"the {part} in {name} cannot be used: {reason}")
    if CHECKPOINT not in found.documents:
        raise UserError(f"{name} holds no checkpoint")
    return found


@dataclass(frozen=True)
class Finding:
    """One document."""

    part: str
    state: str  # "good", "missing", "corrupt"
    text: str
    offer: str = ""  # what there is instead of it
    source: str = field(default="", repr=False)  # where that is kept; empty: nowhere, it is only to be removed

    @property
    def is_good(self) -> bool:
        """A record or a lock that is not there yet is no harm: the next `up` writes it."""
        return self.state == "good" or (self.state == "missing" and self.part != CHECKPOINT and not self.offer)


@dataclass(frozen=True)
class Checked:
    """One application."""

    application: str
    environment: str
    findings: tuple[Finding, ...]

    @property
    def is_good(self) -> bool:
        return all(finding.is_good for finding in self.findings)

    @property
    def target(self) -> str:
        """As commands name it."""
        return f"{self.application}{option(self.environment)}"


def said(part: str, content: bytes, stack: str) -> str:
    """What a good document holds, in a few words."""
    if part == CHECKPOINT:
        found = facts(content, stack)
        at = f", {found.time:%Y-%m-%d %H:%M} UTC" if found.time != NEVER else ""
        return f"{count(len(found.machines), 'machine')}{at}"
    if part == RECORD:
        there = record.decode(content, stack)
        return f"{len(there.nodes)} confirmed" + (f", {len(there.visiting)} in doubt" if there.visiting else "")
    return str(lockfile.decoded(content, stack).range)


def at_odds(documents: Mapping[str, bytes], stack: str) -> str:
    """Why the lock is not that of the machines; empty when it is. Both can be used."""
    lock = lockfile.decoded(documents[LOCK], stack)
    latest = json.loads(documents[CHECKPOINT])["checkpoint"]["latest"] or {}
    for resource in latest.get("resources") or ():
        address = str((resource.get("inputs") or {}).get("address", "")).partition("/")[0]
        if address and ip_address(address) not in lock.range:
            return f"its range is {lock.range}, but {resource['inputs'].get('node')} has {address}"
    return ""
