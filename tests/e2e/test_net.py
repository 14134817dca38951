"""`conpaas net` on real machines: all ways well, then what is broken by hand is named, and mended again."""

from typing import Any

from tests.e2e.conftest import Story
from tests.e2e.machines import run
from tests.schemas import check

FRONT = {"Type": "php", "ServiceName": "front", "StartupInstances": {"backend": 3}}
AROUND_2 = {("front-1", "front-2"), ("front-2", "front-1"), ("front-2", "front-3"), ("front-3", "front-2")}


def net(story: Story, fails: int = 0) -> dict[str, Any]:
    """What it says, as data."""
    document: dict[str, Any] = check(story.conpaas("net", story.name, "--format", "json", fails=fails), "net")
    return document


def broken(found: dict[str, Any]) -> dict[tuple[str, str], str]:
    return {(pair["source"], pair["target"]): pair["cause"]["text"] for pair in found["pairs"] if pair["cause"]}


def test_net_names_what_is_broken(story: Story) -> None:
    story.write({"Services": [FRONT]})
    story.conpaas("up", story.manifest)
    second = f"{story.name}--front-2"

    found = net(story)
    assert found["well"]
    assert len(found["pairs"]) == 6
    assert {pair["path"] for pair in found["pairs"]} == {"direct"}
    assert all(0 < pair["ms"] < 1000 for pair in found["pairs"])
    assert {(each["mtu"], each["certificate_days"] in (364, 365)) for each in found["machines"]} == {(1440, True)}
    assert story.status()["nodes"][0]["certificate_days"] in (364, 365)
    assert story.conpaas("net", story.name).splitlines()[0].endswith("6 of 6 ways well")

    run(second, "systemctl", "stop", "nebula")
    assert broken(net(story, fails=3)) == dict.fromkeys(AROUND_2, "nebula is inactive on front-2")
    run(second, "systemctl", "start", "nebula")

    run(second, "nft", "insert", "rule", "inet", "conpaas", "input", "udp", "dport", "4242", "drop")
    [cause] = set(broken(net(story, fails=3)).values())
    assert cause.startswith("UDP port 4242 of front-2 (")
    assert "✗1" in story.conpaas("net", story.name, fails=3)
    run(second, "systemctl", "reload", "nftables")

    assert net(story)["well"]  # new tunnels within the time that it takes to look

    run(second, "sed", "-i", "s/port: 8081/port: 8099/", "/etc/nebula/config.yml")
    run(second, "systemctl", "reload", "nebula")
    allowed = "the firewall of front-2 drops tcp/8081, which the manifest allows"
    assert set(broken(net(story, fails=3)).values()) == {allowed}
