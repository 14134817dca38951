"""The tool as a process that can be killed: a parent that imports once, and forks one child a command.

What the child does it tells the test through a socket, and waits for the answer: that is where it is killed.
The seam to Ansible is replaced: what a visit does to a machine is asked of the test, which keeps the machines' disks.
"""

import hashlib
import json
import os
import signal
import socket
import sys
import tempfile
import threading
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any
from uuid import uuid4

import pylxd  # noqa: F401  # imported before the forks
from pulumi import automation as auto
from pulumi.automation import errors

from conpaas_iac import catalog, settings, shipped
from conpaas_iac.backend import folder, place, record
from conpaas_iac.backend.record import Certificate
from conpaas_iac.backend.stores import at
from conpaas_iac.core import placeholders
from conpaas_iac.engine.engine import Engine
from conpaas_iac.engine.engine_calls import Workspace
from conpaas_iac.errors import ConpaasError, Failure
from conpaas_iac.machines import sight
from conpaas_iac.machines.outcome import FIRST_CONTACT, Outcome
from conpaas_iac.machines.ssh import Access
from conpaas_iac.machines.visit import Visit
from conpaas_iac.runs.events import Event, Listener
from conpaas_iac.usecases import deployment, lifecycle, prospect, rotation
from conpaas_iac.usecases.situation import situation, wish_of
from conpaas_iac.usecases.wish import Request

APPLICATION = "shop"
STEPS = {
    "configure": ("reach", "begin", "ship", "verify", "confirm"),
    "leave": ("reach", "leave"),
    "prove": ("reach", "verify"),
}


