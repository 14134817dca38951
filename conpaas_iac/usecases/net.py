"""The use case behind `conpaas net`: every machine is asked at the same time, once, what it finds of the others."""

import json
import shlex
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import yaml

from conpaas_iac.backend.record import Record
from conpaas_iac.clouds.base import Seen
from conpaas_iac.core.declaration import Machine
from conpaas_iac.network import netreport, vpn
from conpaas_iac.network.netcause import Facts, Station
from conpaas_iac.network.netreport import NetReport
from conpaas_iac.settings import Settings
from conpaas_iac.usecases.inspection import SilentError, View, view

SCRIPT = Path(__file__).parents[1] / "guest" / "net.py"
MEASURED = 3.0  # seconds after which a machine stops waiting for what does not answer
PATIENCE = 6.0  # seconds for SSH, and a fraction for each machine that is asked at the same time
EACH = 0.2
AT_ONCE = 64


def net_of(application: str, environment: str, settings: Settings) -> NetReport:
    """How the application's network is: latencies, paths, and why what does not work does not."""
    with view(application, environment, settings) as looked:
        stations = [_station(machine, looked) for machine in looked.applied.machines]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            asked = pool.map(lambda station: _asked(station, stations, looked), stations)
            return netreport.report(application, environment, list(asked), datetime.now(UTC))


def _station(machine: Machine, looked: View) -> Station:
    """What is known without asking it."""
    seen, known = looked.seen.get(machine.node), looked.record.nodes.get(machine.node)
    return Station(
        machine.node,
        machine.fixed_address,
        seen.ip if seen else "",
        _state(seen),
        rests=seen is not None and not seen.running and machine.node in looked.record.resting,
        ends=known.certificate.ends if known and known.certificate else None,
    )


def _state(seen: Seen | None) -> str:
    return "gone" if seen is None else "running" if seen.running else "stopped"


def _asked(station: Station, stations: Sequence[Station], looked: View) -> Station:
    """With what it says of itself and of the others."""
    if station.state != "running":
        return station
    others = [other for other in stations if other.node != station.node and other.state == "running"]
    command = f"python3 - {shlex.quote(question(station, others, looked.record))}"
    began = time.time()
    try:
        said = looked.ask(station.node, command, SCRIPT.read_text(), PATIENCE + MEASURED + EACH * len(stations))
    except SilentError as silent:
        return replace(station, state="silent", reason=str(silent))
    facts = msgspec.json.decode(said, type=Facts)
    skew = ((facts.began - began) + (facts.ended - time.time())) / 2
    peers = {other.node: peer for other, peer in zip(others, facts.peers, strict=True)}
    return replace(station, facts=facts, peers=peers, skew=skew)


def question(station: Station, others: Sequence[Station], record: Record) -> str:
    """What guest/net.py is asked to measure."""
    known = record.nodes.get(station.node)
    groups = known.member.groups if known and known.member else ()
    peers = [
        {
            "address": other.address,
            "ip": other.ip,
            "ports": openings(record.files(other.node).get(vpn.CONFIG, ""), groups),
        }
        for other in others
    ]
    place = {"port": vpn.PORT, "interface": vpn.INTERFACE, "folder": vpn.FOLDER}
    return json.dumps({**place, "seconds": MEASURED, "peers": peers})


def openings(text: str, groups: Sequence[str]) -> list[int]:
    """TCP ports that a machine of this configuration opens to a machine whose certificate has these groups."""
    rules = yaml.safe_load(text)["firewall"]["inbound"] if text else ()
    return sorted({each["port"] for each in rules if each["proto"] == "tcp" and each["group"] in groups})
