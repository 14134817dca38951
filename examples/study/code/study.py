"""How chaotic is x -> r x (1 - x)? Each node computes its share of the values of r, the master collects them.

Shares and results are files on a volume that every machine has at /mnt/results.
"""

import csv
import json
import math
import os
import sys
import time
from pathlib import Path

STEPS = 20_000
RESULTS = Path("/mnt/results")
ME, MASTER = os.environ["MY_IP"], os.environ["MASTER_IP"]
NODES = [each["ip"] for each in json.loads(Path(os.environ["CONPAAS_AGENTS"]).read_text()) if each["role"] == "node"]


def exponent(r):
    """Lyapunov's: above 0 there is chaos."""
    x, total = 0.5, 0.0
    for _ in range(STEPS):
        x = r * x * (1 - x)
        total += math.log(max(abs(r * (1 - 2 * x)), 1e-12))
    return total / STEPS


def compute(count):
    share = [2.5 + 1.5 * k / count for k in range(count)][NODES.index(ME) :: len(NODES)]
    write(f"share-{ME}.csv", [(r, exponent(r), ME) for r in share])
    sys.stdout.write(f"{len(share)} values computed\n")


def collect():
    shares = [RESULTS / f"share-{node}.csv" for node in NODES]
    while not all(share.exists() for share in shares):
        time.sleep(0.2)
    rows = [row for share in shares for row in csv.reader(share.open(newline=""))]
    write("results.csv", [("r", "exponent", "node"), *sorted(rows, key=lambda row: float(row[0]))])
    for share in shares:
        share.unlink()
    sys.stdout.write(f"{len(rows)} values of {len(NODES)} nodes are in {RESULTS}/results.csv\n")


def write(name, rows):
    """Under its name only once it is whole: others look for it."""
    new = RESULTS / f".{name}.new"
    with new.open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    new.rename(RESULTS / name)


if ME == MASTER:
    collect()
else:
    compute(int(sys.argv[1]))
