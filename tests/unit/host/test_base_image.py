"""What is in the image names it."""

import tarfile
from io import BytesIO

import yaml

from conpaas_iac.host import base_image
from conpaas_iac.settings import Settings


def test_alias_is_stable_and_changes_with_content() -> None:
    assert base_image.alias(Settings()) == base_image.alias(Settings())
    files = [("a", b"1"), ("b", b"2")]
    digests = {
        base_image.digest(files, "x86_64"),
        base_image.digest(files, "aarch64"),
        base_image.digest([("a", b"1"), ("b", b"3")], "x86_64"),
        base_image.digest([("a", b"12"), ("b", b"")], "x86_64"),
    }
    assert len(digests) == 4


def test_metadata_names_only_templates_that_are_there() -> None:
    with tarfile.open(fileobj=BytesIO(base_image.metadata("x"))) as archive:
        names = set(archive.getnames())
        described = archive.extractfile("metadata.yaml")
        assert described is not None
        document = yaml.safe_load(described)
    assert set(document["templates"]) == {"/etc/hostname", "/etc/hosts", "/etc/resolv.conf"}
    for entry in document["templates"].values():
        assert f"templates/{entry['template']}" in names
        assert entry["when"] == ["create", "copy"]


def test_what_services_need_is_in_it() -> None:
    packages = (base_image.GUEST / "packages.txt").read_text().split()
    assert packages == sorted(packages)
    assert {"openssh-server", "python3", "python3-apt", "systemd-sysv", "netbase", "nftables"} <= set(packages)
