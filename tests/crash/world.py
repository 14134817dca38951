"""One story's place: its cloud, its state, the tool in it, and the hand that kills."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingUnixStreamServer
from typing import Any

from conpaas_iac import lxd, settings, shipped
from conpaas_iac.system.files import private_folder
from tests.crash.cloud import Cloud
from tests.engine.conftest import programs

LONGEST = 180  # seconds that a command may take


@dataclass(frozen=True)
class Kill:
    """When, and whom. Either at the n-th thing that happens, or some time after the beginning."""

    victims: tuple[str, ...] = ()  # of "tool", "engine", "plugin", "all"
    tick: int = 0
    seconds: float = 0.0

    def __str__(self) -> str:
        when = f"at event {self.tick}" + (f" + {self.seconds * 1000:.0f} ms" if self.seconds else "")
        return f"{', '.join(self.victims)} {when if self.tick else f'after {self.seconds:.2f} s'}"


@dataclass
class Run:
    """How a command ended; `code` None: it was killed."""

    code: int | None
    error: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    ticks: int = 0
    last: str = ""  # the event at which it was killed
    killed: bool = False
    seconds: float = 0.0


class Zygote:
    """The tool, imported once."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.tool"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )

    def begin(self, order: dict[str, Any]) -> int:
        """The number of the process that carries it out."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def wait(self) -> None:
        """Until it has ended."""
        assert self._process.stdout
        assert self._process.stdout.readline() == "ended\n"

    def close(self) -> None:
        """No more orders."""
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait()


class World:
    """A context; everything that it made is gone afterwards."""

    def __init__(self, seed: str, zygote: Zygote) -> None:
        self.seed, self._zygote = seed, zygote
        self.folder = Path(tempfile.mkdtemp(prefix="crash-", dir="/dev/shm"))
        self.violations: list[str] = []
        self.values: dict[str, str] = {}  # version of a secret -> hash of its value
        self.kept: dict[str, str] = {}  # service -> its data, proved by a command that ended well
        self.left: dict[str, int] = {"processes": 0, "folders": 0}  # what killed runs left behind
        self._lock = threading.RLock()
        self._kill = Kill()
        self._run = Run(None)
        self._tool = 0
        self._folders: list[Path] = []
        self.cloud = Cloud(self.folder / "lxd.socket", seed, self._tick)

    def __enter__(self) -> "World":
        for found in programs(settings.load()):
            place = self.folder / "cache" / found.parent.name / found.name
            place.parent.mkdir(parents=True)
            place.symlink_to(found)
        roles = self.folder / "roles"
        roles.mkdir()
        for found in (*shipped.folder("roles").iterdir(), *(Path(__file__).parent / "roles").iterdir()):
            (roles / found.name).symlink_to(found.resolve())
        private_folder(self.folder / "app")
        self.cloud.__enter__()
        self._desk = _Desk(str(self.folder / "desk"), _handler(self))
        threading.Thread(target=self._desk.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.sweep()
        self._desk.shutdown()
        self._desk.server_close()
        self.cloud.__exit__()
        shutil.rmtree(self.folder)

    @property
    def manifest(self) -> Path:
        """Its place."""
        return self.folder / "app" / "manifest.json"

    @property
    def _environment(self) -> dict[str, str]:
        return {
            "CONPAAS_SETTINGS": str(self.folder / "settings.json"),
            "CONPAAS_STATE_DIR": str(self.folder / "state"),
            "CONPAAS_CACHE_DIR": str(self.folder / "cache"),
            "CONPAAS_RETRY_PAUSE": "0.02",
            "CONPAAS_LXD_SOCKET": str(self.folder / "lxd.socket"),
        }

    def run(self, kill: Kill, **order: Any) -> Run:
        """Carry a command out, or a part of it."""
        begun = time.monotonic()
        with self._lock:
            self._kill, self._run, self._tool = kill, Run(None), 0
            run = self._run
        known = {
            "environment": self._environment,
            "log": str(self.folder / "log"),
            "manifest": str(self.manifest),
            "roles": str(self.folder / "roles"),
            "socket": str(self.folder / "desk"),
        }
        with self._lock:
            self._tool = self._zygote.begin({**known, **order})
        timers = [threading.Timer(LONGEST, self._give_up, (run,))]
        if kill.victims and not kill.tick:
            timers.append(threading.Timer(kill.seconds, self._strike, (run, "")))
        for timer in timers:
            timer.daemon = True
            timer.start()
        self._zygote.wait()
        with self._lock:
            self._tool = 0  # its number may be another process' from now on
        for timer in timers:
            timer.cancel()
        run.seconds = time.monotonic() - begun
        return run

    def _give_up(self, run: Run) -> None:
        self.violations.append(f"no end after {LONGEST} s")
        self._strike(run, "", ("all",))

    # The hand that kills.

    def _tick(self, what: str) -> None:
        with self._lock:
            run = self._run
            run.ticks += 1
            if self._kill.tick and run.ticks == self._kill.tick:
                if self._kill.seconds:
                    timer = threading.Timer(self._kill.seconds, self._strike, (run, what))
                    timer.daemon = True
                    timer.start()
                else:
                    self._strike(run, what)

    def _strike(self, run: Run, what: str, victims: tuple[str, ...] = ()) -> None:
        with self._lock:
            if run is not self._run or run.code is not None:
                return
            found = self.processes()
            chosen = victims or self._kill.victims
            struck = [pid for pid, kind in found.items() if "all" in chosen or kind in chosen]
            for pid in struck:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            run.killed, run.last = bool(struck), what

    def processes(self) -> dict[int, str]:
        """Everything that belongs to this world: number -> "tool", "engine", "plugin" or its name."""
        mark = f"CONPAAS_STATE_DIR={self.folder / 'state'}\0".encode()
        found = {}
        for place in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                state = (place / "stat").read_text().rpartition(")")[2].split()[0]
                if mark in (place / "environ").read_bytes() and state != "Z":
                    line = (place / "cmdline").read_bytes()
                    name = (place / "comm").read_text().strip()
                    is_plugin = b"pulumi-resource-conpaas" in line
                    found[int(place.name)] = "plugin" if is_plugin else "engine" if name == "pulumi" else name
        if self._tool and Path(f"/proc/{self._tool}").exists():
            found[self._tool] = "tool"
        return found

    def sweep(self) -> None:
        """Remove, and count, what killed runs left; engine and plugins may take a moment to end."""
        deadline = time.monotonic() + 3
        while {"engine", "plugin"} & set(self.processes().values()) and time.monotonic() < deadline:
            time.sleep(0.02)
        for pid in self.processes():
            self.left["processes"] += 1
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        folders = [folder for folder in self._folders if folder.exists()]
        for folder in folders:
            self.left["folders"] += 1
            shutil.rmtree(folder, ignore_errors=True)
        self._folders.clear()

    # What the tool asks.

    def answer(self, question: dict[str, Any]) -> dict[str, Any]:
        """To one line of the tool's."""
        match question.pop("do"):
            case "tick":
                self._tick(question["what"])
            case "made":
                self._folders.append(Path(question["folder"]))
            case "visit":
                self._tick(f"before {question['step']} {question['node']}")
                with self._lock:
                    wrong = self._visit(**question)
                self._tick(f"after {question['step']} {question['node']}")
                return {"wrong": wrong}
            case "end":
                with self._lock:
                    self._run.code = question["code"]
                    self._run.error = question.get("error", "")
                    self._run.facts = question.get("facts", {})
        return {}

    def _visit(
        self,
        step: str,
        node: str,
        ip: str,
        keys: list[str],
        address: str,
        digest: str,
        needs: list[str],
        values: dict[str, str],
        founds: bool,
        groups: list[str],
        type: str,
    ) -> str:
        """What a step of a visit does to a machine; what is wrong, or nothing."""
        machine = self.cloud.running_at(ip)
        if machine is None:
            return "unreachable"
        if " ".join(self.cloud.booted[machine.name].split()[:2]) not in keys:
            return f"another host key than the one recorded: {machine.name} answers at {ip}"
        if machine.config.get(lxd.NODE) != node:
            self.violations.append(f"{machine.name} was visited as {node}")
            return "another machine"
        disk = self.cloud.disk(machine)
        for each, value in values.items():
            if self.values.setdefault(each, value) != value:
                self.violations.append(f"secret {each} has another value than before")
        if missing := set(needs) - set(values):
            return f"secrets without a value: {', '.join(sorted(missing))}"
        if disk.address not in ("", address):
            self.violations.append(f"{node} had the address {disk.address} and is told {address}")
        match step:
            case "begin":
                disk.address, disk.pending, disk.proved = address, digest, ""
            case "ship":
                disk.digest, disk.keys = digest, {each: values[each] for each in needs}
                disk.left = False
                if "store" in groups:
                    return self._data(machine.name, node.rpartition("-")[0], founds)
            case "verify":
                disk.proved = disk.digest
            case "confirm":
                disk.pending = ""
            case "leave":
                disk.left = True
        return ""

    def _data(self, name: str, service: str, founds: bool) -> str:
        """A member of a service that keeps data: it founds it, or gets it from another one."""
        disk = self.cloud.disk(self.cloud.machines[name])
        if disk.data:
            return ""
        holders = {
            self.cloud.disk(each).data
            for each in self.cloud.ours().values()
            if each.config[lxd.NODE].rpartition("-")[0] == service and self.cloud.disk(each).data
        }
        if founds:
            if self.kept.get(service, "") in holders:
                self.violations.append(f"{name} founds the data of {service} a second time")
            disk.data = os.urandom(4).hex()
            return ""
        if not holders:
            return "nobody to get the data from"
        disk.data = holders.pop()
        return ""


class _Desk(ThreadingUnixStreamServer):
    daemon_threads = True
    block_on_close = False


def _handler(world: World) -> type[StreamRequestHandler]:
    class Handler(StreamRequestHandler):
        def handle(self) -> None:
            with suppress(OSError, ValueError):
                for line in self.rfile:
                    answer = world.answer(json.loads(line))
                    self.wfile.write(json.dumps(answer).encode() + b"\n")

    return Handler


@contextmanager
def zygote() -> Iterator[Zygote]:
    """For a while."""
    made = Zygote()
    try:
        yield made
    finally:
        made.close()
