"""One `up` with a clock at every step; prints its parts as JSON. Run as a program: traced.py MANIFEST BEGUN."""

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from conpaas_iac import settings
from conpaas_iac.machines import configure
from conpaas_iac.machines.outcome import Outcome
from conpaas_iac.machines.ssh import Access
from conpaas_iac.machines.visit import Visit
from conpaas_iac.runs.events import Event, Listener
from conpaas_iac.usecases import deployment
from conpaas_iac.usecases.wish import Request

STEPS = ("machine", "ship", "settle", "verify", "drain", "remove")


@dataclass
class Clock:
    """Seconds since the process was asked for (`begun`, of time.time), and how long each step ran on any machine."""

    begun: float
    moments: dict[str, float] = field(default_factory=dict)
    running: dict[str, dict[str, float]] = field(default_factory=dict)  # step -> machine -> since
    counted: dict[str, float] = field(default_factory=dict)  # step -> up to when `took` holds it
    took: dict[str, float] = field(default_factory=dict)

    def now(self) -> float:
        """Since the beginning."""
        return time.time() - self.begun

    def mark(self, name: str) -> None:
        """That is now, if it is the first time."""
        self.moments.setdefault(name, self.now())

    def hear(self, event: Event) -> None:
        """A step of a machine begins or ends; a step that runs on several machines at once counts once."""
        self.mark(event.phase)
        running = self.running.setdefault(event.phase, {})
        if event.state == "started":
            for others in self.running.values():  # a step that was skipped does not end
                others.pop(event.node, None)
            running[event.node] = self.now()
        elif running:
            since = max(min(running.values()), self.counted.get(event.phase, 0.0))
            running.pop(event.node, None)
            self.counted[event.phase] = self.now()
            self.took[event.phase] = self.took.get(event.phase, 0.0) + self.counted[event.phase] - since

    def execute(self, playbook: str, visits: Sequence[Visit], access: Access, listen: Listener) -> Outcome:
        """What `up` is given instead of configure.run."""
        self.mark("ansible")
        return configure.run(playbook, visits, access, listen)

    def parts(self) -> dict[str, float]:
        """The whole, cut into what follows each other."""
        moments, took = self.moments, {step: self.took[step] for step in STEPS if step in self.took}
        ready = moments.get("ansible", moments["end"])
        parts = {"python": moments["python"], "plan": moments["plan"] - moments["python"]}
        parts["engine"] = ready - moments["plan"] - took.get("machine", 0.0)
        if "ship" in moments:
            parts["ansible start"] = moments["ship"] - ready
        parts |= took
        parts["rest"] = moments["end"] - sum(parts.values())
        return parts


def main(manifest: str, begun: str) -> None:
    """Entry point."""
    clock = Clock(float(begun))
    clock.mark("python")
    deployment.up(
        Request(Path(manifest)), settings.load(), clock.hear, lambda plan, wish: clock.mark("plan"), clock.execute
    )
    clock.mark("end")
    print(json.dumps(clock.parts()))


if __name__ == "__main__":
    main(*sys.argv[1:])
