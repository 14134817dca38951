"""The pure rules of the program that takes a backend out of service."""

from tests.unit.roles.rendered import program

SERVING = program("php", "serving")


def test_proxies_are_told_from_visitors_who_ask_through_them() -> None:
    lines = ["10.42.32.9 404 -", "10.42.32.9 200 -", "10.42.32.1 404 -", "10.42.32.8 200 203.0.113.7"]
    assert SERVING.told(lines) == {"10.42.32.9": "200", "10.42.32.1": "404"}


def test_what_the_own_proxy_keeps_open_is_no_visitor() -> None:
    own = "0 0 10.42.32.1:8081 10.42.32.1:51000"
    assert not SERVING.visited([own])
    assert SERVING.visited([own, "0 0 10.60.1.1:80 203.0.113.7:51000"])
    assert SERVING.visited(["0 0 [::ffff:10.60.1.1]:80 [::ffff:203.0.113.7]:51000"])
