"""A figure: what was measured, how often, what it stands beside and what it aims at. Seconds, unless it has a unit."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from statistics import median


@dataclass
class Figure:
    """Samples of one figure; `bare` are those of the same work without conpaas."""

    name: str
    aim: str = ""
    samples: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)
    parts: list[Mapping[str, float]] = field(default_factory=list)  # what a sample is made of
    unit: str = ""

    @property
    def split(self) -> dict[str, float]:
        """Medians of the parts, in order."""
        names = dict.fromkeys(name for parts in self.parts for name in parts)
        return {name: median(parts.get(name, 0.0) for parts in self.parts) for name in names}

    def cells(self) -> tuple[str, ...]:
        """Name, median, fastest and slowest, bare median, aim, parts."""
        spread = f"{min(self.samples):.2f} to {max(self.samples):.2f}"
        middle = f"{median(self.samples):.2f} {self.unit}".strip()
        bare = f"{median(self.bare):.2f}" if self.bare else ""
        made_of = " · ".join(f"{name} {seconds:.2f}" for name, seconds in self.split.items())
        return self.name, middle, spread, bare, self.aim, made_of


HEADINGS = ("figure", "median s", "spread", "bare", "aim", "made of")


def markdown(figures: Iterable[Figure]) -> str:
    """A table for benchmarks/README.md."""
    rows = [HEADINGS, tuple("---" for _ in HEADINGS), *(figure.cells() for figure in figures)]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)
