"""An application on OpenStack alone, from nothing to nothing."""

from pathlib import Path

from tests.clouds import stories
from tests.standins.lab import Lab


def test_from_nothing_to_nothing(tmp_path: Path, openstack: Lab) -> None:
    """Up, no changes after that, stopped, started, one machine more, lost and mended, down."""
    with stories.told(tmp_path, openstack=openstack) as here:
        story, web = here.story, {"Type": "php", "ServiceName": "web", "Cloud": "uni"}
        clouds = {"uni": stories.PLACES["openstack"]}
        story.write({"Clouds": clouds, "Network": stories.NETWORK, "Services": [web]})
        story.conpaas("up", story.manifest)
        assert story.status()["answers"] == {"web": "200"}
        assert "No changes" in story.conpaas("plan", story.manifest)
        before = openstack.servers()
        story.conpaas("stop", story.name)
        assert [each["status"] for each in openstack.servers().values()] == ["Stopped"]
        story.conpaas("start", story.name)
        assert story.status()["answers"] == {"web": "200"}
        assert openstack.servers().keys() == before.keys()
        story.conpaas("down", story.name, "--yes")
        assert openstack.servers() == {}
