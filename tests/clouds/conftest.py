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


@pytest.fixture(scope="module")
def aws() -> Iterator[Lab]:
    """A region of AWS, alike."""
    with found.cloud("aws", "10.61.31.0/25") as lab:
        yield lab


@pytest.fixture
def programs(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Programs]:
    """Programs on the clouds that the test uses; what they made is removed at the end."""
    keys = {"AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "none"}
    told = {"OS_CLOUD": "standin", "AWS_REGION": "eu-west-1", **keys}
    for name in {"aws", "openstack"} & set(request.fixturenames):
        told[f"STANDIN_{name.upper()}"] = request.getfixturevalue(name).project
    made = Programs(tmp_path, told)
    try:
        yield made
    finally:
        made.destroy()
