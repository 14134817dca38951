"""openstacksdk itself, on the stand-in's API."""

import openstack as sdk
import pytest

from tests.standins import found, rest
from tests.standins.lab import Lab


def test_the_client_library_is_answered(openstack: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that our cloud file asks it for."""
    with rest.served(openstack) as (_, variables):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        cloud = sdk.connect()
        assert list(cloud.compute.servers()) == []
        assert {each.name: (each.vcpus, each.ram) for each in cloud.compute.flavors()}["m1.tiny"] == (1, 512)
        assert [each.name for each in cloud.image.images(name=found.DEBIAN)] == [found.DEBIAN]
        assert [each.name for each in cloud.network.networks(name="public")] == ["public"]
        assert cloud.compute.get_limits().absolute.instances == -1
