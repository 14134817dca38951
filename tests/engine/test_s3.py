"""The checkpoint and the record in an object store: the same run, nothing left in files."""

import os
from collections.abc import Iterator
from functools import partial
from typing import Any
from uuid import uuid4

import pytest

from conpaas_iac import cli
from conpaas_iac.runs import journal
from conpaas_iac.usecases import deployment
from tests import schemas
from tests.engine.conftest import World, backends

pytest.importorskip("moto")
boto3 = pytest.importorskip("boto3")


@pytest.fixture
def bucket(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """An empty bucket of an S3 on loopback; the backend of this world points there."""
    from moto.server import ThreadedMotoServer

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("NO_PROXY", ",".join(filter(None, [os.environ.get("NO_PROXY"), "127.0.0.1"])))
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    address = f"{host}:{port}"
    client = boto3.resource("s3", endpoint_url=f"http://{address}", region_name="us-east-1")
    made = client.Bucket(f"conpaas-{uuid4().hex[:8]}")  # what moto keeps outlives its server
    made.create()
    options = f"endpoint={address}&disableSSL=true&s3ForcePathStyle=true&region=us-east-1"
    monkeypatch.setenv("CONPAAS_BACKEND", f"s3://{made.name}/team?{options}")
    yield made
    server.stop()


def test_up_no_op_and_down(world: World, bucket: Any) -> None:
    world.up(backends(1))
    keys = {each.key for each in bucket.objects.all()}
    assert "team/leases/shop.default.json" in keys
    head = next(key for key in keys if key.endswith("record.json")).removesuffix("conpaas/shop.default/record.json")
    assert head.startswith("team/applications/shop.default/1-")
    assert {f"{head}conpaas/shop.default/lock.json", f"{head}.pulumi/stacks/conpaas/shop.default.json"} <= keys
    assert f"{head}conpaas/shop.default/record.json.1" in keys
    assert not (world.folder.parent / "state" / "backend").exists()
    assert world.up().plan.is_empty
    assert world.lxd.calls == []
    world.down()
    assert deployment.Engine.find(world.settings, "shop", "default") is None
    assert not [each.key for each in bucket.objects.all() if "shop" in each.key]


def test_the_history_of_a_run_is_written_twice(
    world: World, bucket: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    written: list[str] = []
    write = journal._Object._write
    monkeypatch.setattr(journal._Object, "_write", lambda self: (written.append(self._name), write(self)))
    monkeypatch.setattr(deployment, "up", partial(deployment.up, execute=world.visits))
    manifest = str(world.write(backends(1)))
    assert cli.run(["up", manifest]) == 0
    [name] = set(written)
    assert name.startswith("shop.default/")
    assert len(written) == 2
    assert cli.run(["up", manifest]) == 0
    assert len(written) == 2  # nothing was changed
    assert cli.run(["down", "shop", "--yes"]) == 0
    capsys.readouterr()
    assert cli.run(["history", "shop", "--format", "json"]) == 0
    runs = schemas.check(capsys.readouterr().out, "history")["runs"]
    assert [run["command"] for run in runs] == ["down", "up"]
    keys = [each.key for each in bucket.objects.all() if "shop" in each.key]
    assert all("/history/" in key for key in keys)
