"""The checkpoint as it is stored is what the engine exports; what is no checkpoint is the engine's to say."""

from tests.engine.conftest import World, backends


def test_what_is_stored_is_what_the_engine_exports(world: World) -> None:
    world.up(backends(1), {"Type": "mysql", "ServiceName": "db", "Password": {"Secret": "db"}})
    workspace = world.engine()._workspace
    name = "shop.default"
    content = workspace.stored(name)
    assert content
    stored = workspace.checkpoint
    assert stored["resources"]
    for other in (None, b"", b"{}", content.replace(b'"version": 3', b'"version": 4', 1)):
        workspace.stored = lambda stack, other=other: other  # type: ignore[misc]
        workspace.checkpoint = {}
        workspace.select_stack(name)
        assert workspace.checkpoint == stored
