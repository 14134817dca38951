"""Runs on a machine, as root: proves a version of the code (prove), and once it is told so makes it current.

With the verb "unpack" it puts the archive that is its input beside the other versions. Arguments: the verb, and a JSON
document {code, digest, check}. What it imports travels with it: see machines/switch.py.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from ansible.module_utils.conpaas_code import Code  # type: ignore
from ansible.module_utils.conpaas_node import Machine  # type: ignore

STAGED = Path("/run/conpaas/staged")  # where the type's own check finds the version
SECONDS = 60
MISSING = 100  # exit code: the archive has to be sent
PROVED = "proved"  # what it says then; its input is SWITCH, or nothing where another machine refused the version
SWITCH = "switch"


def unpack(machine: Any, document: dict[str, Any]) -> int:
    """Nothing that runs changes."""
    code = Code(machine, document["code"])
    if code.missing:
        with tempfile.NamedTemporaryFile(dir=machine.state) as archive:
            shutil.copyfileobj(sys.stdin.buffer, archive)
            archive.flush()
            code.unpack(archive.name)
    return 0


def prove(machine: Any, document: dict[str, Any]) -> int:
    """Alike."""
    code, check = Code(machine, document["code"]), document["check"]
    if code.missing:
        return MISSING
    if not Path(check).exists():
        return 0  # a machine of other groups
    STAGED.parent.mkdir(mode=0o755, exist_ok=True)
    new = STAGED.with_name(".staged")
    new.unlink(missing_ok=True)
    new.symlink_to(code.place)
    new.rename(STAGED)
    try:
        return subprocess.run([check], stdout=subprocess.DEVNULL, timeout=SECONDS, check=False).returncode
    except subprocess.TimeoutExpired:
        raise ValueError(f"no answer within {SECONDS} s") from None
    finally:
        STAGED.unlink(missing_ok=True)


def switch(machine: Any, document: dict[str, Any]) -> int:
    """The link is moved; that is all."""
    Code(machine, document["code"]).activate()
    machine.remember("shipped", {**machine.recall("shipped"), "digest": document["digest"]})
    return 0


def main(verb: str, document: dict[str, Any]) -> int:
    """The exit code."""
    os.umask(0o022)
    machine = Machine()
    with machine.locked():
        code = unpack(machine, document) if verb == "unpack" else prove(machine, document)
    if code or verb == "unpack":
        return code
    sys.stdout.write(f"{PROVED}\n")
    sys.stdout.flush()
    if sys.stdin.read() != SWITCH:
        return 0
    with machine.locked():
        return switch(machine, document)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1], json.loads(sys.argv[2])))
    except (OSError, ValueError) as error:
        sys.exit(f"the code cannot be put there: {error}")
