"""One application on several clouds: WordPress on AWS, its database on OpenStack, then on LXD, moved under load."""

import subprocess
from pathlib import Path

from tests.clouds import stories
from tests.e2e import load, wordpress
from tests.e2e.conftest import ROOT
from tests.e2e.dokuwiki import Visitor
from tests.e2e.machines import run
from tests.standins.lab import Lab

CLOUDS = {"ec2": stories.PLACES["aws"], "uni": stories.PLACES["openstack"]}
DATABASE = {
    "Type": "mysql", "ServiceName": "db", "Cloud": "uni", "StartupInstances": {"mysql": 3, "glb": 2},
    "Password": {"Secret": "db"}, "Configuration": {"databases": ["wordpress"]},
}  # fmt: skip
FRONT = {
    "Type": "php", "ServiceName": "front", "Cloud": "ec2", "Archive": "wordpress.tar.gz", "Uses": ["db"],
    "Configuration": {"writable_code": False},
}  # fmt: skip


NUMBERS = ["mysql", "-N", "-e", "SET wsrep_sync_wait = 1; SELECT number FROM wordpress.numbers"]


def test_wordpress_on_aws_with_its_database_on_openstack(tmp_path: Path, aws: Lab, openstack: Lab) -> None:
    """In one `up`, data on volumes of its own; moved to LXD with nothing lost; nothing is left of it."""
    subprocess.run([ROOT / "examples/wordpress/fetch.sh"], check=True, capture_output=True)
    with stories.told(tmp_path, aws=aws, openstack=openstack) as here:
        story = here.story
        story.take("wordpress")
        load.with_page(story.folder / "wordpress.tar.gz", story.folder / "wordpress.tar.gz")
        story.write({"Clouds": CLOUDS, "Network": stories.NETWORK, "Services": [DATABASE, FRONT]})
        said = story.conpaas("up", story.manifest)
        print(said)
        assert {name: len(machines) for name, machines in here.machines().items()} == {"aws": 1, "openstack": 3}
        url = story.status()["urls"]["front"]
        assert url.startswith("http://10.61.31."), "the public address of the machine on AWS"
        wordpress.install(url, "On two clouds")
        author = wordpress.log_in(url)
        post = wordpress.publish(author, "First", "Written on one cloud, kept on another.")
        assert "kept on another" in wordpress.read(Visitor(url), post)
        assert here.run("openstack", "db-1", "findmnt", "-no", "FSTYPE", "/var/lib/mysql").strip() == "ext4"
        assert "No changes" in story.conpaas("plan", story.manifest)
        moved(here, url)
        assert "kept on another" in wordpress.read(Visitor(url), post)
        story.conpaas("down", story.name, "--yes", "--allow-data-loss=db", "--allow-data-loss=front")
        assert here.machines() == {"aws": [], "openstack": []}
    kinds = ("network", "vpc", "subnet", "router", "gateway", "table", "group", "key", "port", "address", "volume")
    assert {kind: {**aws.all(kind), **openstack.all(kind)} for kind in kinds} == {kind: {} for kind in kinds}


def moved(here: stories.Clouds, url: str) -> None:
    """The database, from OpenStack to LXD, while visitors read and write."""
    story, accounts = here.story, dict[str, load.Account]()
    assert Visitor(url).open(f"{load.ADDRESS}?make=1") == "made"
    before = {node["name"]: node["address"] for node in story.status()["nodes"]}
    visitors = load.Load(url, [load.Page("/", "On two clouds")], readers=1, writers=1)
    with visitors.running() as running:
        database = {**DATABASE, "Cloud": "lxd"}
        story.write({"Clouds": CLOUDS, "Network": stories.NETWORK, "Services": [database, FRONT]})
        with running.during(accounts, "move"):
            story.conpaas("up", story.manifest)
    account = accounts["move"]
    print(f"{len(account.requests)} requests in {account.ended - account.begun:.0f} s, longest pause of writes "
          f"{account.pause('write'):.2f} s")
    assert account.why() == ""
    assert account.good("read") and account.good("write")
    assert {name: len(machines) for name, machines in here.machines().items()} == {"aws": 1, "openstack": 0}
    status = story.status()
    assert status["well"], status
    assert {node["name"]: node["address"] for node in status["nodes"]} == before
    for node in ("db-1", "db-2", "db-3"):
        assert running.acknowledged <= {int(line) for line in run(f"{story.name}--{node}", *NUMBERS).split()}
    assert "No changes" in story.conpaas("plan", story.manifest)
