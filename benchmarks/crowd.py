"""Many machines on a cloud in memory, no Ansible: what the tool itself costs, beside the bare engine, and O(change).

Every command is a process of its own, from its start to its end; memory is the largest that each process was.
"""

import json
import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks import bare
from benchmarks.figure import Figure
from benchmarks.trial import PYTHON, ROOT, environment, stopwatch
from conpaas_iac import settings
from conpaas_iac.core.declaration import Declaration
from conpaas_iac.engine.engine import Engine
from conpaas_iac.system import processes
from tests.engine.conftest import programs
from tests.engine.fake_lxd import FakeLxd

SIZES = tuple(int(size) for size in os.environ.get("BENCH_MACHINES", "1,10,100,400").split(","))
TOOL = """
import json, os, sys
from conpaas_iac.system import supervisor
supervisor.begin()
from conpaas_iac import cli
from conpaas_iac.usecases import deployment
deployment.ensure_route = lambda settings: None
if sys.argv[1] == "up":
    from benchmarks.crowd import Counted
    deployment.up.__defaults__ = (Counted(),)
sys.exit(cli.run(sys.argv[1:]))
"""
NAME = "bench"


class Counted:
    """Stands where Ansible stands: confirms, and notes whom it was to visit."""

    def __call__(self, playbook: str, visits: object, access: object, listen: object) -> object:
        from tests.engine.conftest import Visits

        visited = Visits()
        outcome = visited(playbook, visits, access, listen)  # type: ignore[arg-type]
        with Path(os.environ["BENCH_VISITS"]).open("a") as file:
            file.writelines(f"{node}\n" for _, nodes in visited.seen for node in nodes)
        return outcome


@dataclass(frozen=True)
class Crowd:
    """An application of one service on a cloud of its own."""

    folder: Path
    cloud: FakeLxd
    environment: Mapping[str, str]

    def write(self, count: int) -> None:
        """Its manifest, with that many backends."""
        numbers = {"proxy": 1, "web": 1, "backend": count}
        service = {"Type": "php", "ServiceName": "web", "StartupInstances": numbers}
        (self.folder / "app" / "manifest.json").write_text(json.dumps({"Application": NAME, "Services": [service]}))

    def conpaas(self, verb: str) -> dict[str, float]:
        """Run a verb on the manifest; MB that tool, engine and plugin were at most."""
        return self._run([PYTHON, "-c", TOOL, verb, str(self.folder / "app" / "manifest.json")])

    def bare(self, declaration: Declaration, verb: str = "up") -> dict[str, float]:
        """The same machines without conpaas."""
        return self._run([PYTHON, "-m", "benchmarks.bare"], bare.order(self.folder / "bare", declaration, verb))

    def declared(self) -> Declaration:
        """What the application's stack holds, for a bare stack of its own."""
        engine = Engine.find(settings.load(self.environment), NAME, "default")
        assert engine
        return Declaration(f"{NAME}-bare", "default", "10.42.0.0/16", 1, engine.applied().machines)

    def visited(self) -> int:
        """Machines that were visited since this was asked last."""
        path = Path(self.environment["BENCH_VISITS"])
        nodes = path.read_text().split() if path.exists() else []
        path.unlink(missing_ok=True)
        return len(nodes)

    def _run(self, command: list[str], stdin: str = "") -> dict[str, float]:
        output = self.folder / "output"
        with output.open("w") as file:
            process = subprocess.Popen(
                command, env=self.environment, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=file, stderr=file
            )
            with _memory(process.pid) as found:
                process.communicate(stdin)
        if process.returncode:
            raise RuntimeError(f"{command[-2:]}: exit {process.returncode}\n{output.read_text()}")
        return found


@contextmanager
def _memory(root: int) -> Iterator[dict[str, float]]:
    """The largest of each kind of process below this one, and the largest sum of all at a time; MB, looked at often."""
    found: dict[str, float] = {}
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(0.05):
            total = 0.0
            for pid in (root, *processes.descendants(root)):
                with suppress(OSError, StopIteration):
                    kind = _kind(pid)
                    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
                    size = next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
                    found[kind] = max(found.get(kind, 0.0), size)
                    total += size
            found["all"] = max(found.get("all", 0.0), total)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield found
    finally:
        ended.set()
        thread.join()


def _kind(pid: int) -> str:
    line = Path(f"/proc/{pid}/cmdline").read_bytes()
    return "plugin" if b"pulumi-resource" in line else "engine" if b"pulumi" in line.split(b"\0")[0] else "tool"


@contextmanager
def crowd() -> Iterator[Crowd]:
    """An empty cloud; nothing of it is left at the end."""
    folder = Path(tempfile.mkdtemp(prefix="conpaas-bench-", dir="/dev/shm"))
    try:
        for found in programs(settings.load()):
            place = folder / "cache" / found.parent.name / found.name
            place.parent.mkdir(parents=True)
            place.symlink_to(found)
        (folder / "app").mkdir()
        own = {
            **{name: value for name, value in environment().items() if not name.startswith("CONPAAS_")},
            "CONPAAS_SETTINGS": str(folder / "settings.json"),
            "CONPAAS_STATE_DIR": str(folder / "state"),
            "CONPAAS_CACHE_DIR": str(folder / "cache"),
            "CONPAAS_LXD_SOCKET": str(folder / "lxd.socket"),
            "BENCH_VISITS": str(folder / "visits"),
            "PYTHONPATH": str(ROOT),
        }
        with FakeLxd(folder / "lxd.socket") as cloud:
            yield Crowd(folder, cloud, own)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def measure(runs: int) -> list[Figure]:
    """Each size is an application of its own; conpaas and the bare engine by turns."""
    figures: list[Figure] = []
    for size in SIZES:
        with crowd() as made:
            figures += _size(made, size, runs)
    return figures


def _size(made: Crowd, size: int, runs: int) -> list[Figure]:
    none, plan = Figure(f"`up`, no change, {size}", "1.5 bare"), Figure(f"`plan`, no change, {size}", "1.5 bare")
    one, visits = Figure(f"`up`, {size} + 1"), Figure(f"machines visited, {size} + 1", "2", unit="machines")
    memory = Figure(f"memory of `up`, no change, {size}", unit="MB")
    made.write(size)
    made.conpaas("up")
    made.visited()
    declaration = made.declared()
    made.bare(declaration)
    for _ in range(runs):
        with stopwatch(none.samples):
            used = made.conpaas("up")
        memory.samples.append(used.pop("all"))
        memory.parts.append(used)
        with stopwatch(none.bare):
            memory.bare.append(made.bare(declaration)["all"])
        with stopwatch(plan.samples):
            made.conpaas("plan")
        with stopwatch(plan.bare):
            made.bare(declaration, "preview")
    assert made.visited() == 0
    for extra in range(1, runs + 1) if 1 < size <= 100 else ():
        made.write(size + extra)
        with stopwatch(one.samples):
            made.conpaas("up")
        visits.samples.append(made.visited())
        more = made.declared()
        with stopwatch(one.bare):
            made.bare(more)
    return [none, plan, memory, *([one, visits] if one.samples else [])]
