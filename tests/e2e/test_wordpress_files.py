"""The story of examples/wordpress-files: uploaded through one web machine, read through another; OSDs go and die."""

import hashlib
import json
import re
import struct
import subprocess
import tarfile
import urllib.request
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from conpaas_iac import settings
from tests.e2e import wordpress
from tests.e2e.conftest import ROOT, Story, tell
from tests.e2e.machines import lxc, run, until
from tests.e2e.wordpress import Author

READ = """
import hashlib, sys, urllib.request
sys.stdout.write(hashlib.sha256(urllib.request.urlopen(sys.argv[1]).read()).hexdigest())
"""
WRITE = """
import hashlib, os, sys
folder, end = sys.argv[1:]
number = 0
while not os.path.exists(end):
    content = os.urandom(100000)
    path = f"{folder}/{number}"
    with open(path + ".new", "wb") as file:
        file.write(content)
        os.fsync(file.fileno())
    os.rename(path + ".new", path)
    print(number, hashlib.sha256(content).hexdigest(), flush=True)
    number += 1
"""


@pytest.fixture(scope="module")
def blog(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """WordPress with a file system, up and installed once for the tests below, which go on from one another."""
    subprocess.run([ROOT / "examples/wordpress-files/fetch.sh"], check=True, capture_output=True)
    for told in tell(tmp_path_factory.mktemp("blog"), "fs"):
        told.take("wordpress-files")
        told.conpaas("up", told.manifest)
        wordpress.install(url(told), "The blog of a test")
        yield told


@pytest.fixture(scope="module")
def pictures(blog: Story) -> dict[str, str]:
    """Path of each uploaded picture -> its checksum."""
    author = wordpress.log_in(url(blog))
    return dict(upload(author, f"picture-{number}.png", picture(number)) for number in range(4))


def url(blog: Story) -> str:
    return str(blog.status()["urls"]["blog"])


def picture(seed: int) -> bytes:
    """A PNG of 300 x 300 points that does not compress."""
    rows = b"".join(b"\0" + hashlib.shake_256(f"{seed} {row}".encode()).digest(900) for row in range(300))
    pieces = [(b"IHDR", struct.pack("!2I5B", 300, 300, 8, 2, 0, 0, 0)), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack("!I", len(data)) + kind + data + struct.pack("!I", zlib.crc32(kind + data)) for kind, data in pieces
    )


def upload(author: Author, name: str, content: bytes) -> tuple[str, str]:
    """As the editor does it; path and checksum."""
    nonce = author.open("/wp-admin/admin-ajax.php?action=rest-nonce")
    headers = {"Content-Type": "image/png", "Content-Disposition": f"attachment; filename={name}", "X-WP-Nonce": nonce}
    request = urllib.request.Request(f"{author.url}/?rest_route=/wp/v2/media", content, headers)
    with author._opener.open(request, timeout=60) as answer:
        address = json.load(answer)["source_url"]
    return re.sub(r"^https?://[^/]+", "", address), hashlib.sha256(content).hexdigest()


def read(blog: Story, pictures: dict[str, str]) -> dict[str, dict[str, str]]:
    """Each web machine's own answers: machine -> path -> checksum."""
    found: dict[str, dict[str, str]] = {}
    for node in blog.status()["nodes"]:
        if "web" in node["groups"]:
            places = {path: f"http://{node['address']}:8080{path}" for path in pictures}
            machine = f"{blog.name}--{node['name']}"
            found[node["name"]] = {path: run(machine, "python3", "-c", READ, place) for path, place in places.items()}
    return found


def whole(blog: Story) -> None:
    """Until every piece has its copies; the master looks at all of them about once a minute."""
    well = "0 pieces are on no OSD that is there, 0 have fewer"
    until(lambda: well in blog.conpaas("xtreemfs", "status", blog.name), 300)


def test_uploads_are_on_every_web_machine(blog: Story, pictures: dict[str, str]) -> None:
    assert read(blog, pictures) == {"blog-1": pictures, "blog-2": pictures}


def test_scaled_out_a_new_machine_has_them_too(blog: Story, pictures: dict[str, str]) -> None:
    blog.conpaas("scale", blog.manifest, "blog", "web=3", "backend=3")
    assert read(blog, pictures) == dict.fromkeys(("blog-1", "blog-2", "blog-3"), pictures)
    blog.conpaas("scale", blog.manifest, "blog", "web=2", "backend=2")


def test_an_osd_that_goes_takes_nothing_along(blog: Story, pictures: dict[str, str]) -> None:
    blog.conpaas("scale", blog.manifest, "files", "osd=2")
    assert [node["name"] for node in blog.status()["nodes"] if "osd" in node["groups"]] == ["files-1", "files-2"]
    assert read(blog, pictures) == {"blog-1": pictures, "blog-2": pictures}
    assert "0 have fewer copies" in blog.conpaas("xtreemfs", "status", blog.name)


def test_an_osd_too_many_does_not_go(blog: Story, pictures: dict[str, str]) -> None:
    before = blog.manifest.read_text()
    said = blog.conpaas("scale", blog.manifest, "files", "osd=1", "dir=1", fails=3)
    assert "2 copies are kept of some files, and 1 OSD would stay" in said and "policy set" in said
    blog.manifest.write_text(before)
    blog.conpaas("up", blog.manifest)
    assert read(blog, pictures) == {"blog-1": pictures, "blog-2": pictures}


def test_an_osd_killed_while_a_client_writes_loses_nothing(blog: Story, pictures: dict[str, str]) -> None:
    blog.conpaas("scale", blog.manifest, "files", "osd=3")
    machine, folder = f"{blog.name}--blog-1", "/srv/conpaas/volumes/files-uploads"
    lxc_exec = ["lxc", "--project", settings.load().lxd_project, "exec", machine, "-T", "--"]
    command = [*lxc_exec, "python3", "-c", WRITE, folder, "/tmp/end"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout
        lines = [writer.stdout.readline() for _ in range(5)]
        lxc("delete", "--force", f"{blog.name}--files-3")
        lines += [writer.stdout.readline() for _ in range(40)]
        run(machine, "touch", "/tmp/end")
        lines += list(writer.stdout)
    written = dict(line.split() for line in lines)
    found = run(f"{blog.name}--blog-2", "sh", "-c", f"cd {folder} && sha256sum {' '.join(written)}")
    assert {name: digest for digest, name in map(str.split, found.splitlines())} == written
    blog.conpaas("up", blog.manifest)
    whole(blog)
    assert read(blog, pictures) == {"blog-1": pictures, "blog-2": pictures}


def test_a_master_that_is_lost_takes_the_metadata_from_a_copy(blog: Story, pictures: dict[str, str]) -> None:
    lxc("delete", "--force", f"{blog.name}--files-1")
    blog.conpaas("up", blog.manifest)
    whole(blog)  # its own OSD was lost, too
    assert read(blog, pictures) == {"blog-1": pictures, "blog-2": pictures}
    wordpress.publish(wordpress.log_in(url(blog)), "After", "Written after the master was lost.")


def test_without_the_file_system_nothing_is_written_beside_it(blog: Story, pictures: dict[str, str]) -> None:
    machine, folder = f"{blog.name}--blog-2", "/srv/conpaas/volumes/files-uploads"
    run(machine, "systemctl", "stop", "conpaas-volume-files-uploads")
    assert "Read-only file system" in run(machine, "touch", f"{folder}/beside", check=False)
    assert "conpaas-volume-files-uploads" in blog.conpaas("status", blog.name, fails=3)
    blog.conpaas("drift", blog.name, "--revert", "--yes")
    assert read(blog, pictures) == {"blog-1": pictures, "blog-2": pictures}


def test_the_whole_blog_stops_and_starts(blog: Story, pictures: dict[str, str]) -> None:
    blog.conpaas("stop", blog.name)
    blog.conpaas("start", blog.name)
    assert read(blog, pictures) == {"blog-1": pictures, "blog-2": pictures}


def test_a_snapshot_is_restored(blog: Story, pictures: dict[str, str], tmp_path: Path) -> None:
    archive = tmp_path / "uploads.tar.gz"
    blog.conpaas("xtreemfs", "snapshot", blog.name, "uploads", archive)
    with tarfile.open(archive) as tar:
        assert any(name.endswith("picture-0.png") for name in tar.getnames())
    assert "holds files" in blog.conpaas("xtreemfs", "restore", blog.name, "uploads", archive, "--yes", fails=3)
    run(f"{blog.name}--blog-1", "sh", "-c", "rm -r /srv/conpaas/volumes/files-uploads/*")
    blog.conpaas("xtreemfs", "restore", blog.name, "uploads", archive, "--yes")
    assert read(blog, pictures) == {"blog-1": pictures, "blog-2": pictures}


def test_volumes_are_made_listed_and_removed(blog: Story) -> None:
    blog.conpaas("xtreemfs", "volume", "create", blog.name, "more", "www-data")
    assert "there is a volume more already" in blog.conpaas("xtreemfs", "volume", "create", blog.name, "more", fails=3)
    assert "no user nobody-such" in blog.conpaas(
        "xtreemfs", "volume", "create", blog.name, "x", "nobody-such", fails=3
    )
    blog.conpaas("xtreemfs", "policy", "set", blog.name, "more", "copies", "3")
    assert re.search(r"^more +3 +any +none", blog.conpaas("xtreemfs", "policy", "list", blog.name), re.MULTILINE)
    assert re.search(r"^more +www-data +3 ", blog.conpaas("xtreemfs", "volume", "list", blog.name), re.MULTILINE)
    said = blog.conpaas("xtreemfs", "volume", "delete", blog.name, "uploads", "--yes", fails=3)
    assert "blog mounts uploads" in said
    blog.conpaas("xtreemfs", "volume", "delete", blog.name, "more", "--yes")
    assert "more" not in blog.conpaas("xtreemfs", "volume", "list", blog.name)
