"""What a Java application or its options may have wrong, and what a visitor notices of it: nothing, where two serve."""

from collections.abc import Iterator

import pytest

from tests.e2e.conftest import Story, tell
from tests.e2e.test_sessions import Counted

PAGE = """<%@ page import="java.net.InetAddress" %><%
Integer count = (Integer) session.getAttribute("count");
session.setAttribute("count", count = count == null ? 1 : count + 1);
%><%= InetAddress.getLocalHost().getHostName() %> <%= count %>
"""
LISTENER = "<listener><listener-class>org.example.NotThere</listener-class></listener>"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """A page that counts, on two backends."""
    for told in tell(tmp_path_factory.mktemp("shop")):
        (told.folder / "code" / "WEB-INF").mkdir(parents=True)
        (told.folder / "code" / "index.jsp").write_text(PAGE)
        configure(told)
        told.conpaas("up", told.manifest)
        yield told


@pytest.fixture(scope="module")
def visitor(shop: Story) -> Counted:
    """One session, for the whole story."""
    return Counted(shop.status()["urls"]["shop"])


def configure(shop: Story, backends: int = 2, **options: object) -> None:
    service = {"Type": "java", "ServiceName": "shop", "Archive": "code", "StartupInstances": {"backend": backends}}
    shop.write({"Services": [{**service, "Configuration": options}]})


def test_a_war_that_does_not_deploy_stops_at_the_first_machine(shop: Story, visitor: Counted) -> None:
    visitor.look(2)
    descriptor = shop.folder / "code" / "WEB-INF" / "web.xml"
    descriptor.write_text(f'<web-app version="4.0">{LISTENER}</web-app>')
    said = shop.conpaas("up", shop.manifest, fails=3)
    assert "shop-2: not configured; shop-1 left as before" in said
    assert "the application does not run: java.lang.ClassNotFoundException: org.example.NotThere" in said
    assert visitor.look(3) == {"shop-1"}
    descriptor.unlink()
    shop.conpaas("up", shop.manifest)
    assert shop.status()["well"]


def test_an_option_that_java_does_not_know_is_said(shop: Story, visitor: Counted) -> None:
    configure(shop, jvm_options=["-XX:+NoSuchThing"])
    said = shop.conpaas("up", shop.manifest, fails=3)
    assert "error: heap_size or jvm_options: Unrecognized VM option 'NoSuchThing'" in said
    assert visitor.look(3) == {"shop-1"}
    configure(shop)
    shop.conpaas("up", shop.manifest)
    assert shop.status()["well"]


def test_code_that_holds_a_war_is_said_and_the_former_version_serves_on(shop: Story, visitor: Counted) -> None:
    (shop.folder / "code" / "WEB-INF").rmdir()
    war = shop.folder / "code" / "shop.war"
    war.write_bytes(b"PK")
    assert "the code holds shop.war and is no web application" in shop.conpaas("up", shop.manifest, fails=3)
    visitor.look(3)
    war.unlink()
    shop.conpaas("up", shop.manifest)


def test_the_last_backend_has_the_session(shop: Story, visitor: Counted) -> None:
    configure(shop, backends=1)
    shop.conpaas("up", shop.manifest)
    assert visitor.look(2) == {"shop-1"}
