"""Documents beside the checkpoint, in a folder and in an object store."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from conpaas_iac import store
from conpaas_iac.errors import UserError
from conpaas_iac.store import Folder, Store


@pytest.fixture(params=["file", "s3"])
def shelf(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """An empty store of each kind."""
    if request.param == "file":
        yield store.at(f"file://{tmp_path}")
        return
    moto, boto3 = pytest.importorskip("moto"), pytest.importorskip("boto3")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with moto.mock_aws():
        boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="conpaas-test")
        yield store.at("s3://conpaas-test/teams/one?region=us-east-1")


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
