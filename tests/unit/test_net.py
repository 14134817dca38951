"""What is said of an application's network, from what its machines found; and how it looks."""

import io
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from conpaas_iac.backend.record import Confirmed, Record
from conpaas_iac.core.render import Member
from conpaas_iac.guest import net as guest
from conpaas_iac.network import netreport, vpn
from conpaas_iac.network.netcause import Facts, Peer, Signed, Station
from conpaas_iac.network.netreport import NetReport
from conpaas_iac.usecases import net
from conpaas_iac.views import netview
from tests.schemas import check

NOW = datetime(2026, 5, 1, tzinfo=UTC)
YEAR = timedelta(days=365)
WELL = Peer((0.5, 0.4, 0.9), 3, 0, "answers", {"80": "open", "8080": "refused"})
RELAYED = Peer((9.5, 9.0), 0, 2, "silent", {})
CUT = Peer((), 25, 0, "silent", {})


def signed(node: str, **fields: Any) -> Signed:
    known = {"fingerprint": f"of-{node}", "issuer": "ca", "begins": NOW - timedelta(days=1), "ends": NOW + YEAR}
    return Signed(**{**known, **fields})


def facts(node: str, **fields: Any) -> Facts:
    known = {"began": 0.0, "ended": 0.0, "unit": "active", "mtu": 1300, "certificate": signed(node)}
    return Facts(**{**known, "authorities": ("ca",), "blocked": (), "peers": (), **fields})


def station(node: str, **fields: Any) -> Station:
    known = {"address": "10.42.0.1", "ip": f"ip-{node}", "state": "running", "facts": facts(node)}
    return Station(node, **{**known, **fields})


def three(
    peers: Mapping[tuple[str, str], Peer] | None = None, names: str = "abc", **changed: Station
) -> tuple[Station, ...]:
    """Machines that reach one another, but for what is said."""
    told = peers or {}
    found = [changed.get(name, station(name)) for name in names]
    return tuple(
        replace(one, peers={o: told.get((one.node, o), WELL) for o in names if o != one.node}) if one.facts else one
        for one in found
    )


def report(stations: tuple[Station, ...]) -> NetReport:
    return netreport.report("shop", "default", stations, NOW)


def broken(found: NetReport) -> dict[str, set[str]]:
    """Cause -> ways, as "ab"."""
    return {text: {pair.source + pair.target for pair in pairs} for text, pairs in found.causes.items()}


def silent(*ways: str, peer: Peer = CUT) -> dict[tuple[str, str], Peer]:
    return {(way[0], way[1]): peer for way in ways}


NO_TUNNEL = Peer((), 0, 0, "answers")
AROUND_C = ("ac", "bc", "ca", "cb")
DOWN = silent(*AROUND_C, peer=NO_TUNNEL)


def test_all_well() -> None:
    found = report(three())
    assert found.is_well
    assert found.summary == "6 of 6 ways well"
    assert {(pair.ms, pair.path) for pair in found.pairs} == {(0.4, "direct")}
    assert not found.notes


def test_one_machine_has_no_ways() -> None:
    found = report(three(names="a"))
    assert (found.is_well, found.pairs) == (True, ())
    assert not report(three(names="a", a=station("a", facts=facts("a", unit="failed")))).is_well


def test_a_relayed_way_is_well() -> None:
    found = report(three({("a", "b"): RELAYED}))
    assert found.is_well
    assert [(pair.path, pair.ms) for pair in found.pairs if pair.path != "direct"] == [("relayed", 9.0)]


def test_a_relay_sends_packets_of_others_besides_its_own() -> None:
    assert {pair.path for pair in report(three({("a", "b"): replace_peer(WELL, relayed=9)})).pairs} == {"direct"}


def replace_peer(peer: Peer, **fields: Any) -> Peer:
    return msgspec.structs.replace(peer, **fields)


HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("c", "kind", "text"),
    [
        ({"state": "gone", "facts": None}, "gone", "c: the cloud has lost it: `conpaas up` makes it again"),
        ({"state": "stopped", "facts": None}, "stopped", "c is stopped: `conpaas up` starts it again"),
        (
            {"state": "silent", "facts": None, "reason": "No route to host"},
            "unreachable",
            "c does not answer over SSH: No route to host",
        ),
        ({"facts": facts("c", unit="inactive")}, "nebula", "nebula is inactive on c"),
        ({"facts": facts("c", unit="")}, "nebula", "nebula is not there on c"),
        (
            {"facts": facts("c", certificate=None)},
            "no-certificate",
            "c has no certificate: `conpaas up` gives it one",
        ),
        (
            {"facts": facts("c", certificate=signed("c", ends=NOW - timedelta(days=3)))},
            "expired",
            "the certificate of c expired 3 days ago: `conpaas up` renews it",
        ),
        (
            {"facts": facts("c", certificate=signed("c", begins=NOW + 2 * HOUR))},
            "not-yet-valid",
            "the certificate of c is not valid yet, for 2 h: `conpaas up` renews it",
        ),
        (
            {"facts": facts("c", certificate=signed("c", issuer="other"))},
            "authority",
            "a does not trust who signed for c: `conpaas up` mends it",
        ),
    ],
)
def test_a_machine_that_nobody_reaches(c: dict[str, Any], kind: str, text: str) -> None:
    found = report(three(DOWN, c=station("c", **c)))
    assert not found.is_well
    assert broken(found)[text] >= {"ac"}
    assert set().union(*broken(found).values()) == set(AROUND_C)
    assert {pair.cause.kind for pair in found.pairs if pair.cause} == {kind}


