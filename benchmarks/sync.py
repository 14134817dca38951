"""From a pushed commit to machines that are as it says, through `conpaas fleet sync`; on machines of its own."""

import subprocess
import tempfile
from pathlib import Path

from benchmarks.figure import Figure
from benchmarks.trial import stopwatch
from tests.e2e.conftest import CONPAAS, tell
from tests.e2e.machines import until
from tests.e2e.test_fleet import Fleet

INTERVAL = 1.0  # seconds between two looks


def measure(runs: int) -> list[Figure]:
    """A small PHP application, one backend more and one less; the time to the next look is in it."""
    more = Figure(f"commit to converged, scale +1, looked for every {INTERVAL:g} s", f"{INTERVAL + 10:g}")
    less = Figure(f"commit to converged, scale -1, looked for every {INTERVAL:g} s")
    with tempfile.TemporaryDirectory() as folder:
        for story in tell(Path(folder), "bench"):
            fleet = Fleet(story)
            words = (str(fleet.hub), "--interval", f"{INTERVAL}s", "--report", str(fleet.report))
            follower = subprocess.Popen([CONPAAS, "fleet", "sync", *words], env=story.environment)
            try:
                fleet.write("one")
                fleet.stories["one"].conpaas("lock", fleet.manifest("one"))
                _followed(fleet)
                for _ in range(runs):
                    for figure, count in ((more, 2), (less, 1)):
                        fleet.write("one", StartupInstances={"backend": count})
                        with stopwatch(figure.samples):
                            _followed(fleet)
            finally:
                follower.terminate()
                follower.wait()
                fleet.stories["one"].remove()
    return [more, less]


def _followed(fleet: Fleet) -> None:
    commit = fleet.push()
    until(lambda: fleet.states(commit) == {"one": "done"}, 300)
