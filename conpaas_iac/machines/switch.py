"""A version of the code becomes current on machines that take it without a pause: proved everywhere, then switched.

By plain SSH, side by side: where nothing else changes, this is a matter of a second. Nothing is switched before the
version was proved on each of the machines.
"""

import json
import shlex
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

from conpaas_iac import shipped
from conpaas_iac.errors import Failure
from conpaas_iac.machines.outcome import FIRST_CONTACT, LAST_LINES, Outcome
from conpaas_iac.machines.remote import Command, Ended
from conpaas_iac.machines.ssh import Access
from conpaas_iac.machines.visit import Visit
from conpaas_iac.runs.events import Event, Listener

AT_ONCE = 50
MISSING = 100  # as in guest/switch.py
GUEST = Path(__file__).parents[1] / "guest" / "switch.py"
PARTS = ("conpaas_node", "conpaas_code")  # what the ship module is made of, too
STAGE, SWITCH = "stage", "switch"
# The second way to a machine is the first one's connection.
SHARED = ("-o", "ControlMaster=auto", "-o", "ControlPersist=20s", "-o", "ConnectTimeout=10")

BOOT = """
import json, sys, types
parts, program = json.loads({sources!r})
for name, text in {{"ansible": "", "ansible.module_utils": "", **parts}}.items():
    sys.modules[name] = types.ModuleType(name)
    exec(text, sys.modules[name].__dict__)
exec(compile(program, "switch", "exec"), {{"__name__": "__main__"}})
"""


def run(visits: Sequence[Visit], access: Access, listen: Listener) -> Outcome:
    """Stage, and where all have proved it, switch."""
    failures = _everywhere(STAGE, visits, access, listen)
    if failures:
        failed = {failure.node for failure in failures}
        return Outcome((), failures, untouched=tuple(visit.node for visit in visits if visit.node not in failed))
    failures = _everywhere(SWITCH, visits, access, listen)
    failed = {failure.node for failure in failures}
    return Outcome(tuple(visit.node for visit in visits if visit.node not in failed), failures)


def _everywhere(step: str, visits: Sequence[Visit], access: Access, listen: Listener) -> tuple[Failure, ...]:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return tuple(filter(None, pool.map(lambda visit: _step(step, visit, access, listen), visits)))


def _step(step: str, visit: Visit, access: Access, listen: Listener) -> Failure | None:
    listen(Event(step, "started", visit.node))
    ended = _asked(step, visit, access)
    if step == STAGE and ended.code == MISSING:
        ended = _asked("unpack", visit, access)
    failure = _failure(step, visit.node, ended)
    listen(Event(step, "failed" if failure else "done", visit.node, failure.reason if failure else ""))
    return failure


def _failure(step: str, node: str, ended: Ended) -> Failure | None:
    if ended.code == 0:
        return None
    said = [line for line in ended.lines if line.strip()]
    if not ended.begun:
        return Failure(node, FIRST_CONTACT, said[-1] if said else "ssh failed")
    reason = "the connection broke" if ended.was_cut else f"exit code {ended.code}"
    return Failure(node, step, said[0] if said else reason, tuple(said[1:][-LAST_LINES:]))


def _asked(verb: str, visit: Visit, access: Access) -> Ended:
    shared = (*SHARED, "-o", f"ControlPath={access.folder}/to-%C")
    ssh = ["ssh", *access.options(), *shared, f"root@{visit.ip}"]
    line = shlex.join(["python3", "-I", "-c", _program(), verb, json.dumps(_document(visit))])
    if verb != "unpack":
        return Command(ssh, access.environment, line).wait(lambda _: None)
    with Path(visit.archive).open("rb", buffering=0) as source:
        return Command(ssh, access.environment, line, source).wait(lambda _: None)


def _document(visit: Visit) -> Mapping[str, object]:
    assert visit.tree.code
    return {"code": asdict(visit.tree.code), "digest": visit.tree.digest, "check": visit.code_check}


def _program() -> str:
    folder = shipped.folder("playbooks") / "plugins" / "module_utils"
    parts = {f"ansible.module_utils.{name}": (folder / f"{name}.py").read_text() for name in PARTS}
    return BOOT.format(sources=json.dumps([parts, GUEST.read_text()]))
