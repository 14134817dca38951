"""A version of the code made active, to and fro, while visitors read: one php service with two backends."""

import json
import tempfile
from pathlib import Path

from benchmarks.figure import Figure
from benchmarks.trial import processor, stopwatch
from tests.e2e import load
from tests.e2e.conftest import Story, tell

SERVICE = "front"
VERSIONS = ("one", "two")
TO_AND_FRO = 5  # activations a run: they are short
PAGE = '<?php header("X-Version: {0}"); echo "version {0}";'


def measure(runs: int) -> list[Figure]:
    """One application for all runs; the first activation, which unpacks the new version, is left out."""
    switched = Figure("`code activate --previous`, 2 backends", "2")
    asked, failed = Figure("requests meanwhile", unit="requests"), Figure("of these failed", "0", unit="requests")
    with tempfile.TemporaryDirectory() as folder:
        for story in tell(Path(folder), "bench"):
            story.environment.pop("PYTHONDONTWRITEBYTECODE", None)  # as in a user's installation
            url = _up(story)
            visitors = load.Load(url, [load.Page("/", "version")], readers=6, writers=0)
            accounts: dict[str, load.Account] = {}
            with visitors.running():
                for number in range(runs * TO_AND_FRO):
                    before = processor()
                    with visitors.during(accounts, str(number)):
                        with stopwatch(switched.samples):
                            story.conpaas("code", "activate", story.manifest, SERVICE, "--previous")
                        switched.parts.append({"processor": processor() - before})
            for account in accounts.values():
                asked.samples.append(len(account.requests))
                failed.samples.append(len(account.failures))
            seen = {request.version for request in visitors.requests if not request.failure}
            assert seen == {*VERSIONS}, f"visitors saw {seen}"
    return [switched, asked, failed]


def _up(story: Story) -> str:
    """Its address, once both versions were active."""
    for name in VERSIONS:
        (story.folder / name).mkdir()
        (story.folder / name / "index.php").write_text(PAGE.format(name))
    first, second = VERSIONS
    counts = {"proxy": 1, "web": 2, "backend": 2}
    story.write(
        {"Services": [{"Type": "php", "ServiceName": SERVICE, "StartupInstances": counts, "Archive": first}]}
    )
    story.conpaas("up", story.manifest)
    said = story.conpaas("code", "upload", story.name, SERVICE, story.folder / second, "--format", "json", quiet=True)
    story.conpaas("code", "activate", story.manifest, SERVICE, json.loads(said)["versions"][0]["version"])
    (url,) = story.status()["urls"].values()
    return str(url)
