"""WordPress on three database and two web machines: up, then every change of the machines under a steady load."""

import json
import re
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from benchmarks.figure import Figure
from benchmarks.trial import PYTHON, ROOT, Trial, run, trial
from tests.e2e import load, wordpress
from tests.e2e.machines import lxc
from tests.e2e.machines import run as on_machine

TITLE = "The blog of a benchmark"
PROXY = "replace blog-1, the only proxy"
ROWS = ("mysql", "-N", "-e", "SELECT number FROM wordpress.numbers")

Step = Callable[[Trial], object]


def scale(*changes: str) -> Step:
    """To other numbers of machines."""
    return lambda made: made.conpaas("scale", str(made.manifest), *changes)


def replace(node: str) -> Step:
    """One machine anew."""
    return lambda made: made.conpaas("replace", str(made.manifest), node)


def new_version(made: Trial) -> None:
    """Of the code: the page that inserts numbers says another version."""
    load.with_page(_fetched(), made.folder / "app" / "wordpress.tar.gz", "2")
    made.conpaas("up", str(made.manifest))


STEPS: dict[str, Step] = {
    "nothing": lambda made: time.sleep(5),
    "php 2 → 4": scale("blog", "backend=4"),
    "php 4 → 2": scale("blog", "backend=2"),
    "mysql 3 → 5": scale("db", "mysql=5"),
    "mysql 5 → 3": scale("db", "mysql=3"),
    "replace blog-2": replace("blog-2"),
    "replace db-1": replace("db-1"),
    "replace db-2": replace("db-2"),
    "replace db-3": replace("db-3"),
    "a new version of the code": new_version,
    "a new password": lambda made: made.conpaas("secret", "rotate", made.name, "db"),
    PROXY: replace("blog-1"),
}


def measure(runs: int) -> list[Figure]:
    """Every run is a new application. Under load, "made of" are requests, failures, and longest waits in seconds."""
    first, cost = Figure("`up`, 3 mysql and 2 php, first good page", "30"), Figure("configuration, a machine", "1.5")
    steps = {name: Figure(f"under load: {name}") for name in STEPS}
    failed = Figure("requests failed, but for the proxy's step", "0", unit="requests")
    pause = Figure("longest pause of writes, but for the proxy's step", unit="ms")
    outage = Figure("outage while the only proxy is replaced")
    lost = Figure("acknowledged INSERTs lost", "0", unit="rows")
    for _ in range(runs):
        with trial("wordpress") as made:
            load.with_page(_fetched(), made.folder / "app" / "wordpress.tar.gz")
            url = _up(made, first, cost)
            wordpress.install(url, TITLE)
            accounts, running = _loaded(made, url)
            for name, account in accounts.items():
                _note(steps[name], account)
                print(f"{name}: {account.why() or 'nothing failed'}", file=sys.stderr)
            others = [account for name, account in accounts.items() if name != PROXY]
            failed.samples.append(sum(len(account.failures) for account in others))
            pause.samples.append(1000 * max(account.pause("write") for account in others))
            outage.samples.append(accounts[PROXY].pause("read"))
            stored = _stored(made)
            assert len(stored) == 3, f"{len(stored)} database machines at the end"
            lost.samples.append(max(len(running.acknowledged - numbers) for numbers in stored))
            cell = f"{len(running.acknowledged)} acknowledged, {[len(numbers) for numbers in stored]} on the machines"
            print(cell, file=sys.stderr)
    return [first, cost, *steps.values(), failed, pause, outage, lost]


def _fetched() -> Path:
    archive = ROOT / "examples" / "wordpress" / "wordpress.tar.gz"
    assert archive.exists(), "run examples/wordpress/fetch.sh first"
    return archive


def _up(made: Trial, first: Figure, cost: Figure) -> str:
    begun = time.time()
    command = [PYTHON, "-m", "benchmarks.visited", str(made.manifest), str(begun)]
    said = json.loads(run(command, {**made.environment, "PYTHONPATH": str(ROOT)}))
    url: str = json.loads(made.conpaas("status", made.name, "--format", "json"))["urls"]["blog"]
    with urllib.request.urlopen(url, timeout=30) as answer:
        assert b"WordPress" in answer.read(), f"{url} does not answer with WordPress"
    first.samples.append(time.time() - begun)
    first.parts.append(said["parts"])
    cost.samples.append(said["ansible"] / said["visits"])
    return url


def _loaded(made: Trial, url: str) -> tuple[dict[str, load.Account], load.Load]:
    author = wordpress.log_in(url)
    said = author.open(f"{load.ADDRESS}?make=1")
    assert said == "made", said
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in author.cookies if cookie.name != "CONPAAS")
    pages = [
        load.Page("/", TITLE),
        load.Page("/", "logged-in", {"Cookie": cookies}),
        load.Page("/?rest_route=/wp/v2/posts/1", "Hello world"),
        load.Page("/wp-login.php", "user_login"),
    ]
    accounts: dict[str, load.Account] = {}
    running = load.Load(url, pages)
    with running.running():
        for name, step in STEPS.items():
            follows = _followed(made, running) if name == PROXY else nullcontext()
            with running.during(accounts, name), follows:
                step(made)
    return accounts, running


@contextmanager
def _followed(made: Trial, running: load.Load) -> Iterator[None]:
    """The load goes where blog-1 is: a new machine may get another address from the provider."""
    over = threading.Event()

    def follow() -> None:
        while not over.wait(0.3):
            said = lxc("list", "--format=csv", "--columns=4", f"^{made.name}--blog-1$")
            for address in re.findall(r"([0-9.]+) \(eth0\)", said):
                running.move(f"http://{address}/")

    thread = threading.Thread(target=follow)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _note(figure: Figure, account: load.Account) -> None:
    figure.samples.append(account.ended - account.begun)
    figure.parts.append(
        {
            "requests": len(account.requests),
            "failed": len(account.failures),
            "pause of writes": account.pause("write"),
            "slowest write": account.slowest("write"),
            "slowest page": account.slowest("read"),
        }
    )


def _stored(made: Trial) -> list[set[int]]:
    """What each database machine itself has."""
    nodes = json.loads(made.conpaas("status", made.name, "--format", "json"))["nodes"]
    members = [node["name"] for node in nodes if "mysql" in node["groups"]]
    return [{int(line) for line in on_machine(f"{made.name}--{node}", *ROWS).split()} for node in members]
