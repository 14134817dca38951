"""A saved plan: one document with the plan and with digests of all that it was made from. No secret is in it.

`up --plan` does exactly that, or refuses and names what moved. Where files lie does not matter, what is in them does.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from conpaas_iac.core.environments import option
from conpaas_iac.errors import UserError
from conpaas_iac.plans.inputs import Input
from conpaas_iac.system.files import digest_of

VERSION = 1
MANIFEST, OVERLAY, TOOL, STATE = "the manifest", "the overlay", "conpaas", "the state"
MOST = 5  # lines that are named


class Promise(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was promised; `inputs` is name -> digest or value, `asked` the table of `inputs.table`."""

    version: int
    application: str
    environment: str
    manifest: str  # where it was, as it was given
    made: datetime
    by: str
    tool: str
    inputs: dict[str, str]
    asked: dict[str, str]
    plan: dict[str, Any]  # as `plan --format json` prints it
    digest: str = ""  # of all the rest


def encode(promise: Promise) -> bytes:
    """With its digest."""
    document = _sealed(promise)
    return json.dumps(document, indent=2, ensure_ascii=False).encode() + b"\n"


def _sealed(promise: Promise) -> dict[str, Any]:
    document: dict[str, Any] = msgspec.to_builtins(promise)
    rest = {name: value for name, value in document.items() if name != "digest"}
    content = json.dumps(rest, sort_keys=True, separators=(",", ":")).encode()
    return {**rest, "digest": digest_of(content)}


def decode(content: bytes, name: str) -> Promise:
    """Raises UserError for what is no saved plan, is cut short, was edited, or is of another version."""
    again = "make it anew: conpaas plan MANIFEST -o FILE"
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        reason = "it is empty" if not content.strip() else f"it is no JSON, or cut short ({error})"
        raise UserError(f"{name} is no saved plan: {reason}", again) from error
    if not isinstance(document, dict) or not isinstance(document.get("version"), int) or "inputs" not in document:
        is_plan = isinstance(document, dict) and "changes" in document
        remedy = "what `--format json` prints is to be read; `-o FILE` saves a plan for `up`" if is_plan else again
        raise UserError(f"{name} is no saved plan", remedy)
    if document["version"] != VERSION:
        raise UserError(f"{name} is a saved plan of version {document['version']}, this conpaas knows {VERSION}", again)
    try:
        found = msgspec.convert(document, Promise)
    except msgspec.ValidationError as error:
        raise UserError(f"{name} is no saved plan: {error}", again) from error
    if _sealed(found)["digest"] != found.digest or found.digest != document.get("digest"):
        raise UserError(f"{name} was edited: its digest is another one", again)
    return found


def load(path: Path) -> Promise:
    """Of a file."""
    try:
        return decode(path.read_bytes(), str(path))
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from error


def place(promise: Promise, path: Path) -> Path:
    """The manifest that it is of: where it was, or beside the saved plan."""
    asked = Path(promise.manifest)
    found = next((each for each in (asked, path.parent / asked, path.parent / asked.name) if each.is_file()), None)
    if found is None:
        raise UserError(f"{path}: its manifest {promise.manifest} is not here", f"conpaas up MANIFEST --plan {path}")
    return found


def refuse_other(promise: Promise, application: str, environment: str, path: Path) -> None:
    """Raises UserError where it is of another application."""
    there, here = (promise.application, promise.environment), (application, environment)
    if there != here:
        of, asked = ("{} ({})".format(*each) for each in (there, here))
        raise UserError(f"{path} is a plan of {of}, not of {asked}", f"the plan of {asked}: conpaas plan … -o FILE")


def refuse_moved(promise: Promise, inputs: Mapping[str, str], asked: Iterable[Input], path: Path) -> None:
    """Raises UserError that names what is not as it was when the plan was made; `asked` is what moved in detail."""
    before = promise.inputs
    moved = [name for name in (*before, *(inputs.keys() - before.keys())) if before.get(name) != inputs.get(name)]
    if not moved:
        return
    details = [each.text for each in asked if each.field not in ("tool", "role", "secret")]
    said = [_said(name, before.get(name, ""), inputs.get(name, ""), details) for name in moved]
    raise UserError(f"{path} is not applied; moved since it was made: {'; '.join(said)}", again(promise, path))


def _said(name: str, before: str, after: str, details: list[str]) -> str:
    if name in (MANIFEST, OVERLAY) and details:
        rest = f", {len(details) - MOST} more" if details[MOST:] else ""
        return f"{name} ({', '.join(details[:MOST])}{rest})"
    if name == STATE:
        return f"{name} (the application was changed: conpaas history)"
    values = [each if not each.startswith("sha256:") else "" for each in (before, after)]
    return f"{name} ({values[0] or 'none'} -> {values[1] or 'none'})" if any(values) else name


def again(promise: Promise, path: Path) -> str:
    """How to get one that can be applied."""
    return f"look at a new one: conpaas plan {promise.manifest}{option(promise.environment)} -o {path}"


def refuse_another(promise: Promise, plan: Mapping[str, Any], path: Path) -> None:
    """Raises UserError where the same inputs lead to another plan."""
    before, after = (dict(_lines(each)) for each in (promise.plan, plan))
    if before == after:
        return
    names = [name for name in (*after, *(before.keys() - after.keys())) if before.get(name) != after.get(name)]
    changes = {change["node"]: change for change in plan["changes"]}
    said = [
        f"{name} ({changes[name]['action']}: {changes[name]['cause']})" if name in changes else f"{name} (no more)"
        for name in names
    ]
    rest = f", {len(said) - MOST} more" if said[MOST:] else ""
    what = f"the machines are not as the state says: {', '.join(said[:MOST])}{rest}"
    raise UserError(f"{path} is not applied: {what}", f"{again(promise, path)} --refresh")


def _lines(plan: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    """What happens, line by line; neither in which words nor why. Files of new machines follow from the inputs."""
    for change in plan["changes"]:
        listed = change["files"] if change["action"] != "add" else ()
        files = [(file["path"], file["on_change"], file["diff"]) for file in listed]
        parts = [(part["kind"], part["name"], part["action"]) for part in change["parts"]]
        yield change["node"], (change["action"], change["address"], change["class"], change["code"], files, parts)
    for part in plan["shared"]:
        yield f"{part['kind']} {part['name']}", part["action"]
