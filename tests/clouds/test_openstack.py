"""An application on OpenStack alone, from nothing to nothing."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clouds import stories
from tests.clouds.stories import OPENSTACK
from tests.e2e.conftest import Story
from tests.standins import rest
from tests.standins.lab import Lab


@pytest.fixture
def story(tmp_path: Path, openstack: Lab) -> Iterator[tuple[Story, rest.Api]]:
    """A story whose OpenStack is the stand-in; removed while that is still there."""
    with stories.story(tmp_path) as told, stories.on_openstack(told, openstack) as (placed, api):
        try:
            yield placed, api
        finally:
            placed.remove()


def test_php_on_openstack(story: tuple[Story, rest.Api], openstack: Lab) -> None:
    told, _ = story
    told.write({"Clouds": {"uni": OPENSTACK}, "Services": [{"Type": "php", "ServiceName": "web", "Cloud": "uni"}]})
    print(told.conpaas("up", told.manifest))
    print(told.status())
    print(told.conpaas("plan", told.manifest))
    told.remove()
    assert openstack.servers() == {}
