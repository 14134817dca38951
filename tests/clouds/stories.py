"""Applications on stand-in clouds, used as a user would: through the command."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.e2e.conftest import Story, tell
from tests.standins import ec2, found, rest
from tests.standins.lab import Lab

# Places as manifests name them; machines see this host, which the tool runs on, at the first address of their network.
PLACES: dict[str, dict[str, Any]] = {
    "aws": {
        "Provider": "aws", "Region": "eu-west-1", "Range": "10.61.30.0/24", "SshFrom": ["10.61.30.1/32"],
    },
    "openstack": {"Provider": "openstack", "Range": "10.61.20.0/24", "SshFrom": ["10.61.20.1/32"]},
}  # fmt: skip
NETWORK = {"Range": "10.45.0.0/16"}  # apart from those


@dataclass(frozen=True)
class Clouds:
    """A story, and what stands behind the clouds of its manifest."""

    story: Story
    labs: dict[str, Lab]

    def machines(self) -> dict[str, list[str]]:
        """Cloud -> names of the machines that are there."""
        return {name: sorted(each["hostname"] for each in lab.servers().values()) for name, lab in self.labs.items()}

    def run(self, cloud: str, node: str, *command: str) -> str:
        """A command as root on a machine; what it printed."""
        lab = self.labs[cloud]
        key = next(key for key, each in lab.servers().items() if each["hostname"].endswith(f"--{node}"))
        line = ["lxc", "--project", lab.project, "exec", key, "-T", "--", *command]
        return subprocess.run(line, check=True, capture_output=True, text=True).stdout


@contextmanager
def told(folder: Path, **labs: Lab) -> Iterator[Clouds]:
    """A story on these clouds; it is removed while they are still there."""
    with ExitStack() as stack:
        story = next(iter_of := tell(folder))
        stack.callback(lambda: next(iter_of, None))
        known: dict[str, str] = {}
        for name, lab in labs.items():
            api = {"aws": ec2, "openstack": rest}[name]
            known |= {f"STANDIN_{name.upper()}": lab.project, **stack.enter_context(api.served(lab))[1]}
        path = found.plugins_on_path(story.environment.get("PATH", os.environ["PATH"]))
        private = {"OS_CLIENT_CONFIG_FILE": "/dev/null", **known, "PATH": path}
        placed = replace(story, environment={**story.environment, **private})
        stack.callback(placed.remove)
        yield Clouds(placed, labs)
