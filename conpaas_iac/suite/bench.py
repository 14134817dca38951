"""The application that a type is tested with: made in a folder of its own, through the tool's own verbs, and removed.

Verbs run as processes, as a user's do: what they print is kept, and looked through for secrets.
"""

import json
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conpaas_iac import settings
from conpaas_iac.catalog import ServiceType
from conpaas_iac.core.declaration import Machine
from conpaas_iac.engine.engine import Engine
from conpaas_iac.errors import Interrupted, MachineError
from conpaas_iac.kit import trial as trials
from conpaas_iac.kit.trial import Counts, Trial
from conpaas_iac.kit.verdicts import Ran
from conpaas_iac.runs.events import Event
from conpaas_iac.runs.stream import Line
from conpaas_iac.runs.workers import INTERRUPTED, TOOL, Workers
from conpaas_iac.settings import Settings
from conpaas_iac.usecases import inspection, rotation
from conpaas_iac.usecases.inspection import View
from conpaas_iac.views.status import ApplicationStatus

ENVIRONMENT = "default"
LONGEST = 14  # of the type's name, in that of the application

Hear = Callable[[Event], None]


@dataclass
class Bench:
    """One application; `counts` are those that it was last brought to."""

    kind: ServiceType
    trial: Trial
    folder: Path
    application: str
    hear: Hear
    counts: Counts | None = None
    said: list[tuple[str, str]] = field(default_factory=list)  # (verb, all that it printed)

    @classmethod
    def of(cls, kind: ServiceType, trial: Trial, hear: Hear) -> "Bench":
        """In a new folder, with the files that the type brings."""
        application = f"types-test-{kind.name[:LONGEST]}-{secrets.token_hex(2)}"
        folder = Path(tempfile.mkdtemp(prefix=f"conpaas-{application}-"))
        if (own := kind.folder / "meta" / "test").is_dir():
            shutil.copytree(own, folder / "manifest")
        (folder / "manifest").mkdir(exist_ok=True)
        return cls(kind, trial, folder, application, hear)

    @property
    def manifest(self) -> Path:
        """Its manifest."""
        return self.folder / "manifest" / "manifest.json"

    @property
    def state(self) -> Path:
        """All that the tool keeps of it, in the clear or not."""
        return self.folder / "state"

    @property
    def service(self) -> str:
        """The name of the service that is tested."""
        return str(trials.tested(self.kind, self.trial)["ServiceName"])

    @property
    def environment(self) -> dict[str, str]:
        """Of verbs: nothing of the user's own applications is seen or touched, whatever their settings say."""
        own = {
            "STATE_DIR": str(self.state),
            "BACKEND": f"file://{self.state / 'backend'}",
            "SECRETS_PROVIDER": "passphrase",
            "DEFAULT_CLOUD": "lxd",
        }
        ours = {name: value for name, value in os.environ.items() if name != "CI"}  # the lock file may be written
        return {**ours, **{f"CONPAAS_{name}": value for name, value in own.items()}}

    @property
    def settings(self) -> Settings:
        """The same."""
        return settings.load(self.environment)

    def write(self, counts: Counts) -> None:
        """The manifest, with so many machines; its secret has a value before the first one."""
        if not self.manifest.exists():
            value = secrets.token_urlsafe(24)
            rotation.give(self.application, ENVIRONMENT, trials.SECRET, value, self.settings, self.hear)
        document = trials.manifest(self.kind, self.trial, self.application, counts)
        self.manifest.write_text(json.dumps(document, indent=2))
        self.counts = dict(counts)

    def up(self, *options: str) -> Ran:
        """`conpaas up` of the manifest as it is."""
        return self.verb("up", str(self.manifest), "--format", "json", *options)

    def verb(self, *words: str) -> Ran:
        """A verb that changes something; what happens is heard."""
        steps: dict[str, list[str]] = {}

        def hear(_: str, line: Line) -> None:
            if line.node and line.state != "planned":
                self.hear(Event(line.phase, line.state, line.node, line.text))
                if line.state == "done":
                    steps.setdefault(line.node, []).append(line.phase)

        done = Workers(TOOL, 1, hear, self.environment).run({words[0]: words})[words[0]]
        self.said.append((f"conpaas {words[0]}", done.printed + done.said))
        if done.code == INTERRUPTED:
            raise Interrupted("interrupted")
        changes = json.loads(done.printed)["plan"]["changes"] if words[0] == "up" and done.code == 0 else ()
        actions = {each["node"]: each["action"] for each in changes}
        return Ran(f"conpaas {words[0]}", done.code, done.said, steps, actions)

    def look(self, *words: str) -> None:
        """A verb that only looks, for what it prints."""
        command = [*TOOL, *words]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)
        self.said.append((f"conpaas {words[0]}", done.stdout + done.stderr))

    @contextmanager
    def view(self) -> Iterator[View]:
        """Its machines, as they are now."""
        with inspection.view(self.application, ENVIRONMENT, self.settings) as looked:
            yield looked

    def status(self) -> ApplicationStatus:
        """As `conpaas status` sees it."""
        return inspection.status_of(self.application, ENVIRONMENT, self.settings)

    def members(self, looked: View, group: str) -> list[Machine]:
        """Machines of the tested service that run a group, the first one first."""
        return [
            machine
            for machine in looked.applied.machines
            if machine.service == self.service
            and (known := looked.record.nodes.get(machine.node))
            and group in known.groups
        ]

    def exists(self) -> bool:
        """Whether anything of it may be there."""
        return Engine.find(self.settings, self.application, ENVIRONMENT) is not None

    def remove(self) -> None:
        """Machines, network, state and folder; raises MachineError saying what is left and how it goes."""
        if self.exists():
            services = {service["ServiceName"] for service in self._services()}
            losses = [f"--allow-data-loss={name}" for name in sorted(services)]
            ran = self.verb("down", self.application, "--yes", *losses)
            if ran.code:
                raise MachineError(f"{self.application} could not be removed:\n{ran.said.rstrip()}", remedy=self.way())
        shutil.rmtree(self.folder, ignore_errors=True)

    def way(self) -> str:
        """How it is removed by hand."""
        losses = "".join(f" --allow-data-loss={service['ServiceName']}" for service in self._services())
        return f"{self.prefix} conpaas down {self.application} --yes{losses}; rm -r {self.folder}"

    @property
    def prefix(self) -> str:
        """What makes a verb of the user's one of this application."""
        return f"CONPAAS_STATE_DIR={self.state} CONPAAS_BACKEND=file://{self.state / 'backend'}"

    def _services(self) -> Sequence[Mapping[str, Any]]:
        document = trials.manifest(self.kind, self.trial, self.application, self.counts or {})
        return [{"ServiceName": each["Type"], **each} for each in document["Services"]]
