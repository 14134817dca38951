"""Runs on a machine, as root: says how what conpaas put there is now. Changes nothing.

Standard input is JSON: {"key", "files": [{"path", "mac", "shown"}], "absent", "units", "certificate", "code",
"baseline"}; prints JSON. Contents are compared by their HMAC under a key of this one call, so that no digest of a
secret is worth anything to anybody; the text of a file is only said where it is asked for and differs.
"""

import grp
import hashlib
import hmac
import json
import os
import pwd
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

LARGEST = 256 * 1024  # bytes of a text that is said


def said(*command: str) -> str:
    """What a program prints; nothing where it cannot run."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout


def file(asked: dict[str, Any], key: bytes) -> dict[str, Any]:
    """What is at a path."""
    path = Path(asked["path"])
    try:
        found = path.lstat()
        if not stat.S_ISREG(found.st_mode):
            return {"path": str(path), "kind": "link" if stat.S_ISLNK(found.st_mode) else "other"}
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return {"path": str(path), "kind": "none"}
    mac = hmac.new(key, content, hashlib.sha256).hexdigest()
    text = None
    if asked["shown"] and mac != asked["mac"] and len(content) <= LARGEST:
        text = content.decode(errors="replace")
    return {
        "path": str(path),
        "kind": "file",
        "mode": f"{stat.S_IMODE(found.st_mode):04o}",
        "owner": name(pwd.getpwuid, found.st_uid),
        "group": name(grp.getgrgid, found.st_gid),
        "mac": mac,
        "text": text,
    }


def name(look: Any, number: int) -> str:
    """Of a user or a group; its number where it has none."""
    try:
        return str(look(number)[0])
    except KeyError:
        return str(number)


def units(names: list[str]) -> dict[str, dict[str, str]]:
    """Unit -> what systemd says of it."""
    if not names:
        return {}
    text = said("systemctl", "show", "-p", "LoadState,ActiveState,UnitFileState", "--", *names)
    blocks = [dict(line.split("=", 1) for line in block.splitlines()) for block in text.strip().split("\n\n")]
    found = zip(names, blocks, strict=False)
    return {
        unit: {"load": each["LoadState"], "active": each["ActiveState"], "file": each["UnitFileState"]}
        for unit, each in found
        if each
    }


# As playbooks/configure.yml asked; of what was removed, dpkg remembers the version while its settings are there.
PACKAGES = r"${binary:Package}\t${Version}\t${db:Status-Abbrev}\n"


def listed(text: str) -> dict[str, str]:
    """Package -> version, of those that are installed."""
    lines = (line.split("\t") for line in text.splitlines())
    return {line[0]: line[1] for line in lines if len(line) == 3 and line[2].startswith("ii")}


def packages(baseline: Path) -> list[dict[str, str]] | None:
    """Those that are others than when the machine was configured first; None where nobody noted them."""
    try:
        before = listed(baseline.read_text())
    except OSError:
        return None
    now = listed(said("dpkg-query", "-W", "-f", PACKAGES))
    names = sorted(name for name in {*before, *now} if before.get(name) != now.get(name))
    return [{"name": name, "before": before.get(name, ""), "now": now.get(name, "")} for name in names]


def certificate(path: str) -> dict[str, Any] | None:
    """Facts of the first one of a PEM file."""
    text = said("nebula-cert", "print", "-json", "-path", path)
    try:
        found = json.loads(text)
        found = found[0] if isinstance(found, list) else found
        details = found["details"]
        return {"fingerprint": found["fingerprint"], "issuer": details["issuer"], "ends": details["notAfter"]}
    except (ValueError, KeyError, IndexError):
        return None


def active(current: str) -> str:
    """The version of the code that answers now."""
    try:
        return str(Path(current).readlink())
    except OSError:
        return ""


def main() -> None:
    """Look, print."""
    asked = json.load(sys.stdin)
    key = bytes.fromhex(asked["key"])
    answer = {
        "files": [file(each, key) for each in asked["files"]],
        "unwanted": [path for path in asked["absent"] if os.path.lexists(path)],
        "units": units(asked["units"]),
        "packages": packages(Path(asked["baseline"])),
        "certificate": certificate(asked["certificate"]) if asked["certificate"] else None,
        "code": active(asked["code"]) if asked["code"] else "",
    }
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main()
