"""The real engine and the real provider plugin, on an LXD in memory; Ansible is a note of who was visited."""

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from conpaas_iac import settings
from conpaas_iac.backend.record import Certificate
from conpaas_iac.core import placeholders, quoting
from conpaas_iac.engine.engine import Engine
from conpaas_iac.errors import Failure
from conpaas_iac.host import engine, nebula
from conpaas_iac.machines.outcome import Outcome
from conpaas_iac.machines.ssh import Access
from conpaas_iac.machines.visit import Visit
from conpaas_iac.runs.events import Event, Listener
from conpaas_iac.usecases import deployment, lifecycle
from conpaas_iac.usecases.deployment import Result
from conpaas_iac.usecases.wish import Request
from tests.engine.fake_lxd import FakeLxd


@dataclass
class Visits:
    """Stands where Ansible stands: records, confirms, fails the nodes it is told to."""

    seen: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)  # (playbook, nodes)
    failing: dict[str, Failure] = field(default_factory=dict)
    at_visit: Any = None  # called at each

    def __call__(self, playbook: str, visits: Sequence[Visit], access: Access, listen: Listener) -> Outcome:
        if self.at_visit:
            self.at_visit(playbook, visits)
        for visit in visits:
            for file in visit.tree.files:
                placeholders.revealed(file.content, visit.secrets, quoting.FILTERS)  # fails where a value is missing
        self.seen.append((playbook, tuple(visit.node for visit in visits)))
        failures = tuple(self.failing[visit.node] for visit in visits if visit.node in self.failing)
        confirmed = tuple(visit.node for visit in visits if visit.node not in self.failing)
        return Outcome(confirmed, failures, {visit.node: self.sign() for visit in visits if visit.authority})

    def sign(self) -> Certificate:
        """A certificate of which all is remembered that the tool remembers."""
        now = datetime.now(UTC)
        return Certificate(uuid4().hex, now, now + timedelta(days=365))

    def fail(self, node: str) -> None:
        """The next visits of this node fail at verify."""
        self.failing[node] = Failure(node, "verify", "it answers 502", ("last line",))


@dataclass
class World:
    """One application, its cloud, and what was seen of the last run."""

    folder: Path
    lxd: FakeLxd
    visits: Visits
    name: str = "shop"
    events: list[Event] = field(default_factory=list)

    @property
    def settings(self) -> settings.Settings:
        """As the environment of this test says."""
        return settings.load()

    def write(self, *services: dict[str, Any], **fields: Any) -> Path:
        """The manifest; a service without a name is `web`."""
        path = self.folder / "manifest.json"
        known = {"Type": "php", "ServiceName": "web"}
        document = {"Application": self.name, "Services": [{**known, **each} for each in services], **fields}
        path.write_text(json.dumps(document, indent=2))
        return path

    def up(self, *services: dict[str, Any], locked: bool = False, every: bool = False, **fields: Any) -> Result:
        """Write the manifest, where services are given, and make it so; visits and events are those of this run."""
        if services:
            self.write(*services, **fields)
        self.visits.seen.clear()
        self.events.clear()
        self.lxd.calls.clear()
        request = Request(self.folder / "manifest.json", locked=locked, every=every)
        return deployment.up(request, self.settings, self.events.append, lambda plan, wish: None, execute=self.visits)

    def down(self, *may_lose: str) -> None:
        """Remove it."""
        lifecycle.down(self.name, "default", self.settings, self.events.append, may_lose)

    def engine(self) -> Engine:
        """Its stack."""
        found = Engine.find(self.settings, self.name, "default")
        assert found
        return found

    def applied(self) -> dict[str, Any]:
        """Machines of the checkpoint, by node."""
        return {machine.node: machine for machine in self.engine().applied().machines}

    def machine(self, node: str) -> str:
        """The name of a node's machine in LXD."""
        return f"{self.name}--{node}"


def backends(count: int) -> dict[str, Any]:
    """A web service with that many backends."""
    return {"StartupInstances": {"proxy": 1, "web": 1, "backend": count}}


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """An empty cloud and an application without a manifest yet."""
    yield from make(tmp_path, monkeypatch)


def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """State and cache of its own, with the programs of this user's cache in it."""
    for found in programs(settings.load()):
        place = tmp_path / "cache" / found.parent.name / found.name
        place.parent.mkdir(parents=True)
        place.symlink_to(found)
    monkeypatch.delenv("CI", raising=False)
    for name in ("BACKEND", "SECRETS_PROVIDER", "DEFAULT_CLOUD", "LXD_PROJECT", "LXD_POOL", "LXD_BRIDGE"):
        monkeypatch.delenv(f"CONPAAS_{name}", raising=False)
    monkeypatch.setenv("CONPAAS_SETTINGS", str(tmp_path / "settings.json"))
    monkeypatch.setenv("CONPAAS_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("CONPAAS_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("CONPAAS_LXD_SOCKET", str(tmp_path / "lxd.socket"))
    monkeypatch.setenv("CONPAAS_RETRY_PAUSE", "0.05")
    monkeypatch.setattr(deployment, "ensure_route", lambda settings: None)  # this machine's routes are not ours
    folder = tmp_path / "app"
    folder.mkdir()
    with FakeLxd(tmp_path / "lxd.socket") as fake:
        yield World(folder, fake, Visits())


def programs(user: settings.Settings) -> tuple[Path, Path]:
    """The folders of the engine and of the VPN's programs that set-up brought."""
    assert engine.find(user) and nebula.find(user), "programs are missing on this machine: conpaas setup"
    return engine.root(user), nebula.root(user)


@pytest.fixture
def in_thread() -> Iterator[Any]:
    """Run a call beside the test; the thread is awaited at the end."""
    threads: list[threading.Thread] = []

    def begin(call: Any, *arguments: Any) -> threading.Thread:
        def quiet() -> None:
            with suppress(Exception):
                call(*arguments)

        thread = threading.Thread(target=quiet)
        thread.start()
        threads.append(thread)
        return thread

    yield begin
    for thread in threads:
        thread.join(60)
