"""The checkpoint: as it is stored it is what the engine exports; decrypted early it counts until somebody writes."""

import pytest

from conpaas_iac.engine import engine_checkpoint
from conpaas_iac.engine.engine import early
from tests.engine.conftest import World, backends


def test_what_is_stored_is_what_the_engine_exports(world: World) -> None:
    world.up(backends(1), {"Type": "mysql", "ServiceName": "db", "Password": {"Secret": "db"}})
    place = world.engine()._place
    content = place.stored()
    assert content
    stored = engine_checkpoint.plain(content)
    assert stored
    assert stored["resources"]
    assert engine_checkpoint.read(place) == stored
    newer = content.replace(b'"version":3', b'"version":4', 1)
    assert newer != content
    for other in (None, b"", b"{}", newer):
        assert engine_checkpoint.plain(other) is None


def test_what_was_decrypted_early_counts_until_somebody_writes(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.up(backends(1))
    with early(world.settings, world.name, "default") as export, monkeypatch.context() as patched:
        patched.setattr("conpaas_iac.engine.engine.decrypting", None)
        with world.engine().reading(export) as machines:
            assert machines().nodes.keys() == {"web-1"}
    with early(world.settings, world.name, "default") as export:
        world.up(backends(2))
        with world.engine().reading(export) as machines:
            assert machines().nodes.keys() == {"web-1", "web-2"}
    with early(world.settings, "nobody", "default") as export:
        assert export is None
