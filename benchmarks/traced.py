"""One `up` with a clock at every step; prints its parts as JSON. Run as a program: traced.py MANIFEST BEGUN."""

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from conpaas_iac import configure, deployment, settings
from conpaas_iac.configure import Outcome, Visit
from conpaas_iac.events import Event, Listener
from conpaas_iac.ssh import Access
from conpaas_iac.wish import Request

STEPS = ("machine", "ship", "settle", "verify")


@dataclass
class Clock:
    """Moments, as seconds since the process was asked for (`begun`, of time.time)."""

    begun: float
    first: dict[str, float] = field(default_factory=dict)
    last: dict[str, float] = field(default_factory=dict)

    def mark(self, name: str) -> None:
        """That is now."""
        moment = time.time() - self.begun
        self.first.setdefault(name, moment)
        self.last[name] = moment

    def hear(self, event: Event) -> None:
        """A step of a machine begins or ends."""
        self.mark(event.phase)

    def execute(self, playbook: str, visits: Sequence[Visit], access: Access, listen: Listener) -> Outcome:
        """What `up` is given instead of configure.run."""
        self.mark("ansible")
        outcome = configure.run(playbook, visits, access, listen)
        self.mark("ansible")
        return outcome

    def parts(self) -> dict[str, float]:
        """The whole, cut into what follows each other."""
        took = {step: self.last[step] - self.first[step] for step in STEPS if step in self.first}
        parts = {"python": self.first["python"], "plan": self.first["plan"] - self.first["python"]}
        ready = self.first.get("ansible", self.last["end"])
        parts["engine"] = ready - self.first["plan"] - took.get("machine", 0.0)
        if "ship" in self.first:
            parts["ansible start"] = self.first["ship"] - ready
        parts |= took
        parts["rest"] = self.last["end"] - sum(parts.values())
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
