"""`conpaas fleet plan` of many applications that are there and unchanged, on a cloud in memory."""

import json
import os
import subprocess
from pathlib import Path

from benchmarks.crowd import TOOL, Crowd, crowd
from benchmarks.figure import Figure
from benchmarks.trial import PYTHON, stopwatch

SIZES = tuple(int(size) for size in os.environ.get("BENCH_APPLICATIONS", "1,10,50").split(","))
MACHINES = 2  # of each application


def measure(runs: int) -> list[Figure]:
    """The applications are made once, by `up`; then they are planned as often as is asked."""
    figures = [Figure(f"`fleet plan`, {size}, no change", "10" if size == 50 else "") for size in SIZES]
    with crowd() as made:
        top = made.folder / "fleet"
        subprocess.run(["git", "init", "-q", str(top)], check=True)
        (top / "conpaas.json").write_text('{"Fleet": "bench"}')
        for number in range(max(SIZES)):
            _make(made, top, number)
        names = sorted(path.name for path in (top / "fleet").iterdir())
        for _ in range(runs):
            for size, figure in zip(SIZES, figures, strict=True):
                with stopwatch(figure.samples):
                    said = _conpaas(made, "fleet", "plan", "-C", str(top), "--format", "json", *names[:size])
                applications = json.loads(said)["applications"]
                assert {each["what"] for each in applications} == {"as it is"}
                assert len(applications) == size
    return figures


def _make(made: Crowd, top: Path, number: int) -> None:
    """With a range of its own: those of the pool, 32, would not do for all."""
    name = f"bench{number}"
    manifest = top / "fleet" / name / "manifest.json"
    manifest.parent.mkdir(parents=True)
    numbers = {"proxy": 1, "web": 1, "backend": MACHINES}
    service = {"Type": "php", "ServiceName": "web", "StartupInstances": numbers}
    network = {"Range": f"10.{100 + number}.0.0/16"}
    manifest.write_text(json.dumps({"Application": name, "Network": network, "Services": [service]}))
    _conpaas(made, "up", str(manifest))


def _conpaas(made: Crowd, *words: str) -> str:
    done = subprocess.run([PYTHON, "-c", TOOL, *words], env=made.environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{words}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout
