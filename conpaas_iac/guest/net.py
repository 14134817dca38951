"""Runs on a machine, from standard input, as root: what it measures of its peers and knows of its own network.

One argument, JSON: {"port", "interface", "folder", "seconds", "peers": [{"address", "ip", "ports": [...]}]}; prints
JSON. Needs nothing but Python and Nebula's own programs, for the base image has no ping.
"""

import errno
import json
import re
import select
import socket
import struct
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

TIMES = 3  # a peer that answered so often is not asked again
PAUSE = 0.12  # seconds between rounds
MARK = b"conpaas!"
ALL, IP, UDP, OUTGOING = 0x0003, 0x0800, 17, 4
RELAYED = (1, 1)  # Nebula's header in clear text: a message, for a relay
TUNNEL_ERROR = 2  # what Nebula answers to a message of a tunnel that it does not know


def checksum(data: bytes) -> int:
    """Of an ICMP packet of even length."""
    words: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    words = (words >> 16) + (words & 0xFFFF)
    return ~(words + (words >> 16)) & 0xFFFF


def echo(number: int, turn: int, name: int) -> bytes:
    """An echo request; its size tells the peer, so that what leaves the machine encrypted can be told apart, too."""
    body = MARK + struct.pack("!HH", number, turn) + bytes(52 + 2 * number)
    head = struct.pack("!BBHHH", 8, 0, checksum(struct.pack("!BBHHH", 8, 0, 0, name, turn) + body), name, turn)
    return head + body


class Pings:
    """Echo requests to many addresses at once."""

    def __init__(self, addresses: list[str]) -> None:
        self.addresses = addresses
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        self.socket.setblocking(False)
        self.name = int(time.monotonic() * 1000) & 0xFFFF
        self.sent: dict[tuple[int, int], float] = {}
        self.found: list[list[float]] = [[] for _ in addresses]

    @property
    def open(self) -> list[int]:
        """Peers that have not answered often enough."""
        return [number for number, found in enumerate(self.found) if len(found) < TIMES]

    def send(self, turn: int) -> None:
        """One round."""
        for number in self.open:
            with suppress(OSError):
                self.sent[number, turn] = time.monotonic()
                self.socket.sendto(echo(number, turn, self.name), (self.addresses[number], 0))

    def receive(self) -> None:
        """All answers that are there."""
        with suppress(BlockingIOError):
            while True:
                packet, _ = self.socket.recvfrom(4096)
                now, body = time.monotonic(), packet[20:]
                if body[0] == 0 and body[4:6] == struct.pack("!H", self.name) and body[8:16] == MARK:
                    began = self.sent.pop(struct.unpack("!HH", body[16:20]), None)
                    if began is not None:
                        self.found[struct.unpack("!H", body[16:18])[0]].append((now - began) * 1000)


class Watch:
    """Looks at what the VPN sends: a tunnel is seen by packets of a ping's size, and so is whether it is relayed."""

    def __init__(self, count: int, port: int) -> None:
        self.count, self.port = count, port
        self.direct, self.relayed = [0] * count, [0] * count
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ALL))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self.socket.setblocking(False)

    def receive(self) -> None:
        """All packets that are there."""
        with suppress(BlockingIOError):
            while True:
                packet, place = self.socket.recvfrom(128)
                if place[1] == IP and place[2] == OUTGOING and len(packet) >= 44 and packet[9] == UDP:
                    self._note(packet)

    def _note(self, packet: bytes) -> None:
        start = (packet[0] & 15) * 4
        (source,) = struct.unpack("!H", packet[start : start + 2])
        kind, below = packet[start + 8] & 15, packet[start + 9]
        if source != self.port or kind != 1:
            return
        is_relayed = (kind, below) == RELAYED
        (total,) = struct.unpack("!H", packet[2:4])
        inner = total - start - 8 - (64 if is_relayed else 32)
        number, odd = divmod(inner - len(echo(0, 0, 0)) - 20, 2)
        if not odd and 0 <= number < self.count:
            (self.relayed if is_relayed else self.direct)[number] += 1


class Doors:
    """Whether the peers' VPN answers on its UDP port, without a tunnel: to a message of one that it never had."""

    def __init__(self, places: list[str], port: int) -> None:
        self.sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in places]
        self.found = ["silent" if place else "" for place in places]
        for number, place in enumerate(places):
            self.sockets[number].setblocking(False)
            if place:
                with suppress(OSError):
                    self.sockets[number].connect((place, port))

    def knock(self) -> None:
        """Once at each that has not answered."""
        for number, found in enumerate(self.found):
            if found == "silent":
                with suppress(OSError):
                    self.sockets[number].send(struct.pack("!BBHIQ", 0x11, 0, 0, 0xC09AA5, 1))

    def listen(self) -> None:
        """All answers that are there."""
        for number, one in enumerate(self.sockets):
            if word := self._word(one):
                self.found[number] = word

    def _word(self, one: socket.socket) -> str:
        try:
            return "answers" if one.recv(64)[0] & 15 == TUNNEL_ERROR else "other"
        except BlockingIOError:
            return ""
        except ConnectionRefusedError:
            return "refused"
        except OSError:
            return "unreachable"


