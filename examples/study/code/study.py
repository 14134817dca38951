"""How chaotic is x -> r x (1 - x)? Each node computes its share of the values of r, the master collects them."""

import csv
import json
import math
import os
import socket
import sys
import time
from pathlib import Path

PORT = 9000
STEPS = 20_000
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
    send([(r, exponent(r), ME) for r in share])
    sys.stdout.write(f"{len(share)} values computed\n")


def send(rows):
    """The master may begin later than this node."""
    while True:
        try:
            with socket.create_connection((MASTER, PORT), timeout=5) as connection:
                return connection.sendall(json.dumps(rows).encode())
        except OSError:
            time.sleep(0.2)


def collect():
    rows, waiting = [], set(NODES)
    with socket.create_server((ME, PORT)) as server:
        while waiting:
            connection, (address, _) = server.accept()
            with connection, connection.makefile("rb") as file:
                rows += json.loads(file.read())
            waiting.discard(address)
    target = Path(os.environ["CONPAAS_DATA"], "results.csv")
    with target.open("w", newline="") as file:
        csv.writer(file).writerows([("r", "exponent", "node"), *sorted(rows)])
    sys.stdout.write(f"{len(rows)} values of {len(NODES)} nodes are in {target}\n")


if ME == MASTER:
    collect()
else:
    compute(int(sys.argv[1]))
