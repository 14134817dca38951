"""A steady, modest load on WordPress: readers get pages, writers insert rows with numbers of the client's own.

Nothing is tried again: a request that was not answered as it should be has failed.
"""

import gzip
import http.client
import io
import itertools
import re
import tarfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

PATIENCE = 30.0  # seconds for one answer
NEAR = 2.0  # seconds for a connection
ADDRESS = "/numbers.php"

# Inserts through WordPress's own database class, and says so when the row is committed.
PAGE = """<?php
define('SHORTINIT', true);
require __DIR__ . '/wp-load.php';
header('Content-Type: text/plain');
header('X-Version: VERSION');
if (isset($_GET['make'])) {
    $wpdb->query('CREATE TABLE numbers (number BIGINT PRIMARY KEY, machine VARCHAR(64), version VARCHAR(16))');
    exit($wpdb->last_error ?: 'made');
}
if (isset($_GET['all'])) {
    exit(implode("\\n", $wpdb->get_col('SELECT number FROM numbers ORDER BY number')));
}
$row = ['number' => (int) $_POST['number'], 'machine' => gethostname(), 'version' => 'VERSION'];
if (!$wpdb->insert('numbers', $row)) {
    http_response_code(500);
    exit('not inserted: ' . $wpdb->last_error);
}
exit("inserted {$row['number']}");
"""


def with_page(archive: Path, target: Path, version: str = "1") -> None:
    """A copy of WordPress's archive with the page that inserts numbers."""
    page = PAGE.replace("VERSION", version).encode()
    added = tarfile.TarInfo("./numbers.php")
    added.size, added.mode = len(page), 0o644
    packed = io.BytesIO(gzip.decompress(archive.read_bytes()))
    with tarfile.open(fileobj=packed, mode="a") as tar:
        tar.addfile(added, io.BytesIO(page))
    target.write_bytes(gzip.compress(packed.getvalue(), 1, mtime=0))


@dataclass(frozen=True)
class Page:
    """What a reader gets, and what must be in it."""

    address: str
    text: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Request:
    """One request, when it began and ended (of time.monotonic), and why it failed, if it did."""

    kind: str
    begun: float
    ended: float
    failure: str = ""
    version: str = ""

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.ended - self.begun


@dataclass(frozen=True)
class Account:
    """What became of the requests of a while."""

    begun: float
    ended: float
    requests: tuple[Request, ...]

    @property
    def failures(self) -> list[Request]:
        """Those that were not answered as they should be."""
        return [request for request in self.requests if request.failure]

    def good(self, kind: str) -> list[Request]:
        """The others."""
        return [request for request in self.requests if request.kind == kind and not request.failure]

    def slowest(self, kind: str) -> float:
        """Seconds of the good request that took longest."""
        return max((request.seconds for request in self.good(kind)), default=0.0)

    def pause(self, kind: str) -> float:
        """The longest time, in seconds, without the end of a good request."""
        ends = [self.begun, *sorted(request.ended for request in self.good(kind)), self.ended]
        return max(after - before for before, after in itertools.pairwise(ends))

    def why(self) -> str:
        """What the failures were: each sort once, with its number."""
        sorts: dict[str, int] = {}
        for request in self.failures:
            name = f"{request.kind}: {request.failure}"
            sorts[name] = sorts.get(name, 0) + 1
        return "; ".join(f"{number} of {name}" for name, number in sorts.items())


class Load:
    """Threads that go on until the end of `running`."""

    def __init__(self, url: str, pages: list[Page], readers: int = 4, writers: int = 2) -> None:
        self._place = _place(url)
        self._pages, self._readers, self._writers = pages, readers, writers
        self._numbers = itertools.count(time.time_ns() // 1000)  # no other load has had these
        self._over = threading.Event()
        self.requests: list[Request] = []
        self.acknowledged: set[int] = set()

    @contextmanager
    def running(self) -> Iterator["Load"]:
        """The load, for a while; a thread that broke is an error."""
        broken: list[BaseException] = []
        jobs = [*[self._read] * self._readers, *[self._write] * self._writers]
        threads = [threading.Thread(target=self._go_on, args=(job, k, broken)) for k, job in enumerate(jobs)]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self._over.set()
            for thread in threads:
                thread.join()
        assert not broken, broken

    def move(self, url: str) -> None:
        """From now on there: as visitors who look the name up again."""
        self._place = _place(url)

    def settled(self, seconds: float = 1.0) -> None:
        """Some more of it, so that what a step left behind is seen."""
        self._over.wait(seconds)

    @contextmanager
    def during(self, accounts: dict[str, Account], name: str) -> Iterator[None]:
        """Notes what became of the requests that ended inside, and a second later."""
        begun, first = time.monotonic(), len(self.requests)
        yield
        self.settled()
        accounts[name] = Account(begun, time.monotonic(), tuple(self.requests[first:]))

    def _go_on(self, job: "Job", number: int, broken: list[BaseException]) -> None:
        client = _Client(self._place)
        try:
            while not self._over.is_set():
                if client.place != self._place:
                    client.close()
                    client = _Client(self._place)
                request = job(client, number)
                self.requests.append(request)
                self._over.wait(0.1 if request.failure or request.kind == "write" else 0.4)
        except BaseException as error:
            broken.append(error)
        finally:
            client.close()

    def _read(self, client: "_Client", number: int) -> Request:
        page = self._pages[number % len(self._pages)]
        begun = time.monotonic()
        failure, version = client.ask("GET", page.address, dict(page.headers), page.text)
        return Request("read", begun, time.monotonic(), failure, version)

    def _write(self, client: "_Client", _: int) -> Request:
        number = next(self._numbers)
        begun = time.monotonic()
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        failure, version = client.ask("POST", ADDRESS, form, f"inserted {number}", f"number={number}")
        if not failure:
            self.acknowledged.add(number)
        return Request("write", begun, time.monotonic(), failure, version)


def _place(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or 80


class _Client:
    """One kept connection."""

    def __init__(self, place: tuple[str, int]) -> None:
        self.place = place
        self._connection = http.client.HTTPConnection(*place, timeout=NEAR)

    def ask(self, method: str, address: str, headers: dict[str, str], text: str, body: str = "") -> tuple[str, str]:
        """Why it failed, if it did, and which version of the page answered."""
        try:
            if self._connection.sock is None:
                self._connection.connect()
                self._connection.sock.settimeout(PATIENCE)
            self._connection.request(method, address, body or None, headers)
            answer = self._connection.getresponse()
            said = answer.read().decode(errors="replace")
        except (OSError, http.client.HTTPException) as error:
            self.close()
            return type(error).__name__, ""
        version = answer.headers.get("X-Version", "")
        if answer.status == 200 and text in said:
            return "", version
        words = " ".join(re.sub(r"(?s)<(style|script|title).*?</\1>|<[^>]*>", " ", said).split())
        return f"{answer.status}: {words[:100]}", version

    def close(self) -> None:
        """The next request opens another."""
        self._connection.close()


Job = Callable[[_Client, int], Request]
