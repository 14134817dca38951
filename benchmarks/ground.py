"""What the first `up` on a bare machine needs before, as far as it can be made again without touching this machine."""

import tempfile
from pathlib import Path

from benchmarks.figure import Figure
from benchmarks.trial import PYTHON, ROOT, environment, run, stopwatch


def measure(runs: int) -> list[Figure]:
    """Once each, into folders of their own: `pip install`, and the engine (a download, else a build)."""
    install, engine = Figure("Python environment"), Figure("engine")
    with tempfile.TemporaryDirectory(prefix="conpaas-bench-") as folder:
        venv = Path(folder) / "venv"
        with stopwatch(install.samples):
            run([PYTHON, "-m", "venv", str(venv)], environment())
            run([str(venv / "bin" / "pip"), "install", "--quiet", str(ROOT)], environment())
        program = "from conpaas_iac import settings; from conpaas_iac.host import engine; "
        program += "engine.install(settings.load(), print)"
        with stopwatch(engine.samples):
            run([PYTHON, "-c", program], {**environment(), "CONPAAS_CACHE_DIR": f"{folder}/cache"})
    return [install, engine]
