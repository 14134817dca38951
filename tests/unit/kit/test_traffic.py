"""Requests while machines come and go: what is an answer, and what is none."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import pytest

from conpaas_iac.kit.trial import Trial
from conpaas_iac.suite.traffic import traffic


class Answers(BaseHTTPRequestHandler):
    statuses: list[int] = []  # noqa: RUF012
    asked = threading.Event()

    def do_GET(self) -> None:
        self.send_response(self.statuses.pop(0) if self.statuses else 200)
        self.end_headers()
        if not self.statuses:
            self.asked.set()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    """Of a server that answers as Answers.statuses say, then well."""
    Answers.asked.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def bench(**urls: str) -> Any:
    return SimpleNamespace(status=lambda: SimpleNamespace(urls=urls), trial=Trial(), service="tested")


def test_errors_of_the_server_count_and_refusals_do_not(url: str) -> None:
    Answers.statuses = [200, 404, 502]
    with traffic(bench(tested=url)) as made:
        assert Answers.asked.wait(20)
    assert made.sent >= 3 and made.failed == ["answered 502"]
    assert made.asking.how == url


def test_where_nobody_answers_it_has_failed(url: str) -> None:
    with traffic(bench(tested="http://127.0.0.1:1/")) as made:
        while not made.sent:
            threading.Event().wait(0.01)
    assert set(made.failed) == {"[Errno 111] Connection refused"}


def test_a_type_without_an_address_is_asked_nothing() -> None:
    with traffic(bench(other="http://127.0.0.1:1/")) as made:
        pass
    assert (made.sent, made.asking.how) == (0, "")
