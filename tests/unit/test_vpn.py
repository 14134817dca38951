"""Each machine's Nebula configuration, and who may talk to whom in it."""

import subprocess
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from conpaas_iac.core.flows import Flow, Offer
from conpaas_iac.core.layout import SIZES, Node
from conpaas_iac.core.topology import Service, Topology
from conpaas_iac.errors import UserError
from conpaas_iac.host import nebula
from conpaas_iac.network import vpn
from conpaas_iac.network.certificates import make_authority, sign
from conpaas_iac.network.renewal import Policy
from conpaas_iac.network.vpn import Place
from conpaas_iac.settings import load

RANGE = IPv4Network("10.42.0.0/16")
ORDER = ("blog", "db", "any", "node")  # of their blocks; two are called like things that Nebula or we treat specially
GROUPS = {"blog": ("proxy", "web"), "db": ("mysql",), "any": ("web",), "node": ("web",)}
FLOWS = (
    Flow(("", ""), ("blog", "proxy"), 80),
    Flow(("", ""), ("blog", "proxy"), 8443, sources=(IPv4Network("192.0.2.0/24"),)),
    Flow(("blog", ""), ("blog", "web"), 8080),
    Flow(("blog", "web"), ("db", "mysql"), 3306),
    Flow(("any", ""), ("db", ""), 3307, "udp"),
    Flow(("node", ""), ("db", ""), 3308),
)
OFFERS = (Offer(("blog", "proxy"), 80), Offer(("db", ""), 3306), Offer(("db", ""), 3307, "udp"))
STRANGERS = {name: frozenset({vpn.reach_group(name)}) for name in ("blog", "db", "any", "node")}  # joined to reach it


def topology(**counts: int) -> Topology:
    services = []
    for name in sorted(counts):
        block = IPv4Network((int(RANGE.network_address) + 4096 * (1 + ORDER.index(name)), 20))
        nodes = tuple(
            Node(f"{name}-{k}", name, k, GROUPS[name], IPv4Address(block.network_address + k), "lxd", SIZES["small"])
            for k in range(1, counts[name] + 1)
        )
        services.append(
            Service(name, name, "php", block, True, {"web": counts[name]}, nodes, (), (), {}, {}, block[1])
        )
    return Topology("shop", "default", RANGE, tuple(services), FLOWS, OFFERS)


def places(layout: Topology, hidden: frozenset[str] = frozenset()) -> dict[str, Place]:
    return {
        node.name: Place(f"10.60.{node.address.packed[2]}.{node.address.packed[3]}", node.name not in hidden)
        for node in layout.nodes
    }


def test_golden() -> None:
    layout = topology(blog=2, db=1)
    texts = vpn.configurations(layout, places(layout, frozenset({"blog-2"})), blocked=["bb", "aa", "bb"])
    golden = Path(__file__).parent / "vpn"
    for node, text in texts.items():
        assert text == (golden / f"{node}.yml").read_text(), node


def test_subject() -> None:
    layout = topology(blog=1, db=1)
    subject = vpn.subject(layout.nodes[0], layout)
    assert (subject.name, str(subject.address)) == ("blog-1", "10.42.16.1/16")
    assert subject.groups == ("*", "blog.*", "blog.proxy", "blog.web")


counts = st.fixed_dictionaries(
    {"blog": st.integers(1, 5)}, optional={name: st.integers(1, 5) for name in ("db", "any", "node")}
)


@settings(deadline=None)  # other work on the machine is no failure
@given(counts, st.data())
def test_one_more_machine_changes_no_other_file(count: dict[str, int], data: st.DataObject) -> None:
    grown = {**count, (name := data.draw(st.sampled_from(sorted(GROUPS)))): count.get(name, 0) + 1}
    before, after = topology(**count), topology(**grown)
    new = next(node for node in after.nodes if node not in before.nodes)
    former = [node.name for node in vpn.lighthouses(before, places(before))]
    lights = vpn.lighthouses(after, places(after), former)
    assert set(former) <= {node.name for node in lights}
    old_texts = vpn.configurations(before, places(before), former=former)
    new_texts = vpn.configurations(after, places(after), former=former)
    changed = {node for node, text in old_texts.items() if new_texts[node] != text}
    assert not changed or new in lights


@settings(deadline=None)
@given(counts, st.integers(1, 5))
def test_scaling_keeps_the_lighthouses_without_a_memory(count: dict[str, int], more: int) -> None:
    """As soon as there are two services, or two machines."""
    before, after = topology(**count), topology(**{**count, "blog": count["blog"] + more})
    lights = vpn.lighthouses(before, places(before))
    assert len(lights) == min(2, len(before.nodes))
    assert set(lights) <= set(vpn.lighthouses(after, places(after)))


