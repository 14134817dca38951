"""Ships trees to machines and has them prove that they work: the only place that runs Ansible."""

import math
import os
import platform
import sys
from collections.abc import Collection, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Protocol

from conpaas_iac import settings
from conpaas_iac.backend.record import Certificate, certificate
from conpaas_iac.errors import Failure, MachineError
from conpaas_iac.host import bare
from conpaas_iac.machines.outcome import FIRST_CONTACT, LAST_LINES, Outcome
from conpaas_iac.machines.ssh import Access
from conpaas_iac.machines.visit import Visit, tree_file
from conpaas_iac.runs.events import Event, Listener
from conpaas_iac.shipped import folder

HOST_KEY = "host key"  # the task that prints one


class Executor(Protocol):
    """The seam to the machines; tests pass another."""

    def __call__(self, playbook: str, visits: Sequence[Visit], access: Access, listen: Listener) -> Outcome:
        """Run one of the plays on these machines, a batch after the other (they come in that order)."""


def run(playbook: str, visits: Sequence[Visit], access: Access, listen: Listener) -> Outcome:
    """Run a play through ansible-runner; each machine goes on although another failed."""
    if playbook == "switch":
        from conpaas_iac.machines import switch

        return switch.run(visits, access, listen)
    import ansible_runner

    private = access.folder / f"run-{playbook}"
    private.mkdir(mode=0o700, exist_ok=True)
    watcher, batches = _Watcher(listen), _batches(visits)
    ansible_runner.run(
        private_data_dir=str(private),
        project_dir=str(folder("playbooks")),
        playbook=f"{playbook}.yml",
        inventory={"all": {"hosts": {visit.node: _variables(visit, private) for visit in visits}}},
        extravars={
            "conpaas_batches": batches,
            "conpaas_stop": str(access.stop) if len(batches) > 1 else "",
            **_base(playbook, visits, private),
        },
        envvars=_environment(access, len(visits)),
        event_handler=watcher,
        cancel_callback=lambda: False,  # without one it takes Ctrl-C and SIGTERM for itself, and keeps them
        quiet=True,
        rotate_artifacts=1,
    )
    failed = {failure.node for failure in watcher.failures}
    if not watcher.started and visits:
        said = watcher.said[-500:].strip() or "it was killed, or ended without a word"
        raise MachineError(f"Ansible did not start: {said}", remedy="the same command goes on from here")
    left = [visit for visit in visits if visit.node not in watcher.reached and visit.node not in failed]
    last = _last_batch(visits, failed, watcher.reached if access.stop.exists() else ())
    unfinished = (visit for visit in left if visit.batch <= last)
    return Outcome(
        tuple(visit.node for visit in visits if visit.node not in failed and visit.node in watcher.reached),
        (*watcher.failures, *(Failure(each.node, playbook, "Ansible ended before it was done") for each in unfinished)),
        watcher.certificates,
        tuple(visit.node for visit in left if visit.batch > last),
        watcher.host_keys,
        {node: tuple(tasks) for node, tasks in watcher.changed.items()},
    )


def _last_batch(visits: Sequence[Visit], failed: Collection[str], stopped: Collection[str]) -> float:
    """The one that was to be the last: something failed in it, or it was the last that `stopped` machines were in."""
    wrong = [visit.batch for visit in visits if visit.node in failed]
    begun = [visit.batch for visit in visits if visit.node in stopped]
    return min(wrong) if wrong else max(begun, default=math.inf)


def _variables(visit: Visit, private: Path) -> dict[str, Any]:
    return {
        "ansible_host": visit.ip,
        "ansible_user": "root",
        "conpaas_address": visit.address,
        "conpaas_tree": str(tree_file(visit, private)),
        "conpaas_type": visit.type,
        "conpaas_groups": list(visit.groups),
        "conpaas_baked": visit.baked,
        "conpaas_clients": list(visit.clients),
        "conpaas_traffic": visit.brings_traffic,
        "conpaas_startup_script": visit.startup_script,
        "conpaas_options": dict(visit.options or {}),
        "conpaas_founds": visit.founds,
        "conpaas_host_key": visit.host_key,
        "conpaas_seed": visit.seed,
        "conpaas_drains": visit.drains and _has(visit.type, "drain"),
        "conpaas_joins": visit.joins and _has(visit.type, "join"),
    }