def test_clocks() -> None:
    ahead = report(three(DOWN, c=station("c", skew=400 * 86400.0)))
    text = "the clock of c is 34,560,000 s ahead: to it, the certificate of a has expired"
    assert broken(ahead)[text] == {"ac", "ca"}
    behind = report(three(DOWN, c=station("c", skew=-2 * 86400.0)))
    assert "the clock of c is 172,800 s behind: to it, the certificate of a is not valid yet" in broken(behind)
    assert behind.notes == ("the clock of c is 172,800 s behind of this computer's",)
    harmless = report(three(c=station("c", skew=7200.0)))
    assert harmless.is_well
    assert harmless.notes


def test_a_certificate_that_just_began_is_valid_on_clocks_that_are_nearly_right() -> None:
    young = station("c", facts=facts("c", certificate=signed("c", begins=NOW)))
    found = report(three(DOWN, c=young, a=station("a", skew=-1.0)))
    assert {pair.cause.kind for pair in found.pairs if pair.cause} == {"handshake"}


def test_blocked() -> None:
    found = broken(report(three(DOWN, a=station("a", facts=facts("a", blocked=("of-c",))))))
    assert found["a has the certificate of c on its blocklist"] == {"ac", "ca"}


def test_a_closed_port_names_its_machine_in_both_directions() -> None:
    deaf = {**silent("ac", "bc"), **silent("ca", "cb", peer=replace_peer(CUT, door="answers"))}
    text = "UDP port 4242 of c (ip-c) does not answer: closed there or before it"
    assert broken(report(three(deaf))) == {text: set(AROUND_C)}
    assert broken(report(three(silent(*AROUND_C)))) == {text: set(AROUND_C)}  # nothing out, either
    refused = replace_peer(CUT, door="refused")
    assert broken(report(three(silent(*AROUND_C, peer=refused)))) == {text: set(AROUND_C)}


def test_a_cut_between_two_that_others_reach() -> None:
    found = broken(report(three(silent("ac", "ca"))))
    assert found == {"the provider's network lets no UDP 4242 pass between a and c": {"ac", "ca"}}


def test_firewalls() -> None:
    drops = report(three({("a", "b"): replace_peer(WELL, ports={"80": "open", "8080": "silent"})}))
    assert broken(drops) == {"the firewall of b drops tcp/8080, which the manifest allows": {"ab"}}
    assert [pair.ms for pair in drops.pairs if pair.cause] == [0.4]
    no_ping = Peer((), 9, 0, "answers", {"80": "open"})
    assert "there is a tunnel, but ping does not pass: a firewall of b" in broken(report(three({("a", "b"): no_ping})))
    neither = broken(report(three(silent("ab", "ba", peer=no_ping))))
    assert neither == {"there is a tunnel, but ping does not pass: a firewall of a or b": {"ab", "ba"}}


def test_ports_answer_and_nothing_explains_it() -> None:
    text = "no tunnel between a and c though their UDP ports answer: see `journalctl -u nebula`"
    assert broken(report(three(silent("ac", "ca", peer=NO_TUNNEL)))) == {text: {"ac", "ca"}}


def test_what_rests_as_asked_is_in_no_way() -> None:
    found = report(three(c=station("c", state="stopped", facts=None, rests=True, ends=NOW + YEAR)))
    assert found.is_well
    assert {pair.source + pair.target for pair in found.pairs} == {"ab", "ba"}
    assert found.machines[2].certificate_days == 365


def test_a_certificate_that_ends_soon_is_a_note() -> None:
    found = report(three(c=station("c", facts=facts("c", certificate=signed("c", ends=NOW + timedelta(days=9))))))
    assert found.is_well
    assert found.notes == ("the certificate of c: 9 days: `conpaas up` renews it",)


