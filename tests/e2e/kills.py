"""Commands on a real application, each killed somewhere, and what must be true after one plain `up` more.

`python -m tests.e2e.kills 30` plays that many on the WordPress example while its users go on; `--seed S` another story.
"""

import argparse
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.e2e import load, wordpress
from tests.e2e.conftest import CONPAAS, ROOT, Story, tell
from tests.e2e.dokuwiki import Visitor
from tests.e2e.machines import lxc, run
from tests.processes import gone_within, marked

# By the names that the kernel has for them, none for all; "conpaas" is all three processes of the tool.
ALWAYS = ((), ("conpaas",))
MAKING = (*ALWAYS, ("pulumi",), ("pulumi-resource",), ("conpaas", "pulumi"))
VISITING = (*ALWAYS, ("ansible-playboo",), ("ssh-agent",), ("conpaas", "ansible-playboo"))
# What a run says of itself; the kill follows, at once or a little later. "ship done" is before the unit's restart.
VISITED = ("ship started", "ship done", "settle started", "settle done", "verify started", "verify done")
MADE = ("machine started", "machine done", *VISITED)
GONE = ("leave started", "leave done", "remove started", "remove done")
# Waits until the machine has applied what others committed before: late is not lost.
STORED = ["mysql", "-N", "-e", "SET wsrep_sync_wait = 1; SELECT number FROM wordpress.numbers"]
STATE = ["mysql", "-N", "-e", "SHOW STATUS LIKE 'wsrep_l%'"]
LONGEST = 8.0  # seconds until a kill that follows no event
TIME = 300.0  # seconds that one command may take


@dataclass
class Played:
    """One command that was killed, and the one after it."""

    command: str
    kill: str
    killed: bool
    code: int | None
    mended: float  # seconds that the plain `up` took
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        name = re.sub(r"\S*/manifest.json", "manifest.json", self.command)
        end = f"exit {self.code}" if self.killed else f"exit {self.code}, nobody was there to be killed"
        text = f"`{name}`, killed: {self.kill} ({end}); then `up`: {self.mended:.1f} s"
        return "\n      ".join([text, *self.wrong])


