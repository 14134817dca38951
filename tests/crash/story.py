"""A random story of commands, each killed somewhere, and what must be true after one plain command more."""

import json
import random
from dataclasses import dataclass, field
from typing import Any

from conpaas_iac import lxd
from tests.crash.cloud import Weather
from tests.crash.world import Kill, Run, World, Zygote

VICTIMS = (("all",), ("tool",), ("engine",), ("plugin",), ("engine", "plugin"), ("tool", "engine"))
CALM = Weather(slow=0.1, late=2)
STORM = Weather(failing=0.03, lying=0.04, slow=0.2, late=3)


@dataclass
class Service:
    """What the manifest says of one."""

    name: str
    kind: str
    counts: dict[str, int]
    without: set[int] = field(default_factory=set)
    revision: int = 0
    secret: bool = False

    @property
    def nodes(self) -> list[str]:
        """Names of its machines: the lowest numbers that are not left out."""
        numbers = (number for number in range(1, 100) if number not in self.without)
        return [f"{self.name}-{next(numbers)}" for _ in range(max(self.counts.values()))]

    def document(self) -> dict[str, Any]:
        """As it is written."""
        known: dict[str, Any] = {"Type": self.kind, "ServiceName": self.name, "StartupInstances": self.counts}
        if self.kind == "php":
            known["Environment"] = {"REVISION": str(self.revision)}
            if self.secret:
                known["Environment"]["API_KEY"] = {"Secret": "api"}
        if self.without:
            known["Without"] = [f"{self.name}-{number}" for number in sorted(self.without)]
        return known


@dataclass
class Step:
    """One command, what it is about, and what it may change."""

    verb: str
    order: dict[str, Any] = field(default_factory=dict)
    renewed: set[str] = field(default_factory=set)  # machines that may be other ones afterwards
    lost: set[str] = field(default_factory=set)  # services whose data may go
    said: str = ""


class Violated(Exception):
    """What is not as it should be."""


