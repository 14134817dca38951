"""Stand-in clouds, each founded once a module, and programs that use them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clouds.programs import Programs
from tests.standins import found
from tests.standins.lab import Lab


@pytest.fixture(scope="module")
def openstack() -> Iterator[Lab]:
    """An OpenStack with nothing in it but an image."""
    with found.cloud("openstack", "10.61.21.0/25") as lab:
        yield lab


@pytest.fixture
def programs(tmp_path: Path, openstack: Lab) -> Iterator[Programs]:
    """Programs on these clouds; what they made is removed at the end."""
    made = Programs(tmp_path, {"STANDIN_OPENSTACK": openstack.project, "OS_CLOUD": "standin"})
    try:
        yield made
    finally:
        made.destroy()
