"""Runs on a machine, as root: puts a version of the code beside the others and proves it (stage), or makes it current.

Arguments: the verb, and a JSON document {code, digest, check}. What it imports travels with it: see machines/switch.py.
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


def stage(machine: Any, document: dict[str, Any], sent: bool) -> int:
    """Nothing that runs changes."""
    code = Code(machine, document["code"])
    if code.missing and not sent:
        return MISSING
    if code.missing:
        with tempfile.NamedTemporaryFile(dir=machine.state) as archive:
            shutil.copyfileobj(sys.stdin.buffer, archive)
            archive.flush()
            code.unpack(archive.name)
    check = document["check"]
    if not Path(check).exists():
        return 0  # a machine of other groups
    STAGED.parent.mkdir(mode=0o755, exist_ok=True)
    new = STAGED.with_name(".staged")
    new.unlink(missing_ok=True)
    new.symlink_to(code.place)
    new.rename(STAGED)
    try:
        return subprocess.run([check], timeout=SECONDS, check=False).returncode
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
        return switch(machine, document) if verb == "switch" else stage(machine, document, verb == "unpack")


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1], json.loads(sys.argv[2])))
    except (OSError, ValueError) as error:
        sys.exit(f"the code cannot be put there: {error}")
