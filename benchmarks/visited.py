"""One `up`; prints as JSON what Ansible took, and on how many machines. Run as a program: visited.py MANIFEST BEGUN."""

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.traced import Clock
from conpaas_iac import settings
from conpaas_iac.machines.outcome import Outcome
from conpaas_iac.machines.ssh import Access
from conpaas_iac.machines.visit import Visit
from conpaas_iac.runs.events import Listener
from conpaas_iac.usecases import deployment
from conpaas_iac.usecases.wish import Request


@dataclass
class Counter(Clock):
    """A clock that adds up the runs of Ansible."""

    seconds: float = 0.0
    visits: int = 0

    def execute(self, playbook: str, visits: Sequence[Visit], access: Access, listen: Listener) -> Outcome:
        """What `up` is given instead of configure.run."""
        begun = time.monotonic()
        try:
            return super().execute(playbook, visits, access, listen)
        finally:
            self.seconds += time.monotonic() - begun
            self.visits += len(visits)


def main(manifest: str, begun: str) -> None:
    """Entry point."""
    clock = Counter(float(begun))
    clock.mark("python")
    deployment.up(
        Request(Path(manifest)), settings.load(), clock.hear, lambda plan, wish: clock.mark("plan"), clock.execute
    )
    clock.mark("end")
    print(json.dumps({"parts": clock.parts(), "ansible": clock.seconds, "visits": clock.visits}))


if __name__ == "__main__":
    main(*sys.argv[1:])
