"""The use cases of keys that may push: lines of the manifest, added and removed there."""

import base64
import binascii
import hashlib
from dataclasses import dataclass
from pathlib import Path

from conpaas_iac.errors import UserError
from conpaas_iac.manifest import edit
from conpaas_iac.usecases.uploads import Target

LARGEST = 16_384  # bytes of a public key's file


@dataclass(frozen=True)
class Key:
    """A public key, as its file says it."""

    kind: str
    data: str
    comment: str

    @property
    def line(self) -> str:
        """As the manifest has it."""
        return f"{self.kind} {self.data} {self.comment}".strip()

    @property
    def fingerprint(self) -> str:
        """As ssh-keygen -l prints it."""
        digest = hashlib.sha256(base64.b64decode(self.data)).digest()
        return f"SHA256:{base64.b64encode(digest).decode().rstrip('=')}"


def parse(text: str, name: str) -> Key:
    """The key of a text; raises UserError, which repeats nothing of it."""
    if "PRIVATE KEY" in text:
        raise UserError(f"{name} is a private key: nobody else may have it", f"its public half is {name}.pub")
    words = text.strip().split(None, 2)
    try:
        kind, data = words[:2]
        blob = base64.b64decode(data, validate=True)
        size = int.from_bytes(blob[:4])
        if blob[4 : 4 + size].decode() != kind or len(text.strip().splitlines()) != 1:
            raise ValueError
    except (ValueError, binascii.Error) as error:
        hint = "one line: ssh-ed25519 AAAA… name; ssh-keygen makes one"
        raise UserError(f"{name} is no public key of SSH", hint) from error
    return Key(kind, data, " ".join(words[2].split()) if len(words) > 2 else "")


def read(path: Path) -> Key:
    """The key of a file."""
    try:
        with path.open("rb") as file:
            return parse(file.read(LARGEST).decode(), str(path))
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is no public key of SSH", "a file KEY.pub") from error


def listed(where: Target) -> tuple[Key, ...]:
    """Those of the manifest."""
    lines = where.service.fields.get("Keys")
    return tuple(parse(str(line), "a key of the manifest") for line in lines) if isinstance(lines, list) else ()


def added(where: Target, key: Key) -> str:
    """The manifest's text with the key; raises UserError where it is there."""
    there = listed(where)
    if any(each.data == key.data for each in there):
        raise UserError(f"{key.fingerprint} is a key of {where.named} already")
    return _text(where, [*there, key])


def removed(where: Target, wanted: str) -> tuple[str, Key]:
    """The manifest's text without the key of this fingerprint, comment or file, and that key; raises UserError."""
    there, path = listed(where), Path(wanted)
    data = read(path).data if path.is_file() else ""
    found = [each for each in there if wanted in (each.fingerprint, each.comment) or each.data == data]
    if len(found) != 1:
        known = ", ".join(each.comment or each.fingerprint for each in there) or "none"
        what = "several keys are called" if found else "there is no key"
        raise UserError(f"{what} {wanted!r}", f"keys of {where.named}: {known}; a fingerprint is always enough")
    return _text(where, [each for each in there if each != found[0]]), found[0]


def _text(where: Target, keys: list[Key]) -> str:
    editable, lines = where.editable, [each.line for each in keys]
    return edit.set_value(editable.text(), where.service.name, ("Keys",), lines, where.types, editable.base)
