"""What a user reads when OpenStack cannot do what a manifest asks for: before anything is made there."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.clouds import stories
from tests.clouds.stories import Clouds
from tests.standins.lab import Lab

WEB = {"Type": "php", "ServiceName": "web", "Cloud": "uni"}
PLACE = stories.PLACES["openstack"]


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory, openstack: Lab) -> Iterator[Clouds]:
    """One story for all of them: none makes anything."""
    with stories.told(tmp_path_factory.mktemp("faults"), openstack=openstack) as clouds:
        yield clouds


@pytest.mark.parametrize(
    ("settings", "quota", "variables", "said"),
    [
        ({"Image": "windows"}, {}, {}, "cloud uni: OpenStack has no image 'windows'"),
        ({"Flavors": {"small": "huge"}}, {}, {}, "cloud uni: OpenStack has no flavor 'huge'"),
        ({"ExternalNetwork": "moon"}, {}, {}, "cloud uni: OpenStack has no external network 'moon'"),
        ({"Range": "10.45.7.0/24"}, {}, {}, "10.45.7.0/24 overlaps the application's range"),
        ({}, {"instances": "0"}, {}, "cloud uni: the quota is short: 1 machine wanted, 0 of 0 left"),
        ({}, {"ram": "1023"}, {}, "1024 MiB of memory wanted, 1023 of 1023 left"),
        ({"Cloud": "das6"}, {}, {}, "Cloud das6 was not found"),
        ({"Region": "two"}, {}, {}, "Region two is not a valid region name"),
        ({}, {}, {"OS_PASSWORD": "old"}, "OpenStack does not take these credentials: wrong, or expired"),
        ({}, {}, {"OS_AUTH_URL": "http://127.0.0.1:9/v3"}, "127.0.0.1:9"),
    ],
)
def test_said_before_anything_is_made(
    here: Clouds, settings: dict[str, Any], quota: dict[str, str], variables: dict[str, str], said: str
) -> None:
    """In one line, with what to do about it."""
    lab, story = here.labs["openstack"], here.story
    before = dict(story.environment)
    story.write({"Clouds": {"uni": {**PLACE, **settings}}, "Network": stories.NETWORK, "Services": [WEB]})
    try:
        for name, value in quota.items():
            lab.set(f"quota.{name}", value)
        story.environment.update(variables)
        answer = story.conpaas("up", story.manifest, fails=3 if "OS_AUTH_URL" in variables else 1)
    finally:
        for name in quota:
            lab.set(f"quota.{name}", None)
        story.environment.update(before)
    assert said in answer
    assert "→" in answer or "error[" in answer
    assert (lab.servers(), lab.all("network"), lab.all("group")) == ({}, {}, {})
