"""What the VPN's stories do on machines: commands, listeners, connections tried, a machine of the test's own."""

import json
import re
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from uuid import uuid4

from conpaas_iac import settings
from conpaas_iac.host import base_image

PATIENCE = 20.0  # seconds

# Reads [[address, port, protocol], …]; prints what became of each, tried side by side: open and refused both mean that
# the packet was let in, dropped that nothing came back. A pure function of a machine: it needs Python and nothing else.
PROBE = """
import json, selectors, socket, sys, time
targets, found, waiting = json.load(sys.stdin), {}, selectors.DefaultSelector()
for address, port, protocol in targets:
    kind = socket.SOCK_DGRAM if protocol == "udp" else socket.SOCK_STREAM
    tried = socket.socket(socket.AF_INET, kind)
    tried.setblocking(False)
    tried.connect_ex((address, port))
    if protocol == "udp":
        tried.send(b"?")
    events = selectors.EVENT_READ if protocol == "udp" else selectors.EVENT_WRITE
    waiting.register(tried, events, f"{address} {port}/{protocol}")
end = time.monotonic() + 2.5
while waiting.get_map() and time.monotonic() < end:
    for key, _ in waiting.select(end - time.monotonic()):
        failed = key.fileobj.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        found[key.data] = "refused" if failed == 111 else "open" if not failed else f"error {failed}"
        waiting.unregister(key.fileobj)
for key in waiting.get_map().values():
    found[key.data] = "dropped"
print(json.dumps(found))
"""

Target = tuple[str, int, str]  # address, port, protocol


def run(machine: str, *command: str, stdin: str = "", check: bool = True, project: str = "") -> str:
    """A command as root on a machine; what it printed, errors included."""
    done = subprocess.run(
        ["lxc", "--project", project or settings.load().lxd_project, "exec", machine, "-T", "--", *command],
        input=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert not check or done.returncode == 0, f"{machine}: {' '.join(command)}: exit {done.returncode}\n{done.stdout}"
    return done.stdout


def lxc(*arguments: str) -> str:
    """A command of LXD in our project."""
    command = ["lxc", "--project", settings.load().lxd_project, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def listen(machine: str, *ports: int) -> None:
    """Something that answers at each port, on every address of the machine."""
    for port in ports:
        run(machine, "systemd-run", "--quiet", f"--unit=test-{port}", "python3", "-m", "http.server", str(port))
        until(lambda port=port: f":{port} " in run(machine, "ss", "-Hltn"))


def tried(machine: str, targets: Iterable[Target]) -> dict[Target, str]:
    """What became of connections from a machine; "" is this host itself."""
    wanted = list(targets)
    if machine:
        said = run(machine, "python3", "-c", PROBE, stdin=json.dumps(wanted))
    else:
        asked = json.dumps(wanted)
        said = subprocess.run(["python3", "-c", PROBE], input=asked, check=True, capture_output=True, text=True).stdout
    found = json.loads(said)
    return {target: found[f"{target[0]} {target[1]}/{target[2]}"] for target in wanted}


def all_tried(machines: Iterable[str], targets: Mapping[str, Iterable[Target]]) -> dict[tuple[str, Target], str]:
    """From all of them at the same time; `targets` by machine."""
    with ThreadPoolExecutor() as pool:
        found = pool.map(lambda machine: (machine, tried(machine, targets[machine])), machines)
    return {(machine, target): result for machine, results in found for target, result in results.items()}


def pinged(machine: str, addresses: Iterable[str], seconds: float = 10) -> set[str]:
    """Those that answer a ping from there within the time."""
    return set(run(machine, "python3", "-c", PING, str(seconds), *addresses).split())


# Debian's minimal image has no ping. Prints the addresses that answered, and ends with the last of them.
PING = """
import os, socket, struct, sys, time
def total(data):
    words = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    words = (words >> 16) + (words & 65535)
    return ~(words + (words >> 16)) & 65535
rest = struct.pack("!HH", os.getpid() & 65535, 1) + b"conpaas!"
packet = struct.pack("!BBH", 8, 0, total(b"\\x08\\0\\0\\0" + rest)) + rest
icmp = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
icmp.settimeout(0.2)
silent, end = set(sys.argv[2:]), time.monotonic() + float(sys.argv[1])
while silent and time.monotonic() < end:
    for address in silent:
        try:
            icmp.sendto(packet, (address, 0))
        except OSError:
            time.sleep(0.1)
    try:
        while silent:
            answer, sender = icmp.recvfrom(200)
            if answer[20] == 0 and answer[24:] == rest:
                silent.discard(sender[0])
    except TimeoutError:
        pass
print(*(set(sys.argv[2:]) - silent))
"""


def until(holds: Callable[[], bool], seconds: float = PATIENCE) -> None:
    """Wait for a condition, not for a time; fails after a while."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"not within {seconds:.0f} s"
        time.sleep(0.1)


@contextmanager
def scratch(network: str = "") -> Iterator[str]:
    """A machine of the test's own, of the base image and in nobody's application; removed at the end."""
    name = f"t-{uuid4().hex[:8]}"
    where = ("--network", network) if network else ()
    try:
        lxc("launch", base_image.alias(settings.load()), name, "--profile", "conpaas", *where)
        until(lambda: run(name, "systemctl", "is-system-running", check=False).strip() in ("running", "degraded"))
        address(name)
        yield name
    finally:
        subprocess.run(
            ["lxc", "--project", settings.load().lxd_project, "delete", "--force", name],
            capture_output=True,
            check=False,
        )


def address(machine: str) -> str:
    """On the provider's network; DHCP may still be at work."""
    found: list[str] = []

    def known() -> bool:
        said = run(machine, "ip", "-4", "-o", "addr", "show", "eth0", check=False)
        found[:] = re.findall(r" inet ([0-9.]+)/", said)
        return bool(found)

    until(known)
    return found[0]