@settings(deadline=None)
@given(counts)
def test_exactly_the_flows_are_open(count: dict[str, int]) -> None:
    """Every pair and port, against a plain reading of the flows."""
    layout = topology(**count)
    texts = vpn.configurations(layout, places(layout))
    ports = {(flow.port, flow.protocol) for flow in FLOWS} | {(22, "tcp"), (4242, "udp"), (80, "udp"), (3308, "udp")}
    for target in layout.nodes:
        rules = yaml.safe_load(texts[target.name])["firewall"]["inbound"]
        for source in layout.nodes:
            held = set(vpn.subject(source, layout).groups)
            opened = {
                (port, protocol) for port, protocol in ports
                if any((rule["port"], rule["proto"]) == (port, protocol) and rule["group"] in held for rule in rules)
            }  # fmt: skip
            assert opened == {(flow.port, flow.protocol) for flow in FLOWS if wanted(flow, source, target)}


@settings(deadline=None)
@given(counts)
def test_who_joined_reaches_what_is_named_and_nothing_else(count: dict[str, int]) -> None:
    layout = topology(**count)
    texts = vpn.configurations(layout, places(layout))
    for target in layout.nodes:
        for name, groups in STRANGERS.items():
            opened = {what for group in groups for what in vpn.opened(texts[target.name], group)}
            offered = {(each.port, each.protocol) for each in OFFERS if each.target[0] == target.service == name}
            assert opened == offered
    # Nothing that a machine is called gives what a join gives, whatever services are called.
    assert not {group for node in layout.nodes for group in vpn.subject(node, layout).groups if ":" in group}


def test_a_blocklist_is_written_as_configurations_writes_it() -> None:
    layout = topology(blog=2, db=1)
    texts = vpn.configurations(layout, places(layout))
    blocked = vpn.configurations(layout, places(layout), blocked=["bb", "aa"])
    assert {node: vpn.blocking(text, ["bb", "aa", "bb"]) for node, text in texts.items()} == blocked
    assert {node: vpn.blocking(text, []) for node, text in blocked.items()} == texts


def wanted(flow: Flow, source: Node, target: Node) -> bool:
    comes = not flow.sources if not flow.source[0] else flow.source[0] == source.service
    comes = comes and (not flow.source[1] or flow.source[1] in source.groups)
    return comes and flow.target[0] == target.service and (not flow.target[1] or flow.target[1] in target.groups)


def test_lighthouses_are_reachable() -> None:
    layout = topology(blog=3)
    hidden = frozenset({"blog-1"})
    assert [node.name for node in vpn.lighthouses(layout, places(layout, hidden))] == ["blog-2", "blog-3"]
    texts = vpn.configurations(layout, places(layout, hidden))
    assert yaml.safe_load(texts["blog-1"])["relay"]["relays"] == ["10.42.16.2", "10.42.16.3"]
    assert yaml.safe_load(texts["blog-2"])["relay"] == {"am_relay": True, "use_relays": True, "relays": []}


def test_reload_or_restart() -> None:
    layout = topology(blog=3)
    texts = vpn.configurations(layout, places(layout))
    blocked = vpn.configurations(layout, places(layout), blocked=["aa"], transport=vpn.Transport(mtu=1440))
    assert vpn.reloads(texts["blog-1"], blocked["blog-1"]) and texts["blog-1"] != blocked["blog-1"]
    without = vpn.configurations(layout, places(layout, frozenset({"blog-1"})))
    assert [vpn.reloads(texts[node], without[node]) for node in texts] == [False, True, False]
    other = vpn.configurations(layout, places(layout), transport=vpn.Transport("chachapoly"))
    assert not vpn.reloads(texts["blog-3"], other["blog-3"])


def test_nobody_can_be_reached() -> None:
    layout = topology(blog=2)
    with pytest.raises(UserError, match="no machine can be reached"):
        vpn.configurations(layout, places(layout, frozenset({"blog-1", "blog-2"})))


def test_nebula_takes_every_configuration(tmp_path: Path) -> None:
    programs = nebula.install(load(), print)
    layout = topology(blog=3, db=2, any=1)
    authority = make_authority(programs.cert, "shop 1", RANGE, Policy().authority)
    texts = vpn.configurations(layout, places(layout, frozenset({"db-2"})), blocked=["ab" * 32])
    key, public = tmp_path / "node.key", tmp_path / "node.pub"
    subprocess.run([programs.cert, "keygen", "-out-key", key, "-out-pub", public], check=True)
    (tmp_path / "ca.crt").write_text(authority.certificate)
    guest = Node("guest", "guest", 1, (), IPv4Address("10.42.0.1"), "lxd", SIZES["small"])
    lights = {str(layout.nodes[0].address): "10.60.16.1"}
    texts["guest"] = vpn.guest(texts["blog-1"], lights, vpn.FOLDER, "cp-guest")
    for node in (*layout.nodes, guest):
        subject = vpn.subject(node, layout)
        certificate = sign(programs.cert, authority, public.read_text(), subject, Policy().certificate)
        (tmp_path / "node.crt").write_text(certificate)
        (tmp_path / "config.yml").write_text(texts[node.name].replace(vpn.FOLDER, str(tmp_path)))
        done = subprocess.run(
            [programs.nebula, "-test", "-config", tmp_path / "config.yml"], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{node.name}: {done.stdout}{done.stderr}"
        assert "level=warning" not in done.stdout + done.stderr
