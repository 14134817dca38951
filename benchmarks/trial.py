"""One application of one benchmark: a folder, a state and a name of its own; nothing of it is left at the end."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage

ROOT = Path(__file__).parents[1]
PYTHON = sys.executable
CONPAAS = str(Path(sys.executable).with_name("conpaas"))
PATIENCE = 30.0  # seconds until an application must have answered


def environment() -> dict[str, str]:
    """Bytecode is written and used, as in a user's installation; the user is at the shell."""
    unwanted = ("PYTHONDONTWRITEBYTECODE", "CI")
    return {name: value for name, value in os.environ.items() if name not in unwanted}


@dataclass(frozen=True)
class Trial:
    """An application made from an example."""

    name: str
    folder: Path
    environment: Mapping[str, str]

    @property
    def manifest(self) -> Path:
        """Its manifest."""
        return self.folder / "app" / "manifest.json"

    def conpaas(self, *arguments: str) -> str:
        """Run a verb; raises CalledProcessError with what it said."""
        return run([CONPAAS, *arguments], self.environment)


@contextmanager
def trial(example: str = "dokuwiki") -> Iterator[Trial]:
    """A new application's folder; machines and state go at the end, also after a failure."""
    folder = Path(tempfile.mkdtemp(prefix="conpaas-bench-"))
    made = Trial(f"bench-{uuid.uuid4().hex[:6]}", folder, {**environment(), "CONPAAS_STATE_DIR": str(folder / "state")})
    try:
        shutil.copytree(ROOT / "examples" / example, folder / "app", ignore=shutil.ignore_patterns("*.lock.json"))
        document = json.loads(made.manifest.read_text())
        made.manifest.write_text(json.dumps({**document, "Application": made.name}, indent=2))
        yield made
    finally:
        command = [CONPAAS, "down", made.name, "--yes", "--allow-data-loss=db", "--allow-data-loss=files"]
        subprocess.run(command, env=made.environment, capture_output=True, check=False)
        shutil.rmtree(folder)


def run(command: list[str], environment: Mapping[str, str], stdin: str = "") -> str:
    """What a command prints; when it fails, what it said is shown."""
    done = subprocess.run(command, env=environment, input=stdin, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


@contextmanager
def stopwatch(samples: list[float]) -> Iterator[None]:
    """Adds the seconds that the context took, unless it failed."""
    begun = time.monotonic()
    yield
    samples.append(time.monotonic() - begun)


def processor() -> float:
    """Seconds of the processor that all processes which have ended took."""
    used = getrusage(RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def await_answers(url: str, backends: int = 1) -> None:
    """Until so many backends have answered with a page of the application, each time as a new visitor."""
    met: set[str] = set()
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        with urllib.request.urlopen(url, timeout=10) as answer:
            assert b"DokuWiki" in answer.read(), f"{url} does not answer with DokuWiki"
            cookies = answer.headers.get_all("Set-Cookie", [])
            met |= {cookie.partition(";")[0] for cookie in cookies if cookie.startswith("CONPAAS=")}
        if len(met) >= backends:
            return
    raise TimeoutError(f"{url}: {len(met)} of {backends} backends answered within {PATIENCE:.0f} s")
