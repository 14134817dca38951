"""A volume beside the disk that lies under it: the same files written and read by one machine, and by another."""

import json

from benchmarks.figure import Figure
from benchmarks.trial import stopwatch, trial
from tests.e2e.machines import run

SIZE, SMALL = 256, 500  # MiB of the large file, how many files of 4 KiB
VOLUME, DISK = "/mnt/results", "/var/tmp"

# Prints {"write": MiB/s, "read": MiB/s, "small": files/s}; "read" of a machine whose cache does not hold the file.
WORK = f"""
import json, os, shutil, sys, time
folder, verb = os.path.join(sys.argv[1], "bench"), sys.argv[2]
block, path = os.urandom(1 << 20), os.path.join(folder, "large")
def forgotten():
    with open(path, "rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
def write():
    os.makedirs(folder, exist_ok=True)
    with open(path, "wb", buffering=0) as file:
        for number in range({SIZE}):
            file.write(block[number:] + block[:number])
        os.fsync(file.fileno())
    return {SIZE}
def read():
    forgotten()
    with open(path, "rb", buffering=0) as file:
        while file.read(1 << 20):
            pass
    return {SIZE}
def small():
    for number in range({SMALL}):
        with open(os.path.join(folder, str(number)), "wb") as file:
            file.write(block[:4096])
            file.flush()
            os.fsync(file.fileno())
    return {SMALL}
begun = time.monotonic()
done = {{"write": write, "read": read, "small": small}}[verb]()
print(json.dumps(done / (time.monotonic() - begun)))
if verb == "small":
    shutil.rmtree(folder)
"""


def measure(runs: int) -> list[Figure]:
    """`bare` is the disk of the same machine."""
    up, out, back = (Figure(name) for name in ("study with a volume, `up`", "one OSD more", "one OSD less"))
    wrote = Figure(f"volume, {SIZE} MiB written, two copies", unit="MiB/s")
    read = Figure(f"volume, {SIZE} MiB read by the machine that wrote", unit="MiB/s")
    others = Figure(f"volume, {SIZE} MiB read by another machine", unit="MiB/s")
    small = Figure(f"volume, {SMALL} files of 4 KiB, each on disk before the next", unit="files/s")
    with trial("study") as told:
        with stopwatch(up.samples):
            told.conpaas("up", str(told.manifest))
        first, second = (f"{told.name}--jobs-{name}-1" for name in ("master", "node"))
        for _ in range(runs):
            wrote.samples.append(_rate(first, VOLUME, "write"))
            others.samples.append(_rate(second, VOLUME, "read"))
            for figure, verb in ((read, "read"), (small, "small")):
                figure.samples.append(_rate(first, VOLUME, verb))
            for figure, verb in ((wrote, "write"), (read, "read"), (small, "small")):
                figure.bare.append(_rate(first, DISK, verb))
        for figure, change in ((out, "osd=+1"), (back, "osd=-1")):
            with stopwatch(figure.samples):
                told.conpaas("scale", str(told.manifest), "files", change)
    return [up, out, back, wrote, read, others, small]


def _rate(machine: str, folder: str, verb: str) -> float:
    return float(json.loads(run(machine, "python3", "-c", WORK, folder, verb)))