class Story:
    """`play` does the next step; the same seed tells the same story."""

    def __init__(self, seed: int, zygote: Zygote) -> None:
        self.seed = seed
        self.dice = random.Random(f"story {seed}")
        self.world = World(f"story {seed}", zygote)
        self.services: list[Service] = []
        self.addresses: dict[str, str] = {}
        self.held: set[str] = set()
        self.there = False  # whether it was ever seen to be up, and not taken down since
        self.versions: dict[str, int] = {}
        self.number = 0
        self.seconds = 0.0

    def play(self, say: Any = None) -> Run:
        """One step: the command that is killed, then the one that mends it all. Raises Violated."""
        self.number += 1
        dice = self.dice
        before = self._ids()
        step = self._next()
        staying = {node for service in self.services for node in service.nodes}
        before = {node: known for node, known in before.items() if node in staying}  # others may be new
        self._write()
        kill = self._kill(step)
        self.world.cloud.weather = STORM if dice.random() < 0.4 else CALM
        run = self.world.run(kill, verb=step.verb, **step.order)
        if say:
            end = f"killed at {run.last!r}" if run.killed else f"ended {run.code} {run.error}"
            say(f"  {self.number}. {step.said or step.verb} {step.order or ''} kill {kill}: {end} ({run.ticks} events)")
        if step.verb == "down":
            self.world.values.clear()  # who comes after it may have secrets of its own, the same on all machines
        mend = self._mend(step)
        self._write()
        self.world.cloud.weather = CALM
        mended, waits = self._plainly(mend)
        if say:
            say(f"     then {mend.verb}: {mended.code} {mended.error} ({mended.ticks} events, {waits} waits)")
        self.world.sweep()
        self._check(step, mend, mended, before)
        self.seconds += run.seconds + mended.seconds
        return run

    def _plainly(self, mend: Step) -> tuple[Run, int]:
        """One plain command; who still holds the application after a kill is waited for."""
        waits = 0
        while True:
            run = self.world.run(Kill(), verb=mend.verb, facts=True, **mend.order)
            if run.code != 4 or waits > 40:
                return run, waits
            waits += 1

    def _ids(self) -> dict[str, str]:
        return {each.config[lxd.NODE]: each.config["volatile.uuid"] for each in self.world.cloud.ours().values()}

    def _write(self) -> None:
        document = {"Application": "shop", "Services": [each.document() for each in self.services]}
        self.world.manifest.write_text(json.dumps(document, indent=2))

    # What comes next.

    def _next(self) -> Step:
        dice = self.dice
        if not self.services:
            self.services = [Service("web", "php", {"proxy": 1, "web": 1, "backend": dice.randint(1, 3)})]
            if dice.random() < 0.7:
                self.services.append(Service("db", "store", {"store": dice.randint(1, 3)}))
            if dice.random() < 0.3:
                self.services[0].secret = True
                self.versions["api"] = 0
                return Step("give", {"secret": "api", "value": "a b'c"})
        if not self.there:
            return Step("up", said="up")
        choices = {
            "scale": 5, "without": 2, "replace": 2, "rotate": 3, "stop": 1.5, "start": 1, "remove": 1, "add": 1.5,
            "down": 1, "change": 1.5, "lose": 1.5, "halt": 1, "nothing": 0.3,
        }  # fmt: skip
        while True:
            name = dice.choices(list(choices), list(choices.values()))[0]
            if step := getattr(self, f"_{name}")():
                step.said = step.said or name
                return step

    def _scale(self) -> Step | None:
        service = self.dice.choice(self.services)
        group = self.dice.choice(list(service.counts))
        before = service.counts[group]
        count = max(1, before + self.dice.choice([-2, -1, 1, 1, 2]))
        if count == before or (service.kind == "store" and before >= 3 > count):
            return None
        service.counts[group] = count
        return Step("up", said=f"{service.name} {group}={count}")

    def _without(self) -> Step | None:
        service = self.dice.choice(self.services)
        if service.without or len(service.nodes) < 2:
            if service.without and self.dice.random() < 0.5 and service.kind == "php":
                service.without = set()
                return Step("up", said=f"{service.name} with all again")
            return None
        number = int(self.dice.choice(service.nodes).rpartition("-")[2])
        service.without = {number}
        if self.dice.random() < 0.5:
            top = max(service.counts.values())
            if service.kind == "php" or top > 1:
                service.counts = {group: max(1, min(count, top - 1)) for group, count in service.counts.items()}
        return Step("up", {"may_lose": [service.name]}, said=f"without {service.name}-{number}")

    def _replace(self) -> Step | None:
        service = self.dice.choice(self.services)
        if service.name in self.held or (service.kind == "store" and len(service.nodes) < 2):
            return None
        node = self.dice.choice(service.nodes)
        return Step("up", {"replaced": [node]}, {node}, said=f"replace {node}")

    def _rotate(self) -> Step | None:
        names = [name for name in self.versions if self.versions[name]]
        return Step("rotate", {"secret": self.dice.choice(names)}) if names else None

    def _stop(self) -> Step | None:
        return Step("stop", {"service": self.dice.choice(["", *(each.name for each in self.services)])})

    def _start(self) -> Step | None:
        return Step("start", {"service": ""}) if self.held else None

    def _remove(self) -> Step | None:
        if len(self.services) < 2:
            return None
        service = self.dice.choice(self.services)
        self.services.remove(service)
        return Step("up", {"may_lose": [service.name]}, lost={service.name}, said=f"remove {service.name}")

    def _add(self) -> Step | None:
        names = {"web": "php", "db": "store", "shop": "php"}
        free = [name for name in names if name not in {each.name for each in self.services}]
        if not free:
            return None
        name = self.dice.choice(free)
        counts = {"store": 1} if names[name] == "store" else {"proxy": 1, "web": 1, "backend": self.dice.randint(1, 2)}
        self.services.append(Service(name, names[name], counts))
        return Step("up", said=f"add {name}")

    def _down(self) -> Step | None:
        every = {each.name for each in self.services}
        return Step("down", {"may_lose": sorted(every)}, set(self._ids()), every)

    def _change(self) -> Step | None:
        service = self.dice.choice(self.services)
        service.revision += 1
        return Step("up", said=f"change {service.name}") if service.kind == "php" else None

    def _lose(self) -> Step | None:
        service = self.dice.choice(self.services)
        if service.name in self.held or (service.kind == "store" and len(service.nodes) < 2):
            return None
        node = self.dice.choice(service.nodes)
        self.world.cloud.lose(f"shop--{node}")
        return Step("up", renewed={node}, said=f"up after the loss of {node}")

    def _halt(self) -> Step | None:
        service = self.dice.choice(self.services)
        if service.name in self.held:
            return None
        node = self.dice.choice(service.nodes)
        self.world.cloud.halt(f"shop--{node}")
        return Step("up", said=f"up after a halt of {node}")

    def _nothing(self) -> Step | None:
        return Step("up")

    def _kill(self, step: Step) -> Kill:
        dice = self.dice
        victims = dice.choice(VICTIMS)
        if dice.random() < 0.3:
            return Kill(victims, 0, dice.random() * 1.2)
        likely = {"up": 90, "rotate": 70, "down": 40, "stop": 14, "start": 30, "give": 8}[step.verb]
        delay = dice.choice([0.0, 0.0, dice.random() * 0.05])
        return Kill(victims, 1 + int(likely * dice.random() ** 1.3), delay)

    def _mend(self, step: Step) -> Step:
        """Mostly the plain `up`; sometimes the user wants something else by now."""
        if step.verb == "down":
            over = self.dice.random() < 0.6
            if over or any(each.secret for each in self.services):  # for `up` the user would have to give it again
                return Step("down", step.order)
            return Step("up", {})
        if step.verb == "give":
            return step
        if step.verb == "up" and not self.there and self.dice.random() < 0.1:
            return Step("down", {"may_lose": [each.name for each in self.services]})
        if step.verb == "up" and self.dice.random() < 0.1:
            more = self.dice.choice(self.services)
            more.counts[self.dice.choice(list(more.counts))] += 1
        order = {"may_lose": step.order["may_lose"]} if "may_lose" in step.order else {}
        return Step("up", order)

    # What must be true.

    def _check(self, step: Step, mend: Step, run: Run, before: dict[str, str]) -> None:
        wrong = list(self.world.violations)
        facts = run.facts
        if mend.verb == "down":
            if run.code and "no application" not in run.error:
                wrong.append(f"down ended {run.code}: {run.error}")
            wrong += self._nothing_left(facts)
            self.there, self.held, self.versions = False, set(), dict.fromkeys(self.versions, 0)
            self.services = [each for each in self.services if not each.secret]
            self.world.kept.clear()
            self.world.values.clear()
        elif run.code:
            wrong.append(f"{mend.verb} ended {run.code}: {run.error}")
        elif mend.verb == "up":
            wrong += self._as_it_should_be(step, facts, before)
            self.there = True
        else:
            self.versions["api"] = 1
        if wrong:
            raise Violated("\n    ".join(wrong))

    def _nothing_left(self, facts: dict[str, Any]) -> list[str]:
        wrong = [f"orphan: {name}" for name in self.world.cloud.ours()]
        wrong += ["a stack is left"] if facts.get("stack") else []
        wrong += [f"left in the backend: {name}" for name in facts.get("documents", ())]
        return wrong

    def _as_it_should_be(self, step: Step, facts: dict[str, Any], before: dict[str, str]) -> list[str]:
        wrong: list[str] = []
        cloud, there = self.world.cloud, facts["record"]

        def want(is_so: object, said: str) -> None:
            if not is_so:
                wrong.append(said)

        self.held = set(there["held"])
        wanted = {node: each.name for each in self.services for node in each.nodes}
        machines = {each.config[lxd.NODE]: each for each in cloud.ours().values()}
        want(len(machines) == len(cloud.ours()), f"duplicates: {sorted(cloud.ours())}")
        want("foreign--web-1" in cloud.machines, "somebody else's machine is gone")
        gone = {node for node, service in wanted.items() if node not in machines and service in self.held}
        orphans = set(machines) - set(wanted)
        want(not {each for each in orphans if each.rpartition("-")[0] not in self.held}, f"orphans: {sorted(orphans)}")
        want(set(wanted) - gone <= set(machines), f"missing: {sorted(set(wanted) - set(machines))}")
        known = facts["applied"]
        # What a half done `down` took from a service that is held comes back when it starts.
        resting = {node for node in known if node.rpartition("-")[0] in self.held}
        want(known.keys() - resting == machines.keys() - resting, f"checkpoint {[*known]}, cloud {[*machines]}")
        want(machines.keys() <= known.keys(), f"unknown to the checkpoint: {sorted(machines.keys() - known.keys())}")
        want(not facts["plan"], f"another up would: {facts['plan']}")
        want(not facts["pending"], f"pending in the checkpoint: {facts['pending']}")
        want(not facts["deleting"], f"to be deleted in the checkpoint: {facts['deleting']}")
        want(set(there["visiting"]) <= resting, f"still visiting: {there['visiting']}")
        for node, machine in machines.items():
            service, identifier = wanted.get(node, node.rpartition("-")[0]), machine.config["volatile.uuid"]
            want(machine.config[lxd.OWNER] == facts["owner"], f"{node} has another owner")
            want(facts["ids"].get(node) == identifier, f"{node}: the checkpoint has another id")
            address = known.get(node, "")
            former = self.addresses.setdefault(node, address)
            want(former == address, f"{node} had {former}, has {address}")
            if node in before and node not in step.renewed and service not in step.lost:
                want(before[node] == identifier, f"{node} is another machine than before")
            if service in self.held:
                want(not machine.sshd, f"{node} runs, and its service is held")
                continue
            disk = cloud.disk(machine)
            want(machine.sshd, f"{node} does not run")
            want(not disk.left, f"{node} was drained for good, and stays")
            want(disk.address == str(address).partition("/")[0], f"{node} was told the address {disk.address}")
            want(there["nodes"].get(node) == [identifier, disk.digest], f"{node}: record and machine disagree")
            want(disk.proved == disk.digest and not disk.pending, f"{node}: not proved to work with what it has")
            accepted = {f"{name}@{each}" for name, versions in there["secrets"].items() for each in versions}
            want(disk.keys.keys() <= accepted, f"{node} uses {sorted(disk.keys)}, known are {sorted(accepted)}")
            for key, value in disk.keys.items():
                want(self.world.values.setdefault(key, value) == value, f"{node} has another value of {key}")
        forgotten = set(there["nodes"]) - set(machines) - resting
        want(not forgotten, f"the record knows {sorted(forgotten)}")
        wrong += self._secrets(facts) + self._kept(step)
        return wrong

    def _secrets(self, facts: dict[str, Any]) -> list[str]:
        wrong, known = [], facts["record"]["secrets"]
        for name, versions in known.items():
            if len(versions) != 1:
                wrong.append(f"secret {name} has versions {versions}")
            if versions[-1] < self.versions.get(name, 0):
                wrong.append(f"secret {name} was at {self.versions[name]}, is at {versions[-1]}")
            self.versions[name] = versions[-1]
        for name in [name for name in self.versions if name not in known]:
            del self.versions[name]
        accepted = {f"{name}@{each}" for name, versions in known.items() for each in versions}
        if accepted != set(facts["secrets"]):
            wrong.append(f"the stack holds secrets {facts['secrets']}, the record {sorted(accepted)}")
        return wrong

    def _kept(self, step: Step) -> list[str]:
        wrong, cloud = [], self.world.cloud
        for name in step.lost:
            self.world.kept.pop(name, None)
        for service in self.services:
            if service.kind != "store" or service.name in self.held:
                continue
            named = (f"shop--{node}" for node in service.nodes)
            found = {cloud.disk(cloud.machines[name]).data for name in named if name in cloud.machines}
            if len(found) != 1 or self.world.kept.get(service.name, *found) not in found:
                wrong.append(f"data of {service.name}: {found}, was {self.world.kept.get(service.name)}")
            else:
                [self.world.kept[service.name]] = found
        return wrong