class Kills:
    """`play` does the next; the same seed throws the same dice, but machines have times of their own."""

    def __init__(self, told: Story, running: load.Load, seed: int = 1) -> None:
        self._told, self._load = told, running
        self._dice = random.Random(f"kills {seed}")
        self._mark = f"CONPAAS_STATE_DIR={told.environment['CONPAAS_STATE_DIR']}"
        self._addresses: dict[str, str] = {}
        self._revision = 0
        self._look()

    def play(self) -> Played:
        """One command, its kill, one plain `up`, and a look at everything."""
        arguments, moments, renewed = self._next()
        moment = self._dice.choice((*moments, "", ""))
        victims = self._dice.choice(MAKING if moment.startswith(("machine", "remove")) else VISITING)
        later = self._dice.random() * (0.5 if moment else LONGEST)
        before = self._look()
        killed, code = self._killed(arguments, victims, moment, later)
        begun = time.monotonic()
        said = subprocess.run(
            [CONPAAS, "up", self._told.manifest],
            env=self._told.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        named = f"{'+'.join(victims) or 'all'} {later:.2f} s after {moment or 'its start'!r}"
        played = Played(" ".join(map(str, arguments)), named, killed, code, time.monotonic() - begun)
        if said.returncode or "Traceback" in said.stdout + said.stderr:
            played.wrong.append(f"up: exit {said.returncode}: {said.stdout[-1500:]}{said.stderr[-1500:]}")
        else:
            played.wrong += self._wrong(before, renewed)
        return played

    def _next(self) -> tuple[list[str | Path], tuple[str, ...], set[str]]:
        """A command, what happens in it, and the machines that may be other ones afterwards."""
        manifest, counts = self._told.manifest, self._counts()
        match self._dice.choice(("web", "web", "data", "replace", "replace", "change", "rotate")):
            case "web":
                count = 5 - counts["backend"]
                return ["scale", manifest, "blog", f"backend={count}"], MADE if count == 3 else GONE, set()
            case "data":
                count = 5 - counts["mysql"]
                return ["scale", manifest, "db", f"mysql={count}"], MADE if count == 3 else GONE, set()
            case "replace":
                node = self._dice.choice(["blog-2", "db-1", "db-2"])
                return ["replace", manifest, node], (*MADE, *GONE), {node}
            case "rotate":
                return ["secret", "rotate", self._told.name, "db"], VISITED, set()
        self._revision += 1
        document = json.loads(manifest.read_text())
        document["Services"][1]["Environment"] = {"REVISION": str(self._revision)}
        manifest.write_text(json.dumps(document, indent=2))
        return ["up", manifest], VISITED, set()

    def _counts(self) -> dict[str, int]:
        services = json.loads(self._told.manifest.read_text())["Services"]
        return {group: count for service in services for group, count in service["StartupInstances"].items()}

    def _killed(
        self, arguments: list[str | Path], victims: tuple[str, ...], moment: str, later: float
    ) -> tuple[bool, int | None]:
        """Whether somebody was there to be killed, and how the tool ended."""
        with tempfile.TemporaryDirectory() as folder:
            events = Path(folder) / "events"
            command = [CONPAAS, *map(str, arguments), "--events", str(events)]
            tool = subprocess.Popen(
                command, env=self._told.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                start_new_session=True,
            )  # fmt: skip
            _until(lambda: tool.poll() is not None or not moment or moment in _happened(events))
            with suppress(subprocess.TimeoutExpired):
                tool.wait(later)
            found = [pid for pid, name in marked(self._mark).items() if name in victims or not victims]
            for pid in found:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            code = tool.wait(TIME)
            return bool(found), code

    def _wrong(self, before: dict[str, dict[str, Any]], renewed: set[str]) -> list[str]:
        if not gone_within(5, self._mark):
            return [f"still running: {marked(self._mark)}"]
        wrong, now, name = [], self._look(), self._told.name
        counts = self._counts()
        wanted = {f"blog-{k}" for k in range(1, counts["backend"] + 1)} | {
            f"db-{k}" for k in range(1, counts["mysql"] + 1)
        }
        if set(now) != wanted:
            wrong.append(f"status knows {sorted(now)}, wanted are {sorted(wanted)}")
        if ill := {node: each["health"] for node, each in now.items() if not each["is_well"]}:
            wrong.append(f"not well: {ill}")
        machines = {each for each in self._told.left() if "--" in each}
        if machines != {f"{name}--{node}" for node in wanted}:
            wrong.append(f"the cloud has {sorted(machines)}")
        for node, each in now.items():
            if self._addresses.setdefault(node, each["address"]) != each["address"]:
                wrong.append(f"{node} had {self._addresses[node]}, has {each['address']}")
            former = before.get(node, {}).get("id", "")
            if node not in renewed and former not in ("", each["id"]):
                wrong.append(f"{node} is another machine than before")
        plan = subprocess.run(
            [CONPAAS, "plan", self._told.manifest, "--refresh", "--exit-code"],
            env=self._told.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if plan.returncode:
            wrong.append(f"another up would: {plan.stdout[-800:]}{plan.stderr[-800:]}")
        return wrong + self._lost(sorted(node for node in wanted if node.startswith("db-")))

    def _lost(self, members: list[str]) -> list[str]:
        """What was acknowledged before this look, and a machine has not."""
        acknowledged = set(self._load.acknowledged)
        found = []
        for node in members:
            stored = {int(line) for line in run(f"{self._told.name}--{node}", *STORED).split()}
            if missing := acknowledged - stored:
                state = run(f"{self._told.name}--{node}", *STATE).split()
                found.append(f"{node} lacks {len(missing)} of {len(acknowledged)} rows; {state}")
        return found

    def _look(self) -> dict[str, dict[str, Any]]:
        """Machines as status knows them, with the cloud's own ids."""
        said = subprocess.run(
            [CONPAAS, "status", self._told.name, "--format", "json"],
            env=self._told.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        listed = {each["name"]: each["config"]["volatile.uuid"] for each in json.loads(lxc("list", "--format", "json"))}
        nodes = json.loads(said.stdout)["nodes"]
        return {each["name"]: {**each, "id": listed.get(f"{self._told.name}--{each['name']}", "")} for each in nodes}


def _happened(events: Path) -> set[str]:
    """Moments that are past."""
    said = events.read_text() if events.exists() else ""
    return {f"{phase} {state}" for phase, state in re.findall(r'"phase":"([^"]+)","state":"([^"]+)"', said)}


def _until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + TIME
    while not holds():
        assert time.monotonic() < end, f"not within {TIME:.0f} s"
        time.sleep(0.02)


@contextmanager
def blog(folder: Path, prefix: str = "t") -> Iterator[Story]:
    """WordPress under a name of its own, installed, with the page that inserts numbers; removed at the end."""
    subprocess.run([ROOT / "examples/wordpress/fetch.sh"], check=True, capture_output=True)
    with contextmanager(tell)(folder, prefix) as told:
        told.take("wordpress")
        load.with_page(told.folder / "wordpress.tar.gz", told.folder / "wordpress.tar.gz")
        told.conpaas("up", told.manifest)
        url = told.status()["urls"]["blog"]
        wordpress.install(url, "The blog of a test")
        assert Visitor(url).open(f"{load.ADDRESS}?make=1") == "made"
        yield told


def main() -> int:
    """See above."""
    parser = argparse.ArgumentParser(prog="python -m tests.e2e.kills", description=__doc__)
    parser.add_argument("kills", nargs="?", type=int, default=30, help="how many")
    parser.add_argument("--seed", type=int, default=1)
    said = parser.parse_args()
    found, begun = [], time.monotonic()
    with tempfile.TemporaryDirectory() as folder, blog(Path(folder)) as told, visitors(told).running() as running:
        kills = Kills(told, running, said.seed)
        for number in range(1, said.kills + 1):
            played = kills.play()
            found.append(played)
            print(f"{number}. {played}", flush=True)
    bad = sum(bool(played.wrong) for played in found)
    failed = sum(bool(request.failure) for request in running.requests)
    mended = sorted(played.mended for played in found)
    print(
        f"{len(found)} kills ({sum(played.killed for played in found)} hit), {bad} not mended by one `up`; "
        f"`up` afterwards {mended[len(mended) // 2]:.1f} s (median), {mended[-1]:.1f} s (longest); "
        f"{len(running.acknowledged)} rows acknowledged; {failed} of {len(running.requests)} requests failed; "
        f"{time.monotonic() - begun:.0f} s in all"
    )
    return bool(bad)


def visitors(told: Story) -> load.Load:
    """One reader and one writer."""
    return load.Load(told.status()["urls"]["blog"], [load.Page("/", "The blog of a test")], readers=1, writers=1)


if __name__ == "__main__":
    sys.exit(main())
