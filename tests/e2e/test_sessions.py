"""A visitor's session, while the backends come, go and break."""

import subprocess

from tests.e2e import machines
from tests.e2e.conftest import Story
from tests.e2e.dokuwiki import Visitor

PAGE = """<?php
session_start();
$_SESSION['count'] = ($_SESSION['count'] ?? 0) + 1;
echo gethostname(), ' ', $_SESSION['count'];
"""


class Counted(Visitor):
    """A visitor whose session counts the pages he saw."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.seen = 0

    def look(self, times: int = 1) -> set[str]:
        """Each page goes on where the one before ended; the machines that answered."""
        answered = set()
        for _ in range(times):
            machine, count = self.open("/").split()
            self.seen += 1
            assert int(count) == self.seen
            answered.add(machine)
        return answered


def test_a_session_outlives_every_machine_that_held_it(story: Story) -> None:
    source = story.folder / "code"
    source.mkdir()
    (source / "index.php").write_text(PAGE)
    subprocess.run(["tar", "-C", source, "-czf", story.folder / "code.tar.gz", "."], check=True)
    # The proxy stays throughout, so the visitor's address does.
    story.write({"Services": [{"Type": "php", "ServiceName": "shop", "Archive": "code.tar.gz", "Placement": "spread"}]})
    story.conpaas("up", story.manifest)
    visitor = Counted(story.status()["urls"]["shop"])
    visitor.look()

    story.conpaas("scale", story.manifest, "shop", "backend=3")
    assert visitor.look(9) == {"shop-backend-1", "shop-backend-2", "shop-backend-3"}

    # The master's machine is lost, and made anew: the copy goes on, and is copied.
    machines.lxc("delete", "--force", f"{story.name}--shop-backend-1")
    story.conpaas("up", story.manifest)
    visitor.look(3)
    assert story.status()["well"]

    # The copy is the master now, and leaves; and another one with it.
    story.conpaas("scale", story.manifest, "shop", "backend=1", "--remove", "shop-backend-2")
    assert visitor.look(2) == {"shop-backend-1"}

    story.conpaas("stop", story.name)
    story.conpaas("start", story.name)
    machines.until(lambda: story.status()["well"])
    visitor.look()