peers = st.builds(
    Peer,
    st.lists(st.floats(0.1, 500), max_size=3).map(tuple),
    st.integers(0, 30),
    st.integers(0, 30),
    st.sampled_from(["", "answers", "silent", "refused", "unreachable"]),
    st.dictionaries(st.sampled_from(["80", "8080"]), st.sampled_from(["open", "refused", "silent"])),
)
moments = st.timedeltas(timedelta(days=-500), timedelta(days=500)).map(lambda span: NOW + span)
certificates = st.none() | st.builds(Signed, st.just("f"), st.sampled_from(["ca", "x"]), moments, moments)
answers = st.builds(
    lambda certificate, unit, blocked: facts("?", certificate=certificate, unit=unit, blocked=blocked),
    certificates,
    st.sampled_from(["active", "failed", ""]),
    st.sampled_from([(), ("f",)]),
)


@st.composite
def networks(draw: st.DrawFn) -> tuple[Station, ...]:
    names = "abcd"[: draw(st.integers(1, 4))]
    found = []
    for name in names:
        state = draw(st.sampled_from(["running", "stopped", "gone", "silent"]))
        told = draw(answers) if state == "running" else None
        heard = {other: draw(peers) for other in names if other != name} if told else {}
        skew = draw(st.sampled_from([0.0, 7200.0, -4e7])) if told else 0.0
        found.append(station(name, state=state, facts=told, peers=heard, skew=skew))
    return tuple(found)


@given(networks())
def test_every_way_is_measured_or_has_its_cause(stations: tuple[Station, ...]) -> None:
    found = report(stations)
    assert len(found.pairs) == len(stations) * (len(stations) - 1)
    for pair in found.pairs:
        assert pair.ms is not None or pair.cause
        assert pair.cause is None or "\n" not in pair.cause.text
    assert found.is_well == all(each.cause is None for each in (*found.machines, *found.pairs))
    check(json.dumps(netreport.document(found)), "net")
    assert shown(found)


def shown(found: NetReport, width: int = 120) -> str:
    console = Console(file=io.StringIO(), width=width)
    console.print(netview.net_view(found))
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def test_the_table() -> None:
    far = replace_peer(WELL, ms=(120.4,))
    lines = shown(report(three({("a", "b"): far, ("b", "a"): RELAYED, **silent("ac", "ca")}))).splitlines()
    assert lines[0] == "shop (default): 4 of 6 ways well"
    assert lines[1].split() == ["#", "machine", "address", "mtu", "days", "1", "2", "3"]
    assert lines[2].split() == ["1", "a", "10.42.0.1", "1300", "365", "·", "120", "✗1"]
    assert lines[3].split()[5:] == ["9.0r", "·", "0.4"]
    assert "r: relayed by another machine" in lines[5]
    assert lines[6] == "✗1 the provider's network lets no UDP 4242 pass between a and c  (a → c, c → a)"


def test_ten_machines_fit_a_small_terminal_and_many_are_summed_up() -> None:
    letters = "abcdefghijklmnopqrstuvwxyz"
    assert all(len(line) <= 80 for line in shown(report(three(names=letters[:10])), 80).splitlines())
    many = shown(report(three({("a", "b"): CUT}, names=letters))).splitlines()
    assert many[1].split()[-3:] == ["median", "slowest", "✗"]
    assert many[2].split()[5:] == ["0.4", "0.4", "c", "1"]
    assert many[3].split()[-1] == "·"


def test_a_machine_is_asked_for_the_ports_that_the_manifest_opens_to_it() -> None:
    rules = [
        {"port": "any", "proto": "icmp", "group": "*"},
        {"port": 80, "proto": "tcp", "group": "*"},
        {"port": 3306, "proto": "tcp", "group": "web.*"},
        {"port": 3307, "proto": "tcp", "group": "other.*"},
        {"port": 53, "proto": "udp", "group": "*"},
    ]
    text = json.dumps({"firewall": {"inbound": rules}})
    member = Member("a", "10.42.0.1/16", ("*", "web.*"), "ca", ("ca",), 1)
    nodes = {"a": Confirmed("1", "", {}, member=member), "b": Confirmed("2", "", {vpn.CONFIG: "x"})}
    asked = json.loads(net.question(station("a"), [station("b")], Record(nodes=nodes, contents={"x": text})))
    assert asked["peers"] == [{"address": "10.42.0.1", "ip": "ip-b", "ports": [80, 3306]}]
    unknown = json.loads(net.question(station("c"), [station("b")], Record()))
    assert unknown["peers"][0]["ports"] == []


@given(st.integers(0, 500), st.integers(0, 40), st.integers(0, 65535))
def test_pings_of_different_peers_differ_in_size_and_are_checked(number: int, turn: int, name: int) -> None:
    packet = guest.echo(number, turn, name)
    assert guest.checksum(packet) == 0
    assert len(packet) - len(guest.echo(0, turn, name)) == 2 * number
