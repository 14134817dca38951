"""Documents beside the checkpoint, in a folder and in an object store."""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from conpaas_iac.backend import stores
from conpaas_iac.backend.folder import Folder
from conpaas_iac.backend.store import Store
from conpaas_iac.errors import UserError


@pytest.fixture(params=["file", "s3"])
def shelf(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """An empty store of each kind."""
    if request.param == "file":
        yield stores.at(f"file://{tmp_path}")
        return
    moto, boto3 = pytest.importorskip("moto"), pytest.importorskip("boto3")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with moto.mock_aws():
        boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="conpaas-test")
        yield stores.at("s3://conpaas-test/teams/one?region=us-east-1")


def test_documents_come_and_go(shelf: Store) -> None:
    assert (shelf.read("shop.default/record.json"), shelf.names()) == (None, ())
    shelf.write("shop.default/record.json", b"one")
    shelf.write("shop.default/record.json", b"two")
    shelf.write("blog.default/lock.json", b"\0\xff")
    assert shelf.names() == ("blog.default/lock.json", "shop.default/record.json")
    assert shelf.read("shop.default/record.json") == b"two"
    assert shelf.read("blog.default/lock.json") == b"\0\xff"
    shelf.delete("shop.default/record.json")
    shelf.delete("shop.default/record.json")
    assert shelf.names() == ("blog.default/lock.json",)


def test_files_of_any_size_come_and_go(shelf: Store, tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(b"x" * (9 << 20))
    assert not shelf.give("shop.default/front/one.tar.gz", target)
    shelf.take("shop.default/front/one.tar.gz", source)
    assert shelf.give("shop.default/front/one.tar.gz", target)
    assert target.read_bytes() == source.read_bytes()
    assert shelf.entries("shop.default/front") == ("one.tar.gz",)


def test_what_is_conditional(shelf: Store) -> None:
    name = "shop.json"
    first = shelf.swap(name, None, b"one")
    assert first
    assert shelf.swap(name, None, b"two") is None
    seen = shelf.look(name)
    assert seen == (b"one", first)
    second = shelf.swap(name, first, b"two")
    assert second
    assert shelf.swap(name, first, b"three") is None
    assert not shelf.drop(name, first)
    assert shelf.read(name) == b"two"
    assert shelf.drop(name, second)
    assert shelf.look(name) is None
    assert shelf.swap(name, second, b"four") is None
    assert not shelf.drop(name, second)


def test_what_is_below_a_folder(shelf: Store) -> None:
    for name in ("shop.default/1-a/x/y.json", "shop.default/1-a/z.json", "shop.default/2-b/z.json", "blog.default/q"):
        shelf.write(name, b"{}")
    assert shelf.folders("shop.default") == ("1-a", "2-b")
    assert shelf.entries("shop.default/1-a") == ("z.json",)
    assert (shelf.folders("nothing"), shelf.entries("nothing")) == ((), ())
    shelf.clear("shop.default/1-a")
    shelf.clear("shop.default/1-a")
    assert shelf.folders("shop.default") == ("2-b",)
    assert shelf.read("blog.default/q") == b"{}"


COUNT = """
import os, sys
from conpaas_iac.backend.stores import at
shelf = at(sys.argv[1])
for _ in range(int(sys.argv[2])):
    while True:
        seen = shelf.look("count")
        number = int(seen.content.split()[0] if seen else 0) + 1
        if shelf.swap("count", seen and seen.mark, f"{number} {os.getpid()}".encode()):
            break
"""


def test_many_processes_swap_and_nothing_is_lost(tmp_path: Path) -> None:
    command = [sys.executable, "-c", COUNT, f"file://{tmp_path}", "25"]
    processes = [subprocess.Popen(command) for _ in range(4)]
    assert [process.wait(60) for process in processes] == [0] * 4
    assert stores.at(f"file://{tmp_path}").read("count").split()[0] == b"100"


def test_many_threads_swap_in_an_object_store_and_nothing_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    boto3, moto = pytest.importorskip("boto3"), pytest.importorskip("moto.server")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        address = ":".join(map(str, server.get_host_and_port()))
        boto3.client("s3", endpoint_url=f"http://{address}", region_name="us-east-1").create_bucket(Bucket="conpaas")
        url = f"s3://conpaas?endpoint={address}&disableSSL=true&s3ForcePathStyle=true&region=us-east-1"
        wins: list[int] = []

        def count(who: int) -> None:
            shelf = stores.at(url)
            for _ in range(8):
                while True:
                    seen = shelf.look("count")
                    number = int(seen.content.split()[0] if seen else 0) + 1
                    if shelf.swap("count", seen and seen.mark, f"{number} {who}".encode()):
                        wins.append(number)
                        break

        with ThreadPoolExecutor(4) as pool:
            tuple(pool.map(count, range(4)))
        assert sorted(wins) == list(range(1, 33))
    finally:
        server.stop()


def test_a_lost_answer_is_no_lost_race(shelf: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client asks again, and its second question is refused because of its first."""
    if isinstance(shelf, Folder):
        pytest.skip("files answer")
    client = shelf._client  # type: ignore[attr-defined]
    put = client.put_object

    def twice(**given: object) -> object:
        put(**given)
        return put(**given)

    monkeypatch.setattr(client, "put_object", twice)
    mark = shelf.swap("shop.json", None, b"one")
    assert mark
    assert shelf.swap("shop.json", mark, b"two")


def test_a_backend_inside_a_backend() -> None:
    assert stores.below("file:///state/backend", "a/b") == "file:///state/backend/a/b"
    assert stores.below("s3://bucket/team?region=x&y=z", "a/b") == "s3://bucket/team/a/b?region=x&y=z"
    assert stores.below("s3://bucket?region=x", "a") == "s3://bucket/a?region=x"


def test_a_folder_is_its_owners_and_empty_ones_go(tmp_path: Path) -> None:
    shelf = Folder(tmp_path / "backend" / "conpaas")
    shelf.write("shop.default/record.json", b"{}")
    file = tmp_path / "backend" / "conpaas" / "shop.default" / "record.json"
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    (file.parent / ".record.json.half").write_bytes(b"of a killed run")
    assert shelf.names() == ("shop.default/record.json",)
    (file.parent / ".record.json.half").unlink()
    shelf.delete("shop.default/record.json")
    assert not file.parent.exists()


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    shelf = Folder(tmp_path)
    (tmp_path / "shop.default" / "record.json").mkdir(parents=True)
    with pytest.raises(UserError, match="cannot be read: Is a directory"):
        shelf.read("shop.default/record.json")
