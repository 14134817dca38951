"""A version of the code becomes current on machines that take it without a pause: proved everywhere, then switched.

By plain SSH, side by side: where nothing else changes, this is a matter of a second. Nothing is switched before the
version was proved on each of the machines: what proved it there waits for that word.
"""

import json
import shlex
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from functools import cache
from pathlib import Path

from conpaas_iac import shipped
from conpaas_iac.errors import Failure
from conpaas_iac.machines.outcome import FIRST_CONTACT, LAST_LINES, Outcome
from conpaas_iac.machines.remote import Command, Ended
from conpaas_iac.machines.ssh import Access
from conpaas_iac.machines.visit import Visit
from conpaas_iac.runs.events import Event, Listener

AT_ONCE = 50
MISSING, PROVED, SWITCHED = 100, "proved", "switch"  # as in guest/switch.py
GUEST = Path(__file__).parents[1] / "guest" / "switch.py"
PARTS = ("conpaas_node", "conpaas_code")  # what the ship module is made of, too
STAGE, SWITCH = "stage", "switch"
NEAR = ("-o", "ConnectTimeout=10")

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
    sessions = [_Session(visit, access, listen) for visit in visits]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        try:
            refused = tuple(filter(None, pool.map(_Session.stage, sessions)))
            failures = refused or tuple(filter(None, pool.map(_Session.switch, sessions)))
        finally:
            tuple(pool.map(_Session.end, sessions))
    failed = {failure.node for failure in failures}
    others = tuple(visit.node for visit in visits if visit.node not in failed)
    return Outcome((), refused, untouched=others) if refused else Outcome(others, failures)


class _Session:
    """With one machine, from the first contact until it has switched."""

    def __init__(self, visit: Visit, access: Access, listen: Listener) -> None:
        self._visit, self._access, self._listen = visit, access, listen
        self._command: Command | None = None

    def stage(self) -> Failure | None:
        """The version is proved there, and it waits."""
        self._listen(Event(STAGE, "started", self._visit.node))
        ended = self._proved()
        if ended and ended.code == MISSING:
            ended = self._unpacked()
            ended = ended if ended.code else self._proved()
        return self._said(STAGE, ended)

    def switch(self) -> Failure | None:
        """It waits no more."""
        assert self._command is not None
        self._listen(Event(SWITCH, "started", self._visit.node))
        self._command.tell(SWITCHED)
        ended = self._ended()
        return self._said(SWITCH, ended if ended.code else None)

    def end(self) -> None:
        """Where it waits still, nothing has changed."""
        if self._command:
            self._command.end()
            self._ended()

    def _proved(self) -> Ended | None:
        """None: it was, and the command goes on."""
        self._command = Command(*self._asked("prove"), told=True)
        while (said := self._command.answer()) and said != PROVED:
            pass  # a shell that greets
        return None if said else self._ended()

    def _ended(self) -> Ended:
        assert self._command is not None
        ended, self._command = self._command.wait(lambda _: None), None
        return ended

    def _unpacked(self) -> Ended:
        with Path(self._visit.archive).open("rb", buffering=0) as source:
            return Command(*self._asked("unpack"), source).wait(lambda _: None)

    def _asked(self, verb: str) -> tuple[Sequence[str], Mapping[str, str], str]:
        ssh = ["ssh", *self._access.options(), *NEAR, f"root@{self._visit.ip}"]
        line = ["python3", "-I", "-c", _program(), verb, json.dumps(_document(self._visit))]
        return ssh, self._access.environment, shlex.join(line)

    def _said(self, step: str, ended: Ended | None) -> Failure | None:
        failure = _failure(step, self._visit.node, ended) if ended else None
        reason = failure.reason if failure else ""
        self._listen(Event(step, "failed" if failure else "done", self._visit.node, reason))
        return failure


def _failure(step: str, node: str, ended: Ended) -> Failure:
    said = [line for line in ended.lines if line.strip()]
    if not ended.begun:
        return Failure(node, FIRST_CONTACT, said[-1] if said else "ssh failed")
    reason = "the connection broke" if ended.was_cut else f"exit code {ended.code}"
    return Failure(node, step, said[0] if said else reason, tuple(said[1:][-LAST_LINES:]))


def _document(visit: Visit) -> Mapping[str, object]:
    assert visit.tree.code
    return {"code": asdict(visit.tree.code), "digest": visit.tree.digest, "check": visit.code_check}


@cache
def _program() -> str:
    folder = shipped.folder("playbooks") / "plugins" / "module_utils"
    parts = {f"ansible.module_utils.{name}": (folder / f"{name}.py").read_text() for name in PARTS}
    return BOOT.format(sources=json.dumps([parts, GUEST.read_text()]))