class Line:
    """Questions to the test, one at a time."""

    def __init__(self, path: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(path)
        self._file = self._socket.makefile("rw")
        self._lock = threading.Lock()

    def ask(self, **question: Any) -> dict[str, Any]:
        """The answer; none comes to who is killed."""
        with self._lock:
            self._file.write(json.dumps(question) + "\n")
            self._file.flush()
            answer: dict[str, Any] = json.loads(self._file.readline())
            return answer

    def tick(self, what: str) -> None:
        """Something is about to happen, or has just happened."""
        self.ask(do="tick", what=what)

    def hear(self, event: Event) -> None:
        """A listener."""
        self.tick(f"event {event.phase} {event.state} {event.node}")


@dataclass(frozen=True)
class Ansible:
    """Stands where Ansible stands."""

    line: Line

    def __call__(self, playbook: str, visits: Sequence[Visit], access: Access, listen: Listener) -> Outcome:
        """Batch after batch, machine after machine, step after step."""
        keys: dict[str, list[str]] = {}  # a stopped machine's address may be another's by now: ssh takes any key of it
        for line in access.known_hosts.read_text().splitlines():
            ip, key = line.split(" ", 1)
            keys.setdefault(ip, []).append(key)
        confirmed: list[str] = []
        failures: list[Failure] = []
        signed: dict[str, Certificate] = {}
        untouched: list[str] = []
        for _, batch in groupby(visits, key=lambda visit: visit.batch):
            visited = list(batch)
            if failures:
                untouched += [visit.node for visit in visited]
                continue
            for visit in visited:
                certificate = _certificate() if visit.authority else None
                failure = self._visit(playbook, visit, keys.get(visit.ip, []), certificate, listen)
                if failure:
                    failures.append(failure)
                    continue
                confirmed.append(visit.node)
                if certificate:
                    signed[visit.node] = certificate
        return Outcome(tuple(confirmed), tuple(failures), signed, tuple(untouched))

    def _visit(
        self, playbook: str, visit: Visit, keys: list[str], certificate: Certificate | None, listen: Listener
    ) -> Failure | None:
        texts = "".join(file.content for file in visit.tree.files)
        values = {each: hashlib.sha256(value.encode()).hexdigest() for each, value in visit.secrets.items()}
        known = {
            "node": visit.node,
            "ip": visit.ip,
            "keys": keys,
            "address": visit.address,
            "digest": visit.tree.digest,
            "needs": sorted(placeholders.keys(texts)),
            "values": values,
            "founds": visit.founds,
            "groups": list(visit.groups),
            "type": visit.type,
        }
        for step in STEPS[playbook]:
            listen(Event(step, "started", visit.node))
            wrong = self.line.ask(do="visit", step=step, **known).get("wrong")
            if wrong:
                return Failure(visit.node, FIRST_CONTACT if wrong == "unreachable" else step, wrong)
            listen(Event(step, "done", visit.node))
        return None


def _certificate() -> Certificate:
    now = datetime.now(UTC)
    return Certificate(uuid4().hex, now, now + timedelta(days=365))


def _hooks(line: Line) -> None:
    """Every write beside the engine's is told before and after."""

    def told(kind: type, name: str) -> None:
        really = getattr(kind, name)

        def call(self: Any, *arguments: Any, **named: Any) -> Any:
            line.tick(f"before {name} {arguments[0]}")
            found = really(self, *arguments, **named)
            line.tick(f"after {name} {arguments[0]}")
            return found

        setattr(kind, name, call)

    told(folder.Folder, "write")
    told(folder.Folder, "delete")
    flush = os.fsync

    def fsync(descriptor: int) -> None:
        line.tick("flush")
        flush(descriptor)

    os.fsync = fsync  # type: ignore[assignment]
    make = tempfile.mkdtemp

    def mkdtemp(*arguments: Any, **named: Any) -> str:
        made = make(*arguments, **named)
        line.ask(do="made", folder=made)
        return made

    tempfile.mkdtemp = mkdtemp  # type: ignore[assignment]


def _select(workspace: Workspace, name: str) -> None:
    """What `pulumi stack export` prints is in a file here; to read it costs less than to begin the engine."""
    backend = Path(workspace.env_vars["PULUMI_BACKEND_URL"].removeprefix("file://"))
    path = backend / ".pulumi" / "stacks" / "conpaas" / f"{name}.json"
    if not path.exists():
        raise errors.StackNotFoundError(auto.CommandResult("", f"no stack named '{name}' found", 255))
    workspace.checkpoint = json.loads(path.read_text())["checkpoint"]["latest"] or {}


def _do(order: Mapping[str, Any], line: Line) -> dict[str, Any]:
    own, run, verb = settings.load(), Ansible(line), order["verb"]
    name = (APPLICATION, "default")
    every = frozenset(order.get("may_lose", ()))
    request = Request(Path(order["manifest"]), replaced=frozenset(order.get("replaced", ())), may_lose=every)
    match verb:
        case "up":
            deployment.up(request, own, line.hear, lambda plan, wish: line.tick("plan"), run)
        case "rotate":
            rotation.rotate(*name, order["secret"], own, line.hear, execute=run)
        case "give":
            rotation.give(*name, order["secret"], order["value"], own, line.hear)
        case "stop":
            lifecycle.stop(*name, order["service"], own, line.hear)
        case "start":
            lifecycle.start(*name, order["service"], own, line.hear, run)
        case "down":
            lifecycle.down(*name, own, line.hear, every)
    return _facts(Request(request.manifest), own) if order.get("facts") else {}


def _facts(request: Request, own: settings.Settings) -> dict[str, Any]:
    """What conpaas believes to be there, and what another `up` would do."""
    own = place.placed(own, f"{APPLICATION}.default")
    engine = Engine.find(own, APPLICATION, "default")
    there = record.read(at(own.backend_url), f"{APPLICATION}.default")
    if engine is None:
        return {"stack": False, "documents": list(at(own.backend_url).names())}
    found = situation(wish_of(request, own), engine, own, look=True)
    checkpoint = engine._workspace.checkpoint
    resources = checkpoint.get("resources") or ()
    return {
        "stack": True,
        "documents": list(at(own.backend_url).names()),
        "plan": [f"{each.action} {each.node}: {each.cause}" for each in prospect.plan_of(found).changes],
        "pending": [each["resource"]["urn"] for each in checkpoint.get("pending_operations") or ()],
        "deleting": [each["urn"] for each in resources if each.get("delete")],
        "applied": {each.node: each.address for each in found.applied.machines},
        "ids": {each["urn"].rsplit("::", 1)[-1]: each.get("id") for each in resources if ":lxd:" in each["type"]},
        "owner": found.applied.owner,
        "secrets": list(found.applied.secrets),
        "record": {
            "nodes": {node: [each.id, each.digest] for node, each in there.nodes.items()},
            "visiting": sorted(there.visiting),
            "resting": sorted(there.resting),
            "held": sorted(there.held),
            "founded": sorted(there.founded),
            "secrets": {each: list(versions) for each, versions in there.secrets.items()},
        },
    }


def _child(order: Mapping[str, Any]) -> None:
    os.environ.update(order["environment"])
    os.environ.pop("CI", None)
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.chdir(Path(order["manifest"]).parent)
    roles = Path(order["roles"])
    catalog.folder = lambda each: roles if each == "roles" else shipped.folder(each)
    deployment.ensure_route = lambda each: None
    Workspace.select_stack = _select
    sight.LOOKS = tuple(pause / 20 for pause in sight.LOOKS)
    line = Line(order["socket"])
    _hooks(line)
    end: dict[str, Any] = {"code": 0}
    try:
        end["facts"] = _do(order, line)
    except ConpaasError as error:
        failures = [f"{each.node}, {each.step}: {each.reason}" for each in getattr(error, "failures", ())]
        end = {"code": error.exit_code, "error": "; ".join([error.message, *failures])}
    except BaseException:
        end = {"code": 70, "error": traceback.format_exc()}
    line.ask(do="end", **end)


def main() -> None:
    """Orders come as lines; each is answered with the child's number, and again when it has ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for text in sys.stdin:
        pid = os.fork()
        if pid == 0:
            try:
                os.setsid()
                null = os.open(os.devnull, os.O_RDONLY)
                os.dup2(null, 0)
                _child(json.loads(text))
            finally:
                os._exit(0)
        print(pid, flush=True)
        os.waitpid(pid, 0)
        print("ended", flush=True)


if __name__ == "__main__":
    main()
