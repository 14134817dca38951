"""`conpaas.lock.json`, beside the manifest: the application's range, one block per service, the pins of code."""

import hashlib
import json
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from conpaas_iac.backend.store import Store
from conpaas_iac.core.addresses import Lock
from conpaas_iac.errors import StateError, UserError
from conpaas_iac.system.files import write_atomically

VERSION = 1
NAME = "lock.json"  # the copy that was applied, below the stack's name


def path_of(manifest: Path, environment: str) -> Path:
    """Each manifest and environment has its own lock file: `conpaas.lock.json`, `shop.staging.lock.json` …"""
    stem = "conpaas" if manifest.stem == "manifest" else manifest.stem
    middle = "" if environment == "default" else f".{environment}"
    return manifest.with_name(f"{stem}{middle}.lock.json")


def read(path: Path) -> Lock | None:
    """The lock, or None where there is no file; raises UserError when it cannot be understood."""
    if not path.exists():
        return None
    try:
        return decode(path.read_bytes())
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"{path}: not a lock file: {error}", "restore it from Git, or remove it and run `conpaas lock MANIFEST`"
        ) from error


def write(path: Path, lock: Lock) -> None:
    """Write it whole or not at all; world-readable like the manifest beside it: it holds nothing secret."""
    write_atomically(path, encode(lock), mode=0o644)


def decode(content: bytes) -> Lock:
    """Raises ValueError, KeyError or TypeError for what is no lock."""
    document = json.loads(content)
    if document["Version"] != VERSION:
        raise ValueError(f"version {document['Version']} is not known to this conpaas")
    services: dict[str, dict[str, Any]] = document["Services"]
    return Lock(
        application=document["Application"],
        environment=document["Environment"],
        range=IPv4Network(document["Range"]),
        blocks={name: IPv4Network(service["Block"]) for name, service in services.items()},
        code={name: service["Code"] for name, service in services.items() if "Code" in service},
    )


def applied(store: Store, stack: str) -> Lock | None:
    """The copy that was applied, or None where there is none; raises StateError when it cannot be understood."""
    content = store.read(f"{stack}/{NAME}")
    return None if content is None else decoded(content, stack)


def decoded(content: bytes, stack: str) -> Lock:
    """The copy of a stack; raises StateError."""
    try:
        return decode(content)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StateError("applied lock", stack, why(error)) from error


def why(error: Exception) -> str:
    """What is wrong with a document of JSON."""
    if isinstance(error, json.JSONDecodeError):
        place = f"line {error.lineno}, column {error.colno}"
        return f"it is cut short or no JSON ({place})" if error.doc.strip() else "it is empty"
    return f"it lacks {error}" if isinstance(error, KeyError) else str(error)


def keep(store: Store, stack: str, lock: Lock) -> None:
    """This one is applied."""
    content = encode(lock)
    if store.read(f"{stack}/{NAME}") != content:
        store.write(f"{stack}/{NAME}", content, keeps=True)


def encode(lock: Lock) -> bytes:
    """Stable text: the same lock is the same bytes."""
    services = {
        name: {"Block": str(block), **({"Code": dict(lock.code[name])} if name in lock.code else {})}
        for name, block in sorted(lock.blocks.items())
    }
    document = {
        "Version": VERSION,
        "Application": lock.application,
        "Environment": lock.environment,
        "Range": str(lock.range),
        "Services": services,
    }
    return (json.dumps(document, indent=2) + "\n").encode()


def seed(application: str, environment: str) -> int:
    """Where in the pool the search for a range begins: applications rarely meet."""
    return int.from_bytes(hashlib.sha256(f"{application}/{environment}".encode()).digest()[:4])