class Ports:
    """TCP ports that the manifest's relations open: whether the VPN's firewall lets a connection through."""

    def __init__(self, wanted: list[tuple[int, str, int]]) -> None:
        self.found: dict[int, dict[str, str]] = {}
        self.waiting: dict[int, tuple[socket.socket, int, str]] = {}
        for number, address, port in wanted:
            self.found.setdefault(number, {})
            one = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            one.setblocking(False)
            self.found[number][str(port)] = "silent"
            code = one.connect_ex((address, port))
            if code == errno.EINPROGRESS:
                self.waiting[one.fileno()] = (one, number, str(port))
            else:
                self.found[number][str(port)] = "refused"

    def look(self, ready: list[int]) -> None:
        """Those that are ready have an answer."""
        for number in ready:
            one, peer, port = self.waiting.pop(number)
            code = one.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            one.close()
            self.found[peer][port] = {0: "open", errno.ECONNREFUSED: "refused"}.get(code, "silent")


def measured(asked: dict[str, Any]) -> list[dict[str, Any]]:
    """What is found of each peer, in their order."""
    peers = asked["peers"]
    pings, watch = Pings([peer["address"] for peer in peers]), Watch(len(peers), asked["port"])
    doors = Doors([peer["ip"] for peer in peers], asked["port"])
    ports = Ports([(k, peer["address"], port) for k, peer in enumerate(peers) for port in peer["ports"]])
    end, turn = time.monotonic() + asked["seconds"], 0
    while time.monotonic() < end and (pings.open or ports.waiting or "silent" in doors.found):
        pings.send(turn)
        if turn % 4 == 0:
            doors.knock()
        turn += 1
        listen(time.monotonic() + PAUSE, pings, watch, doors, ports)
    return [
        {
            "ms": [round(each, 3) for each in pings.found[k]],
            "direct": watch.direct[k],
            "relayed": watch.relayed[k],
            "door": doors.found[k],
            "ports": ports.found.get(k, {}),
        }
        for k in range(len(peers))
    ]


def listen(end: float, pings: Pings, watch: Watch, doors: Doors, ports: Ports) -> None:
    """Take in what comes until then."""
    while (left := end - time.monotonic()) > 0:
        poll = select.poll()
        for one in (pings.socket, watch.socket, *doors.sockets):
            poll.register(one, select.POLLIN)
        for number in ports.waiting:
            poll.register(number, select.POLLOUT)
        ready = [number for number, _ in poll.poll(left * 1000)]
        pings.receive()
        watch.receive()
        doors.listen()
        ports.look([number for number in ready if number in ports.waiting])


def said(*command: str) -> str:
    """What a program prints; nothing where it fails."""
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=5, check=False).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""


def certificates(path: Path) -> list[dict[str, Any]]:
    """Facts of a PEM file's certificates."""
    found = said("nebula-cert", "print", "-json", "-path", str(path))
    return [
        {
            "fingerprint": each["fingerprint"],
            "issuer": each["details"]["issuer"],
            "begins": each["details"]["notBefore"],
            "ends": each["details"]["notAfter"],
        }
        for each in (json.loads(found) if found else [])
    ]


def read(path: Path) -> str:
    """A small file, or nothing."""
    try:
        return path.read_text()
    except OSError:
        return ""


def main() -> None:
    """Measure, look, print."""
    began = time.time()
    asked = json.loads(sys.argv[1])
    folder = Path(asked["folder"])
    mtu = read(Path("/sys/class/net") / asked["interface"] / "mtu")
    facts = {
        "unit": said("systemctl", "is-active", "nebula"),
        "mtu": int(mtu) if mtu else None,
        "certificate": next(iter(certificates(folder / "node.crt")), None),
        "authorities": [each["fingerprint"] for each in certificates(folder / "ca.crt")],
        "blocked": re.findall(r"^\s*- ([0-9a-f]{64})$", read(folder / "config.yml"), re.MULTILINE),
        "peers": measured(asked),
    }
    sys.stdout.write(json.dumps({"began": began, **facts, "ended": time.time()}))


if __name__ == "__main__":
    main()
