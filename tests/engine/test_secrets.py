"""No secret of an application stands in a file in the clear."""

import base64
import re
from pathlib import Path

from tests.engine.conftest import World, backends


def files(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file() and not path.is_socket()]


def test_no_private_key_in_the_clear(world: World) -> None:
    world.up(backends(1))
    login = world.engine().machines().login
    assert login.startswith("-----BEGIN OPENSSH PRIVATE KEY-----")
    body = "".join(login.splitlines()[1:-1])
    canaries = [body[100:140], body[-60:-20], base64.b64decode(body)[-64:].hex()]
    root = world.folder.parent
    looked = files(root)
    assert any(".pulumi" in path.parts for path in looked)
    for path in looked:
        if "engine" in path.parts and "bin" in path.parts:
            continue
        text = path.read_bytes().decode("latin-1")
        assert "PRIVATE KEY" not in text, path
        assert not [canary for canary in canaries if canary in re.sub(r"\\n|\s", "", text)], path


def test_state_is_its_owners_alone(world: World) -> None:
    world.up(backends(1))
    state = world.folder.parent / "state"
    assert state.stat().st_mode & 0o777 == 0o700
    assert (state / "passphrase").stat().st_mode & 0o777 == 0o600
