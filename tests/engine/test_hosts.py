"""What a machine of another provider boots with stays its own, through the real engine and our plugin."""

from typing import Any

import pulumi

from conpaas_iac.core.declaration import facts
from conpaas_iac.core.places import Place
from conpaas_iac.provider.host import PRIVATE
from conpaas_iac.provider.sdk import Host, Identity
from tests.builders import build, service, wanted
from tests.engine.conftest import World, backends


def test_image_and_user_data_are_those_of_the_time_when_it_was_made(world: World) -> None:
    world.up(backends(1))
    machine = wanted(build(service())).machines[0]
    stack: Any = world.engine()._stack

    def made(image: str, **changes: Any) -> dict[str, str]:
        found: dict[str, str] = {}

        def program() -> None:
            owner = Identity("shop").owner
            known = {**facts(machine, Place("ec2", "aws")), **changes}
            host = Host("far-1.host", known, owner, image, f'"{image} {PRIVATE}"')
            values = {"image": host.bootImage, "data": host.userData, "public": host.publicKey}
            pulumi.Output.all(**values).apply(found.update)

        stack.up(program=program)
        return found

    first = made("ami-1")
    assert first["image"] == "ami-1"
    assert first["data"].startswith('"ami-1 -----BEGIN OPENSSH PRIVATE KEY-----\\n')
    assert made("ami-2") == first
    assert made("ami-2", cpu=4) == first
    second = made("ami-2", cpu=4, incarnation=2)
    assert second["image"] == "ami-2"
    assert second["data"].startswith('"ami-2 ')
    assert second["public"] != first["public"]
