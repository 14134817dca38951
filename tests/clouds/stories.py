"""Applications on stand-in clouds, used as a user would: through the command."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.e2e.conftest import Story, tell
from tests.standins import found, rest
from tests.standins.lab import Lab

OPENSTACK: dict[str, Any] = {"Provider": "openstack", "Range": "10.61.20.0/24", "SshFrom": ["10.61.20.1/32"]}


@contextmanager
def on_openstack(told: Story, lab: Lab) -> Iterator[tuple[Story, rest.Api]]:
    """The story, where OpenStack is the stand-in."""
    with rest.served(lab) as (api, variables):
        known = {"STANDIN_OPENSTACK": lab.project, "OS_CLIENT_CONFIG_FILE": "/dev/null", **variables}
        path = found.plugins_on_path(told.environment.get("PATH", os.environ["PATH"]))
        yield replace(told, environment={**told.environment, **known, "PATH": path}), api


@contextmanager
def story(folder: Path) -> Iterator[Story]:
    """Of a test of its own."""
    yield from tell(folder)
