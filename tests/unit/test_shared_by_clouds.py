"""What cloud files have in common: rules, tags, user data, and what the stack remembers of a machine."""

import json
import string
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from conpaas_iac.clouds.shared import firewall, tags, userdata
from conpaas_iac.clouds.shared.firewall import Rule
from conpaas_iac.core.declaration import Machine, facts, machine_of
from conpaas_iac.core.flows import Port
from conpaas_iac.core.places import Place
from conpaas_iac.provider.host import PRIVATE, PUBLIC, Host
from conpaas_iac.provider.identity import ssh_key_pair
from tests.builders import TYPES, build, service, wanted

texts = st.text(string.ascii_lowercase + string.digits + "-", min_size=1, max_size=20)
sources = st.lists(st.sampled_from(["198.51.100.0/24", "203.0.113.4/32"]), max_size=2, unique=True).map(tuple)
ports = st.builds(Port, st.integers(1, 65535), st.sampled_from(["tcp", "udp"]), sources)
machines = st.builds(
    Machine,
    node=texts,
    service=texts,
    type=texts,
    cloud=texts,
    address=st.just("10.42.16.1/16"),
    cpu=st.integers(1, 64),
    memory=st.integers(128, 2**20),
    image=texts,
    incarnation=st.integers(1, 99),
    ports=st.lists(ports, max_size=4).map(tuple),
    data=st.sampled_from(["", "/var/lib/mysql"]),
)


def floats(value: object) -> object:
    """As the engine gives numbers back."""
    if isinstance(value, dict):
        return {name: floats(each) for name, each in value.items()}
    if isinstance(value, list):
        return [floats(each) for each in value]
    return float(value) if isinstance(value, int) else value


@given(machines, texts)
def test_the_checkpoint_alone_tells_what_a_machine_is(machine: Machine, resource: str) -> None:
    known = floats({**facts(machine, Place(machine.cloud, "aws", made_as=resource)), "owner": "x", "publicKey": "y"})
    assert isinstance(known, dict)
    found = machine_of(known)
    assert found == replace(machine, cloud=resource)
    assert (found.ports, found.data) == (machine.ports, machine.data)


def test_rules_are_ssh_vpn_and_what_is_public() -> None:
    assert firewall.common(["203.0.113.4/32", "203.0.113.4/32"]) == (
        Rule(22, "tcp", "203.0.113.4/32", "SSH of the operators"),
        Rule(4242, "udp", "0.0.0.0/0", "VPN of the application"),
    )
    spread = wanted(build(service(placement="spread", counts={"backend": 1}))).machines
    public = {machine.node: [(rule.port, rule.source) for rule in firewall.own(machine)] for machine in spread}
    assert public == {"web-proxy-1": [(80, "0.0.0.0/0")], "web-web-1": [], "web-backend-1": []}


@given(machines)
def test_a_port_with_sources_is_open_to_no_others(machine: Machine) -> None:
    found = {(rule.port, rule.protocol, rule.source) for rule in firewall.own(machine)}
    assert found == {
        (port.port, port.protocol, source) for port in machine.ports for source in port.sources or ("0.0.0.0/0",)
    }


def test_tags_say_whose_a_machine_is() -> None:
    target = wanted(build(service()))
    given = tags.of_machine(target, target.machines[0], "owner", "file://host/folder")
    assert tags.read(given) == tags.Tags("owner", "shop", "web-1", 1, "file://host/folder")
    assert tags.read({tags.OWNER: "x", tags.INCARNATION: "no number"}) == tags.Tags("x", "", "", 0, "")
    assert len(tags.of_place(target, "x", "s3://" + "a" * 400)[tags.BACKEND]) <= 255


def test_user_data_is_strict_ssh_and_nothing_else() -> None:
    private, public = ssh_key_pair("web-1")
    text = userdata.cloud_config("web-1", "ssh-ed25519 AAAA login", private, public)
    config = yaml.safe_load(text)
    assert text.startswith("#cloud-config\n")
    assert config["ssh_keys"] == {"ed25519_private": private, "ed25519_public": public}
    assert (config["ssh_authorized_keys"], config["users"]) == (["ssh-ed25519 AAAA login"], [])
    assert (config["disable_root"], config["ssh_pwauth"], config["hostname"]) == (False, False, "web-1")
    assert "runcmd" not in config
    assert len(text) < 16_000  # what EC2 takes


@pytest.mark.parametrize("kind", ["", "ext4"])
def test_a_data_volume_is_formatted_once_only(kind: str, tmp_path: Path) -> None:
    """The script itself, with its tools replaced: a volume that holds a file system is never formatted."""
    log, path, device = tmp_path / "log", tmp_path / "data", "/dev/null"
    for tool, body in {
        "blkid": f"echo {kind}",
        "mkfs.ext4": 'echo "format $*" >> $LOG',
        "mountpoint": "exit 1",
        "mount": 'echo "mount $*" >> $LOG',
    }.items():
        (tmp_path / tool).write_text(f"#!/bin/sh\n{body}\n")
        (tmp_path / tool).chmod(0o755)
    config = yaml.safe_load(userdata.cloud_config("db-1", "k", "p", "q", userdata.Volume(device, str(path))))
    script = tmp_path / "script"
    script.write_text(config["write_files"][0]["content"].replace("-b", "-e"))
    environment = {"PATH": f"{tmp_path}:/usr/sbin:/usr/bin:/sbin:/bin", "LOG": str(log)}
    subprocess.run(["sh", str(script)], env=environment, check=True)
    said = log.read_text().splitlines()
    assert [line.split()[0] for line in said] == (["mount"] if kind else ["format", "mount"])
    assert said[-1].endswith(f"{device} {path}")
    assert path.is_dir()


def test_types_that_keep_data_say_where() -> None:
    for kind in TYPES.values():
        groups = kind.descriptor.groups
        copies = {each.copied_to for each in groups.values()}
        for name, group in groups.items():
            assert (group.keeps_data or name in copies) == bool(group.data), (kind.name, name)


def test_user_data_holds_the_key_that_the_stack_knows() -> None:
    machine = wanted(build(service())).machines[0]
    template = userdata.cloud_config("web-1", "ssh-ed25519 AAAA login", PRIVATE, PUBLIC)
    made = Host().create({**facts(machine, Place("ec2", "aws")), "template": template, "bootsWith": "ami-1"}).outputs
    keys = yaml.safe_load(made["userData"])["ssh_keys"]
    assert keys == {"ed25519_private": made["privateKey"], "ed25519_public": made["publicKey"]}
    assert made["bootImage"] == "ami-1"


def test_a_host_key_is_new_with_each_incarnation_only() -> None:
    machine = wanted(build(service())).machines[0]
    known = facts(machine, Place("ec2", "aws"))
    host = Host()
    made = host.create({**known, "owner": "x"})
    assert made.secrets == {"privateKey", "userData"}
    assert made.outputs["publicKey"].startswith("ssh-ed25519 ")
    assert "OPENSSH PRIVATE KEY" in made.outputs["privateKey"]
    state = {**known, "owner": "x", **made.outputs}
    assert host.diff(state, {**known, "owner": "x"}) == host.diff({}, {})
    assert host.diff(state, {**known, "owner": "x", "cpu": 4}).updated == ("cpu",)
    assert host.diff(state, {**known, "owner": "x", "incarnation": 2}).replaced == ("incarnation",)
    assert host.diff(state, {**known, "owner": "x", "bootsWith": "ami-2", "template": "other"}) == host.diff({}, {})
    json.dumps(known)
