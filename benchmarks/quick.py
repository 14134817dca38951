"""Verbs that answer at once, beside a Python that does nothing; with the processor's time, for other work shares it."""

import json
import subprocess

from benchmarks.figure import Figure
from benchmarks.trial import CONPAAS, PYTHON, Trial, processor, stopwatch, trial

MISTAKES = (('"php"', '"phb"'), ('"ServiceName"', '"ServicName"'), ('"Description"', '"Descripton"'))
SAMPLES = 5  # a run: they are short


def measure(runs: int) -> list[Figure]:
    """Archives that `validate` has seen before are not looked at again; the first look is left out."""
    with trial() as made:
        asked = (
            (Figure("`validate`, 3 mistakes", "0.2"), ("validate", _broken(made))),
            (Figure("`validate`, no mistake", ""), ("validate", str(made.manifest))),
            (Figure("`validate`, small manifest", ""), ("validate", _small(made))),
            (Figure("`--help`", "0.12"), ("--help",)),
            (Figure("`up --help`", ""), ("up", "--help")),
            (Figure("`list`, nothing there", ""), ("list",)),
            (Figure("`history`, nothing there", ""), ("history", made.name)),
        )
        for figure, arguments in asked:
            _time([], [CONPAAS, *arguments], made)
            for _ in range(runs * SAMPLES):
                before = processor()
                _time(figure.samples, [CONPAAS, *arguments], made)
                figure.parts.append({"processor": processor() - before})
                _time(figure.bare, [PYTHON, "-c", "pass"], made)
    return [figure for figure, _ in asked]


def _broken(made: Trial) -> str:
    text = made.manifest.read_text()
    for right, wrong in MISTAKES:
        assert right in text, f"examples/dokuwiki/manifest.json has no {right} any more"
        text = text.replace(right, wrong, 1)
    path = made.manifest.with_name("broken.json")
    path.write_text(text)
    return str(path)


def _small(made: Trial) -> str:
    """Without code."""
    path = made.manifest.with_name("small.json")
    path.write_text(json.dumps({"Application": made.name, "Services": [{"Type": "php", "ServiceName": "web"}]}))
    return str(path)


def _time(samples: list[float], command: list[str], made: Trial) -> None:
    with stopwatch(samples):
        subprocess.run(command, env=made.environment, capture_output=True, check=False)
