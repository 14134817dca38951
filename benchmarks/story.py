"""DokuWiki from `up` to `down`, and the bare engine with the same machines. Warm: the images are there."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks import bare
from benchmarks.figure import Figure
from benchmarks.trial import PYTHON, ROOT, Trial, await_answers, run, stopwatch, trial
from conpaas_iac.core.declaration import Declaration
from conpaas_iac.engine.engine import Engine
from conpaas_iac.settings import load


def measure(runs: int) -> list[Figure]:
    """Every run is a new application; the split of `up` comes from another one, with a clock inside."""
    up, none, out = (
        Figure("`up`, first good answer", "12"),
        Figure("`up`, no change", "1.5 bare"),
        Figure("`scale` 1 → 2, both serve", "8"),
    )
    back, down = Figure("`scale` 2 → 1"), Figure("`down`")
    for _ in range(runs):
        with trial() as clocked:
            up.parts.append(_clocked(clocked))
            none.parts.append(_clocked(clocked))
            text = clocked.manifest.read_text()
            clocked.manifest.write_text(text.replace('"backend": 1', '"backend": 2'))
            out.parts.append(_clocked(clocked))
            clocked.manifest.write_text(text)
            back.parts.append(_clocked(clocked))
        with trial() as made:
            with stopwatch(up.samples):
                url = _url(made.conpaas("up", str(made.manifest), "--format", "json"))
                await_answers(url)
            one = _declared(made)
            with stopwatch(none.samples):
                made.conpaas("up", str(made.manifest))
            with stopwatch(out.samples):
                made.conpaas("scale", str(made.manifest), "wiki", "backend=2")
                await_answers(url, 2)
            two = _declared(made)
            with stopwatch(back.samples):
                made.conpaas("scale", str(made.manifest), "wiki", "backend=1")
            with stopwatch(down.samples):
                made.conpaas("down", made.name, "--yes")
            with _bare_stack(made):
                for figure, declaration in ((up, one), (none, one), (out, two), (back, one)):
                    with stopwatch(figure.bare):
                        _bare(made, declaration)
                with stopwatch(down.bare):
                    _bare(made, None)
    return [up, none, out, back, down]


def _url(said: str) -> str:
    """Of what `up --format json` printed."""
    urls: dict[str, str] = json.loads(said)["urls"]
    return next(iter(urls.values()))


def _clocked(made: Trial) -> dict[str, float]:
    command = [PYTHON, "-m", "benchmarks.traced", str(made.manifest), str(time.time())]
    parts: dict[str, float] = json.loads(run(command, {**made.environment, "PYTHONPATH": str(ROOT)}))
    return parts


def _declared(made: Trial) -> Declaration:
    """What the application's stack holds, for a bare stack of its own."""
    engine = Engine.find(load(made.environment), made.name, "default")
    assert engine, f"{made.name} has no stack"
    applied = engine.applied()
    return Declaration(f"{made.name}-bare", "default", "10.42.0.0/16", 1, applied.machines)


@contextmanager
def _bare_stack(made: Trial) -> Iterator[None]:
    try:
        yield
    finally:
        _bare(made, None)


def _bare(made: Trial, declaration: Declaration | None) -> None:
    order = bare.order(made.folder / "bare", declaration)
    run([PYTHON, "-m", "benchmarks.bare"], {**made.environment, "PYTHONPATH": str(ROOT)}, order)
