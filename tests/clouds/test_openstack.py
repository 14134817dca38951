"""An application on OpenStack alone, from nothing to nothing."""

from pathlib import Path

from tests.clouds import stories
from tests.standins.lab import Lab
from tests.standins.plugin import ask_fault


def test_from_nothing_to_nothing(tmp_path: Path, openstack: Lab) -> None:
    """Cut off after a server was made; then up, with that server gone, stopped and started, made anew, and down."""
    with stories.told(tmp_path, openstack=openstack) as here:
        story, web = here.story, {"Type": "php", "ServiceName": "web", "Cloud": "uni"}
        clouds = {"uni": stories.PLACES["openstack"]}
        story.write({"Clouds": clouds, "Network": stories.NETWORK, "Services": [web]})
        ask_fault(openstack, "openstack:compute/instance:Instance", "late")
        assert "timeout while waiting for state" in story.conpaas("up", story.manifest, fails=3)
        (stray,) = openstack.servers()
        story.conpaas("up", story.manifest)
        assert story.status()["answers"] == {"web": "200"}
        assert len(openstack.servers()) == 1
        assert stray not in openstack.servers()
        assert "No changes" in story.conpaas("plan", story.manifest)
        before = openstack.servers()
        story.conpaas("stop", story.name)
        assert [each["status"] for each in openstack.servers().values()] == ["Stopped"]
        story.conpaas("start", story.name)
        assert story.status()["answers"] == {"web": "200"}
        assert openstack.servers().keys() == before.keys()
        ip = story.status()["nodes"][0]["ip"]
        story.conpaas("replace", story.manifest, "web-1")
        assert (story.status()["answers"], story.status()["nodes"][0]["ip"]) == ({"web": "200"}, ip)
        assert len(openstack.servers()) == 1
        assert not openstack.servers().keys() & before.keys()
        story.conpaas("down", story.name, "--yes")
        assert openstack.servers() == {}
