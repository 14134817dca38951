"""WordPress moves to another place, machine after machine, under load: the database whole, the web servers in part."""

import json
import os
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conpaas_iac import settings
from tests.e2e import kills, load
from tests.e2e.conftest import CONPAAS, Story
from tests.e2e.machines import run

DATABASE = ["mysql", "-N", "-e", "SELECT number FROM wordpress.numbers ORDER BY number"]


def lxc(*arguments: str) -> str:
    return subprocess.run(["lxc", *arguments], check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An LXD project beside the user's own, with the images that are there; it goes at the end."""
    name, own = f"mv-{uuid.uuid4().hex[:6]}", settings.load().lxd_project
    features = [f"-cfeatures.{each}=true" for each in ("images", "profiles", "storage.volumes")]
    lxc("project", "create", name, *features, "-cfeatures.networks=false")
    try:
        copied(own, name, tmp_path_factory.mktemp("images"))
        environment = {**os.environ, "CONPAAS_LXD_PROJECT": name}
        subprocess.run([CONPAAS, "setup"], check=True, env=environment, capture_output=True)
        yield name
    finally:
        for image in json.loads(lxc("image", "list", "--project", name, "--format", "json")):
            lxc("image", "delete", "--project", name, image["fingerprint"])
        for profile in json.loads(lxc("profile", "list", "--project", name, "--format", "json")):
            if profile["name"] != "default":
                lxc("profile", "delete", "--project", name, profile["name"])
        lxc("project", "delete", name)


def copied(own: str, name: str, folder: Path) -> None:
    """The images that this story needs, as far as they are there; LXD copies none between projects."""
    for image in json.loads(lxc("image", "list", "--project", own, "--format", "json")):
        aliases = [each["name"] for each in image["aliases"]]
        if aliases and aliases[0].startswith(("conpaas-base-", "conpaas-mysql-", "conpaas-php-")):
            target = folder / aliases[0]
            lxc("image", "export", "--project", own, image["fingerprint"], str(target))
            files = sorted(map(str, folder.glob(f"{aliases[0]}*")))
            lxc("image", "import", "--project", name, *files, "--alias", aliases[0])
            for file in files:
                Path(file).unlink()


@pytest.fixture(scope="module")
def blog(lab: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """WordPress, up and installed on the user's own project."""
    with kills.blog(tmp_path_factory.mktemp("blog"), "mv") as told:
        yield told


def placed(blog: Story, lab: str, /, **clouds: Any) -> None:
    """The manifest with these fields of its services."""
    document = json.loads(blog.manifest.read_text())
    document["Clouds"] = {"lab": {"Provider": "lxd", "Project": lab}}
    for service in document["Services"]:
        service.update(clouds.get(service["ServiceName"], {}))
    blog.write(document)


def machines(name: str, project: str) -> set[str]:
    listed = json.loads(lxc("list", "--project", project, "--format", "json"))
    return {each["name"].removeprefix(f"{name}--") for each in listed if each["name"].startswith(f"{name}--")}


def test_a_database_and_a_web_server_move_under_load_and_lose_nothing(blog: Story, lab: str) -> None:
    accounts: dict[str, load.Account] = {}
    own = settings.load().lxd_project
    before = {node["name"]: node["address"] for node in blog.status()["nodes"]}
    visitors = load.Load(blog.status()["urls"]["blog"], [load.Page("/", "The blog of a test")])
    with visitors.running() as running:
        placed(blog, lab, db={"Cloud": "lab"})
        said = json.loads(blog.conpaas("plan", blog.manifest, "--format", "json", quiet=True))
        assert {(each["node"], each["action"]) for each in said["changes"]} == {
            (f"db-{number}", "move") for number in (1, 2, 3)
        }
        assert said["class"] == "restart"
        with running.during(accounts, "database"):
            blog.conpaas("up", blog.manifest)
        assert machines(blog.name, lab) == {"db-1", "db-2", "db-3"}
        placed(blog, lab, blog={"Machines": {"backend": [{"Count": 1}, {"Count": 1, "Cloud": "lab"}]}})
        document = json.loads(blog.manifest.read_text())
        del document["Services"][1]["StartupInstances"]["backend"]
        blog.write(document)
        with running.during(accounts, "web"):
            blog.conpaas("up", blog.manifest)
    assert {name: account.why() for name, account in accounts.items()} == dict.fromkeys(accounts, "")
    assert all(account.good("read") and account.good("write") for account in accounts.values())
    assert machines(blog.name, lab) == {"db-1", "db-2", "db-3", "blog-2"}
    assert machines(blog.name, own) == {"blog-1"}
    status = blog.status()
    assert status["well"], status
    assert {node["name"]: node["address"] for node in status["nodes"]} == before
    for node in ("db-1", "db-2", "db-3"):
        stored = {int(line) for line in run(f"{blog.name}--{node}", *DATABASE, project=lab).split()}
        assert running.acknowledged <= stored
    assert "No changes." in blog.conpaas("plan", blog.manifest)
    for name, account in accounts.items():
        print(f"{name}: {len(account.requests)} requests in {account.ended - account.begun:.0f} s, longest pause "
              f"{account.pause('write'):.2f} s for writes, slowest {account.slowest('write'):.2f} s")
