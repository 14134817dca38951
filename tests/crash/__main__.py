"""Crash injection: `python -m tests.crash 1000` plays that many runs; `--seed S --steps K` one story again."""

import argparse
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field

from tests.crash.story import Story, Violated
from tests.crash.world import zygote

STEPS = 10  # of a story; each is one run: a command that is killed, and the one that mends it


@dataclass
class Result:
    """How a story went."""

    seed: int
    runs: int = 0
    killed: int = 0
    seconds: float = 0.0
    violated: str = ""
    left: dict[str, int] = field(default_factory=dict)

    @property
    def again(self) -> str:
        """The command that plays it again."""
        return f"python -m tests.crash --seed {self.seed} --steps {self.runs}"


def play(seed: int, steps: int = STEPS, is_loud: bool = False) -> Result:
    """One story."""
    result, begun = Result(seed), time.monotonic()
    with zygote() as tool:
        story = Story(seed, tool)
        with story.world:
            try:
                for _ in range(steps):
                    result.runs += 1
                    result.killed += story.play(print if is_loud else None).killed
            except Violated as violated:
                result.violated = str(violated)
                if is_loud and (story.world.folder / "log").exists():
                    print((story.world.folder / "log").read_text()[-3000:])
        result.left = story.world.left
    result.seconds = time.monotonic() - begun
    return result


def several(seeds: list[int], steps: int, parallel: int) -> list[Result]:
    """Many stories; failing ones are said at once."""
    found = []
    with ProcessPoolExecutor(parallel) as pool:
        for done in as_completed([pool.submit(play, seed, steps) for seed in seeds]):
            result = done.result()
            found.append(result)
            if len(found) % 5 == 0:
                runs, bad = sum(each.runs for each in found), sum(bool(each.violated) for each in found)
                print(f"{len(found)} of {len(seeds)} stories, {runs} runs, {bad} violated", flush=True)
            if result.violated:
                print(f"story {result.seed}, step {result.runs}:\n    {result.violated}\n  {result.again}", flush=True)
    return found


def main() -> int:
    """See above."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("runs", nargs="?", type=int, default=0, help="how many runs")
    parser.add_argument("--first", type=int, default=1, help="the first story's seed")
    parser.add_argument("--seed", type=int, help="just this story, told aloud")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--parallel", type=int, default=2)
    said = parser.parse_args()
    if said.seed is not None:
        result = play(said.seed, said.steps, is_loud=True)
        print(result.violated or "as it should be", f"({result.seconds:.1f} s, left: {result.left})")
        return bool(result.violated)
    begun = time.monotonic()
    stories = -(-said.runs // said.steps)
    results = several(list(range(said.first, said.first + stories)), said.steps, said.parallel)
    runs, bad = sum(each.runs for each in results), [each for each in results if each.violated]
    left = {key: sum(each.left.get(key, 0) for each in results) for key in ("processes", "folders")}
    print(
        f"{runs} runs ({sum(each.killed for each in results)} killed) in {len(results)} stories, "
        f"{len(bad)} violated; {sum(each.seconds for each in results) / max(1, runs):.2f} s a run, "
        f"{time.monotonic() - begun:.0f} s in all; left behind by kills: {left}"
    )
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())
