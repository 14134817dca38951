"""One application on two clouds: WordPress on AWS, its database on OpenStack, joined by the VPN alone."""

import subprocess
from pathlib import Path

from tests.clouds import stories
from tests.e2e import wordpress
from tests.e2e.conftest import ROOT
from tests.e2e.dokuwiki import Visitor
from tests.standins.lab import Lab

CLOUDS = {"ec2": stories.PLACES["aws"], "uni": stories.PLACES["openstack"]}
DATABASE = {
    "Type": "mysql", "ServiceName": "db", "Cloud": "uni", "StartupInstances": {"mysql": 1, "glb": 1},
    "Password": {"Secret": "db"}, "Configuration": {"databases": ["wordpress"]},
}  # fmt: skip
FRONT = {
    "Type": "php", "ServiceName": "front", "Cloud": "ec2", "Archive": "wordpress.tar.gz", "Uses": ["db"],
    "Configuration": {"writable_code": False},
}  # fmt: skip


def test_wordpress_on_aws_with_its_database_on_openstack(tmp_path: Path, aws: Lab, openstack: Lab) -> None:
    """In one `up`; the database's data is on a volume of its own; nothing is left of it."""
    subprocess.run([ROOT / "examples/wordpress/fetch.sh"], check=True, capture_output=True)
    with stories.told(tmp_path, aws=aws, openstack=openstack) as here:
        story = here.story
        story.take("wordpress")
        story.write({"Clouds": CLOUDS, "Network": stories.NETWORK, "Services": [DATABASE, FRONT]})
        said = story.conpaas("up", story.manifest)
        print(said)
        assert {name: len(machines) for name, machines in here.machines().items()} == {"aws": 1, "openstack": 1}
        url = story.status()["urls"]["front"]
        assert url.startswith("http://10.61.31."), "the public address of the machine on AWS"
        wordpress.install(url, "On two clouds")
        author = wordpress.log_in(url)
        post = wordpress.publish(author, "First", "Written on one cloud, kept on another.")
        assert "kept on another" in wordpress.read(Visitor(url), post)
        assert here.run("openstack", "db-1", "findmnt", "-no", "FSTYPE", "/var/lib/mysql").strip() == "ext4"
        assert "No changes" in story.conpaas("plan", story.manifest)
        story.conpaas("down", story.name, "--yes", "--allow-data-loss=db", "--allow-data-loss=front")
        assert here.machines() == {"aws": [], "openstack": []}
    kinds = ("network", "vpc", "subnet", "router", "gateway", "table", "group", "key", "port", "address", "volume")
    assert {kind: {**aws.all(kind), **openstack.all(kind)} for kind in kinds} == {kind: {} for kind in kinds}
