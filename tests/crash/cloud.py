"""A cloud in memory whose calls are slow, fail, lie about how they ended, and show machines late; all of it seeded."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conpaas_iac import lxd
from conpaas_iac.provider.lxd_instance import HOST_KEY
from tests.engine.fake_lxd import FakeLxd, Machine, Refused


@dataclass(frozen=True)
class Weather:
    """How likely things go wrong."""

    failing: float = 0.0  # calls that change something and do not do it
    lying: float = 0.0  # creations that are done and reported as failed
    slow: float = 0.0  # calls that take up to `delay` seconds
    delay: float = 0.03
    late: int = 0  # a new machine is in none of the next 0…late lists


@dataclass
class Disk:
    """What a machine keeps, as far as this test cares."""

    address: str = ""  # in the application's network
    digest: str = ""  # of the tree that was shipped
    pending: str = ""  # of a tree that was begun
    proved: str = ""  # of the tree that it works with
    keys: dict[str, str] = field(default_factory=dict)  # versions of secrets in that tree -> hash of the value
    data: str = ""  # which data it holds; a member of the founder's
    left: bool = False  # it was drained for good


class Cloud(FakeLxd):
    """`tick` hears of every call, before and after it was done."""

    def __init__(self, path: Path, seed: str, tick: Callable[[str], None]) -> None:
        super().__init__(path)
        self.weather = Weather()
        self.disks: dict[str, Disk] = {}  # by LXD's id of the machine
        self.booted: dict[str, str] = {}  # machine -> host key that its sshd answers with
        self._seed, self._tick = seed, tick
        self._calls: Counter[str] = Counter()
        self._chance = threading.Lock()
        self.add_foreign("foreign--web-1")

    def dice(self, what: str) -> random.Random:
        """The same for the same call of the same story, whatever happens beside it."""
        with self._chance:
            self._calls[what] += 1
            return random.Random(f"{self._seed} {what} {self._calls[what]}")

    def answer(self, method: str, path: str, query: dict[str, str], body: bytes, headers: Any) -> tuple[int, Any]:
        """See FakeLxd."""
        what = f"{method} {path.removeprefix('/1.0/')}"
        if path.startswith("/1.0/operations") or path == "/1.0":
            return super().answer(method, path, query, body, headers)
        self._tick(f"before {what}")
        dice = self.dice(what)
        if dice.random() < self.weather.slow:
            time.sleep(dice.random() * self.weather.delay)
        if method != "GET" and dice.random() < self.weather.failing:
            raise Refused(500, "the cloud has a bad day")
        found = super().answer(method, path, query, body, headers)
        self._tick(f"after {what}")
        return found

    def instance_create(self, query: Any, body: Any) -> tuple[int, Any]:
        """See FakeLxd."""
        dice, name = self.dice(f"create {body['name']}"), body["name"]
        lies = dice.random() < self.weather.lying
        self.faults.report[name], self.faults.create[name] = lies, not lies and dice.random() < self.weather.failing
        if self.weather.late:
            self.faults.late[name] = dice.randint(0, self.weather.late)
        with self._lock:
            found = super().instance_create(query, body)
            if name in self.machines and not self.machines[name].sshd:
                self.machines[name].ip = ""
                self.machines[name].ip = self._free_ip(name)
            return found

    def _free_ip(self, name: str) -> str:
        """One of the lowest ones: addresses of machines that are gone come back soon, under other machines."""
        with self._lock:
            taken = {machine.ip for machine in self.machines.values()}
            free = [ip for last in range(2, 250) if (ip := f"127.83.0.{last}") not in taken]
            return self.dice(f"ip of {name}").choice(free[:3])

    def state_put(self, name: str, query: Any, body: Any) -> tuple[int, Any]:
        """A machine that starts may have another address; its sshd keeps the key that was there."""
        machine = self._machine(name)
        if body["action"] == "start":
            if machine.sshd:
                raise Refused(400, "The instance is already running")
            if name in self.booted and self.dice(f"ip {name}").random() < 0.3:
                with self._lock:
                    machine.ip = self._free_ip(name)
            self.booted[name] = machine.files.get(f"{HOST_KEY}.pub", b"").decode()
        return super().state_put(name, query, body)

    def instance_delete(self, name: str, query: Any, body: Any) -> tuple[int, Any]:
        """See FakeLxd."""
        identifier = self._machine(name).config["volatile.uuid"]
        found = super().instance_delete(name, query, body)
        if name not in self.machines:
            self.disks.pop(identifier, None)
            self.booted.pop(name, None)
        return found

    # What the test and the stand-in for Ansible ask.

    def lose(self, name: str) -> None:
        """See FakeLxd."""
        self.disks.pop(self.machines[name].config["volatile.uuid"], None)
        self.booted.pop(name, None)
        super().lose(name)

    def disk(self, machine: Machine) -> Disk:
        """Of a machine; empty at first."""
        return self.disks.setdefault(machine.config["volatile.uuid"], Disk())

    def running_at(self, ip: str) -> Machine | None:
        """Who answers there."""
        return next((each for each in list(self.machines.values()) if each.ip == ip and each.sshd), None)

    def ours(self) -> dict[str, Machine]:
        """Name -> machine that some owner's tag is on."""
        return {name: each for name, each in self.machines.items() if lxd.OWNER in each.config}