def _has(kind: str, tasks: str) -> bool:
    return (folder("roles") / kind / "tasks" / f"{tasks}.yml").exists()


def _base(playbook: str, visits: Sequence[Visit], private: Path) -> dict[str, Any]:
    """What bare machines are made into ours with, where there are any."""
    if playbook != "configure" or all(visit.baked for visit in visits):
        return {}
    content, path = bare.bundle(settings.load()), private / "base.tar.gz"
    path.write_bytes(content)
    known = {"archive": str(path), "digest": bare.digest(content)}
    return {"conpaas_base": {**known, "machine": platform.machine(), "packages": bare.packages()}}


def _batches(visits: Sequence[Visit]) -> list[int]:
    """How many machines each batch has, in their order."""
    return [len(list(batch)) for _, batch in groupby(visits, key=lambda visit: visit.batch)]


def _environment(access: Access, forks: int) -> dict[str, str]:
    """What depends on this run; the rest is in playbooks/ansible.cfg."""
    return {
        **access.environment,
        "ANSIBLE_CONFIG": str(folder("playbooks") / "ansible.cfg"),
        "ANSIBLE_FORKS": str(max(1, min(forks, 50))),
        "ANSIBLE_SSH_ARGS": " ".join((*access.options(), "-o ControlMaster=auto", "-o ControlPersist=60s")),
        "ANSIBLE_SSH_CONTROL_PATH_DIR": str(access.folder / "cp"),
        "ANSIBLE_LOCAL_TEMP": str(access.folder / "ansible"),
        "ANSIBLE_NOCOLOR": "True",
        # ansible-playbook is beside the interpreter: the virtual environment need not be active.
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
    }


class _Watcher:
    """Turns ansible-runner's events into ours, and keeps what failed."""

    def __init__(self, listen: Listener) -> None:
        self._listen = listen
        self.failures: list[Failure] = []
        self.certificates: dict[str, Certificate] = {}
        self.host_keys: dict[str, str] = {}
        self.changed: dict[str, list[str]] = {}
        self.reached: set[str] = set()
        self.started = False
        self.said = ""

    def __call__(self, event: dict[str, Any]) -> bool:
        kind, data = event["event"], event.get("event_data", {})
        self.said += event.get("stdout", "")[:2000]
        node, task = data.get("host", ""), data.get("task", "")
        if data.get("task_action", "").endswith("include_role"):
            return False  # its tasks speak for themselves
        if kind == "runner_on_start":
            self.started = True
            self._listen(Event(task, "started", node))
        elif kind == "runner_on_ok":
            if signed := data.get("res", {}).get("certificate"):
                self.certificates[node] = certificate(signed)
            if task == HOST_KEY and (said := data.get("res", {}).get("stdout", "").strip()):
                self.host_keys[node] = said
            if data.get("res", {}).get("changed"):
                self.changed.setdefault(node, []).append(_change(task, data["res"]))
            self._listen(Event(task, "done", node))
        elif kind in ("runner_on_failed", "runner_on_unreachable") and not data.get("ignore_errors"):
            failure = _failure(node, task, data.get("res", {}), kind == "runner_on_unreachable")
            self.failures.append(failure)
            self._listen(Event(task, "failed", node, failure.reason))
        elif kind == "playbook_on_stats":
            self.reached = set(data.get("ok", ())) | set(data.get("changed", ()))
        return False  # nothing of it is written to disk


def _change(task: str, result: Mapping[str, Any]) -> str:
    """A task that changed something, and what, where it says so."""
    what = (*(file["path"] for file in result.get("files", ())), *result.get("steps", ()))
    return f"{task} ({', '.join(what)})" if what else task


def _failure(node: str, task: str, result: Mapping[str, Any], unreachable: bool) -> Failure:
    message = str(result.get("msg", "no message")).strip()
    reason, *more = message.splitlines() or [""]
    details = "\n".join(str(result[key]) for key in ("stdout", "stderr") if result.get(key))
    lines = [line for line in (*more, *details.splitlines()) if line.strip() and line.strip() not in reason]
    return Failure(node, FIRST_CONTACT if unreachable else task, reason, tuple(lines[-LAST_LINES:]))
