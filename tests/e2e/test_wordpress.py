"""The story of examples/wordpress: installed, used, scaled both ways and mended under load, stopped and started."""

from collections.abc import Iterator

import pytest

from tests.e2e import kills, load, wordpress
from tests.e2e.conftest import Story
from tests.e2e.dokuwiki import Visitor
from tests.e2e.machines import run
from tests.e2e.wordpress import Author

DATABASE = ["mysql", "-N", "-e", "SELECT number FROM wordpress.numbers ORDER BY number"]


@pytest.fixture(scope="module")
def blog(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """WordPress, up and installed once for the tests below, which go on from one another."""
    with kills.blog(tmp_path_factory.mktemp("blog")) as told:
        yield told


@pytest.fixture(scope="module")
def author(blog: Story) -> Author:
    """Who has logged in before anything below happened."""
    return wordpress.log_in(url(blog))


def url(blog: Story) -> str:
    return str(blog.status()["urls"]["blog"])


def nodes(blog: Story) -> list[str]:
    status = blog.status()
    assert status["well"], status
    return [node["name"] for node in status["nodes"]]


def loaded(blog: Story, author: Author) -> load.Load:
    """Visitors, and one who is logged in."""
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in author.cookies if cookie.name != "CONPAAS")
    front = load.Page("/", "The blog of a test")
    return load.Load(url(blog), [front, load.Page("/", "logged-in", {"Cookie": cookies})])


def stored(blog: Story) -> list[set[int]]:
    """What each database machine itself has of the numbers."""
    members = [node["name"] for node in blog.status()["nodes"] if "mysql" in node["groups"]]
    return [{int(line) for line in run(f"{blog.name}--{node}", *DATABASE).split()} for node in members]


def test_a_post_is_written_and_read_by_others(blog: Story, author: Author) -> None:
    assert nodes(blog) == ["blog-1", "blog-2", "db-1", "db-2", "db-3"]
    post = wordpress.publish(author, "First", "Written by the test.")
    assert "Written by the test." in wordpress.read(Visitor(url(blog)), post)
    wordpress.comment(author, post, "Said by the test.")
    assert "Said by the test." in wordpress.read(Visitor(url(blog)), post)


def test_scaling_both_services_under_load_loses_nothing(blog: Story, author: Author) -> None:
    accounts: dict[str, load.Account] = {}
    with loaded(blog, author).running() as running:
        with running.during(accounts, "out"):
            blog.conpaas("scale", blog.manifest, "blog", "backend=3", "db", "mysql=2")
        assert nodes(blog) == ["blog-1", "blog-2", "blog-3", "db-1", "db-2"]
        with running.during(accounts, "back"):
            blog.conpaas("scale", blog.manifest, "blog", "backend=2", "db", "mysql=3")
    whole(blog, running, accounts)


def test_replacing_machines_under_load_loses_nothing(blog: Story, author: Author) -> None:
    accounts: dict[str, load.Account] = {}
    before = {node["name"]: node["address"] for node in blog.status()["nodes"]}
    with loaded(blog, author).running() as running, running.during(accounts, "replaced"):
        blog.conpaas("replace", blog.manifest, "blog-2", "db-1")
    whole(blog, running, accounts)
    assert {node["name"]: node["address"] for node in blog.status()["nodes"]} == before


def whole(blog: Story, running: load.Load, accounts: dict[str, load.Account]) -> None:
    """Nothing failed, and what was acknowledged is on every machine."""
    assert {name: account.why() for name, account in accounts.items()} == dict.fromkeys(accounts, "")
    assert all(account.good("read") and account.good("write") for account in accounts.values())
    assert nodes(blog) == ["blog-1", "blog-2", "db-1", "db-2", "db-3"]
    found = stored(blog)
    assert len(found) == 3 and all(running.acknowledged <= numbers for numbers in found)


def test_stopped_and_started_with_everything_in_it(blog: Story, author: Author) -> None:
    post = wordpress.publish(author, "Before", "Written before the stop.")
    blog.conpaas("stop", blog.name)
    assert {node["state"] for node in blog.status()["nodes"]} == {"stopped"}
    blog.conpaas("start", blog.name)
    assert nodes(blog) == ["blog-1", "blog-2", "db-1", "db-2", "db-3"]
    assert "Written before the stop." in wordpress.read(Visitor(url(blog)), post)
    assert wordpress.is_logged_in(author)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_killed_anywhere_one_up_mends_it_and_no_row_is_lost(blog: Story, seed: int) -> None:
    with kills.visitors(blog).running() as running:
        assert kills.Kills(blog, running, seed).play().wrong == []


def test_data_is_not_lost_by_accident(blog: Story) -> None:
    said = blog.conpaas("down", blog.name, "--yes", fails=1)
    assert f"conpaas mysql save {blog.name}/db" in said and "--allow-data-loss=db" in said
    assert wordpress.is_logged_in(wordpress.log_in(url(blog)))
