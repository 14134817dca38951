"""What is done to machines behind the tool's back, and seen there."""

import json
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from shlex import join, quote

from conpaas_iac.clouds import Reach
from conpaas_iac.core.declaration import Machine
from conpaas_iac.errors import Failure, MachineError
from conpaas_iac.kit.verdicts import Leak
from conpaas_iac.suite.bench import Bench
from conpaas_iac.usecases.inspection import SilentError, View, ssh_command

LEAKS = Path(__file__).parents[1] / "guest" / "leaks.py"
PATIENCE = 60.0  # seconds for what a machine is told
POWER_OFF = "systemctl poweroff --force --force"  # at once: nothing is stopped, nothing more is written
KINDS = {"arguments": "arguments of a process", "file": "a file that everybody may read", "log": "a log"}

Runs = Mapping[str, Mapping[str, str]]  # machine -> unit -> which run of it this is


def tell(looked: View, machine: Machine, command: str) -> None:
    """Run a command there that must succeed; raises MachineError."""
    try:
        looked.ask(machine.node, command, "", PATIENCE)
    except SilentError as error:
        failure = Failure(machine.node, command, str(error))
        raise MachineError(f"{machine.node}: {command}: {error}", (failure,)) from error


def is_active(looked: View, machine: Machine, unit: str) -> bool:
    """Whether a unit runs."""
    return looked.run(machine.node, f"systemctl is-active --quiet -- '{unit}'").returncode == 0


def runs(looked: View) -> Runs:
    """Which run of each unit this is: another one has another number, a reload another moment."""
    with ThreadPoolExecutor(8) as pool:
        return dict(pool.map(lambda machine: (machine.node, _runs(looked, machine)), looked.applied.machines))


def _runs(looked: View, machine: Machine) -> dict[str, str]:
    known = looked.record.nodes.get(machine.node)
    units = [unit for unit in (known.units if known else ()) if not unit.endswith(".timer")]
    if not units or looked.reach(machine) is None:
        return {}
    shown = "-p InvocationID,StateChangeTimestampMonotonic"
    said = looked.run(machine.node, f"systemctl show {shown} -- {join(units)}").stdout
    return dict(zip(units, said.strip().split("\n\n"), strict=False))


def restarted(before: Runs, after: Runs) -> dict[str, list[str]]:
    """Machine -> units that are not in the run that they were in."""
    found = {node: [unit for unit, run in units.items() if after.get(node, {}).get(unit) != run]
             for node, units in before.items()}  # fmt: skip
    return {node: units for node, units in found.items() if units}


def cut(bench: Bench, looked: View, machine: Machine) -> None:
    """Take its power away."""
    with suppress(subprocess.TimeoutExpired):
        looked.run(machine.node, POWER_OFF, seconds=PATIENCE)
    cloud = Reach(looked.applied.places, bench.settings)[machine.cloud]
    end = time.monotonic() + PATIENCE
    while any(seen.node == machine.node and seen.running for seen in cloud.inventory(looked.applied.owner)):
        if time.monotonic() > end:
            raise MachineError(f"{machine.node} does not lose its power within {PATIENCE:.0f} s")
        time.sleep(0.2)  # between two looks at the cloud


def lose(bench: Bench, looked: View, machine: Machine) -> None:
    """Take the machine itself away."""
    Reach(looked.applied.places, bench.settings)[machine.cloud].remove([looked.seen[machine.node].name])


@contextmanager
def watched(looked: View) -> Iterator[list[Leak]]:
    """Look for secrets on all machines; of arguments, also for those that are there for a moment only."""
    asked = {name.rpartition("@")[0]: value for name, value in looked.secrets.items()}
    command = f"python3 -I -c {quote(LEAKS.read_text())}"
    environment = {"PATH": "/usr/bin:/bin", **looked.access.environment}
    found: list[Leak] = []
    with ThreadPoolExecutor(8) as pool:
        watchers = [
            (machine, _begun(ssh_command(looked.access, looked.seen[machine.node].ip, command), environment, asked))
            for machine in looked.applied.machines
            if looked.reach(machine)
        ]
        try:
            yield found
        finally:
            for leaks in pool.map(lambda each: _leaks(*each), watchers):
                found += leaks


def _begun(command: Sequence[str], environment: Mapping[str, str], asked: Mapping[str, str]) -> "subprocess.Popen[str]":
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
    assert process.stdin
    process.stdin.write(json.dumps(asked) + "\n")
    process.stdin.flush()
    return process


def _leaks(machine: Machine, process: "subprocess.Popen[str]") -> list[Leak]:
    try:
        said, why = process.communicate(timeout=2 * PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        said, why = process.communicate()
    if process.returncode:
        last = (why.strip().splitlines() or ["no answer"])[-1]
        raise MachineError(f"{machine.node} could not be looked through for secrets: {last}")
    return [Leak(f"{machine.node}, {KINDS[kind]}", what, name) for kind, what, name in json.loads(said)]


def on_this_side(bench: Bench, secrets: Mapping[str, str]) -> Iterator[Leak]:
    """In what verbs printed, and in what the tool keeps."""
    values = {name.rpartition("@")[0]: value for name, value in secrets.items() if value}
    for verb, text in bench.said:
        yield from (Leak("output", verb, name) for name, value in values.items() if value in text)
    for path in sorted(bench.state.rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            found = (name for name, value in values.items() if value.encode() in content)
            yield from (Leak("the state", str(path.relative_to(bench.state)), name) for name in found)
