"""Reading manifests: what comes out of good ones, and that no document makes it fail."""

import json
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conpaas_iac import catalog
from conpaas_iac.catalog import Catalog
from conpaas_iac.core.layout import SIZES
from conpaas_iac.manifest.diagnostics import ManifestError
from conpaas_iac.manifest.model import Archive, Batch, Manifest, Publish
from conpaas_iac.manifest.read import compile_, read
from conpaas_iac.manifest.schema import compose, options
from conpaas_iac.shipped import folder
from tests.builders import PROVIDERS

POSITIVE = sorted((Path(__file__).parent / "positive").iterdir())
ENVELOPE = json.loads((folder("schemas") / "manifest.schema.json").read_text())
TOP, COMMON = sorted(set(ENVELOPE["properties"]) - {"Services"}), sorted(ENVELOPE["$defs"]["service"]["properties"])
OTHERS = [name for each in ENVELOPE["$defs"].values() for name in each.get("properties", {})]
KEYS = sorted({*TOP, *COMMON, *OTHERS, "Range", "Url", "Secret", "backend", "mysql", "slaves", "glb", "a/b~"})
WORDS = [
    "php",
    "mysql",
    "galera",
    "java",
    "scalaris",
    "selenium",
    "front",
    "lxd",
    "default",
    "10.42.0.0/16",
    "10.42.0.9",
    "0.0.0.0/0",
    "1",
    "x.zip",
    "git@a:b",
    "https://a/b.git#c",
    "spread",
    ".",
    "a-1",
    "front-1",
]
keys = st.sampled_from(KEYS) | st.text(max_size=3)
leaves = (
    st.sampled_from([*WORDS, "", "\0"])
    | st.none()
    | st.booleans()
    | st.integers(-2, 5)
    | st.floats()
    | st.text(max_size=5)
)
values = st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=5))
services = st.lists(
    st.fixed_dictionaries(
        {"Type": st.sampled_from(WORDS[:6])},
        optional={name: leaves | values for name in COMMON if name != "Type"},
    )
    | values,
    max_size=4,
)
manifests = values | st.fixed_dictionaries({"Services": services}, optional=dict.fromkeys(TOP, values))


def compiled(name: str, types: Catalog) -> Manifest:
    return compile_(Path(__file__).parent / "positive" / f"{name}.json", types, PROVIDERS)


@pytest.mark.parametrize("path", POSITIVE, ids=lambda path: path.name)
def test_good_manifests_are_taken(path: Path, types: Catalog) -> None:
    result = read(path, types, PROVIDERS)
    assert [each for each in result.diagnostics if each.severity == "error"] == []
    assert result.manifest


def test_the_sudoku_of_the_slides(types: Catalog) -> None:
    manifest = compiled("sudoku", types)
    (service,) = manifest.services
    assert (manifest.application, service.name, service.title) == (
        "sudoku-example", "php-sudoku-backend", "PHP sudoku backend"
    )  # fmt: skip
    assert not service.start
    assert service.counts == {"proxy": 1, "web": 1, "backend": 1}
    assert service.archive == Archive("url", "http://www.example.org/sudoku.tar.gz")
    assert service.options["memory_limit"] == "128M"
    assert manifest.places["/Services/0/Type"].line == 6


def test_the_mediawiki_of_the_slides(types: Catalog) -> None:
    manifest = compiled("mediawiki", types)
    assert [(each.name, each.type, each.uses) for each in manifest.services] == [
        ("wiki-webserver", "java", ("wiki-database",)),
        ("wiki-database", "scalaris", ("wiki-webserver",)),
    ]


def test_an_early_release(types: Catalog) -> None:
    blog, database, files, jobs = compiled("early-release", types).services
    assert blog.counts["backend"] == 3
    assert database.counts == {"mysql": 2, "glb": 1}
    assert files.counts == {"dir": 1, "mrc": 1, "osd": 3}
    assert files.resume == files.seed == "http://example.org/snapshot.tar.gz"
    assert files.fields["VolumeStartup"] == {"volumeName": "data", "owner": "xtreemfs-user"}
    assert (jobs.name, jobs.cloud, jobs.fields) == ("generic", "lxd", {"StartRole": "master"})


def test_every_field(types: Catalog) -> None:
    manifest = compiled("everything", types)
    database, front, jobs = manifest.services
    assert manifest.range == IPv4Network("10.42.0.0/16")
    assert set(manifest.clouds) == {"lab", "lxd"}
    assert (database.cloud, database.size, database.renamed_from, database.uses) == ("lab", "medium", "database", ())
    assert database.publish == (
        Publish("mysql", 3306, (IPv4Network("203.0.113.0/24"), IPv4Network("198.51.100.7/32"))),
    )
    assert front.archive == Archive("git", "https://example.org/shop", revision="v1.4")
    assert front.addresses == {"": (IPv4Address("10.42.0.99"),)}
    assert front.batches["backend"] == (Batch(2, "lxd", "large"), Batch(1, "lab", "medium"), Batch(1, "lxd", "small"))
    assert front.counts["backend"] == 4
    assert front.environment == {"LANG": "C", "WORKERS": "4"}
    assert (front.placement, front.image, front.startup_script) == (
        "spread", "my-image", "https://example.org/start.sh"
    )  # fmt: skip
    assert jobs.archive == Archive("git", "git@example.org:shop/jobs.git", revision="main")
    assert not jobs.start


def test_an_error_carries_everything(types: Catalog, tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    path.write_text('{"Services": [{"Type": "galera"}, {"Type": "phpp"}, {"Type": "mysql", "Strat": 1}]}')
    with pytest.raises(ManifestError) as caught:
        compile_(path, types, PROVIDERS)
    assert [each.code for each in caught.value.diagnostics] == ["N0101", "N0102", "E0104", "W0203", "E0102"]
    assert "error[E0102]" in caught.value.message


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(document=manifests)
def test_no_document_makes_it_fail(document: Any, types: Catalog, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzz" / "manifest.json"
    path.parent.mkdir(exist_ok=True)
    text = json.dumps(document, indent=1)
    path.write_text(text)
    result = read(path, types, PROVIDERS)
    lines = text.split("\n")
    for each in result.diagnostics:
        assert each.place.column + each.place.length <= len(lines[each.place.line - 1]) + 2
    assert (result.manifest is None) == any(each.severity == "error" for each in result.diagnostics)
    assert list(result.diagnostics) == sorted(result.diagnostics, key=lambda each: (each.place.line, each.place.column))


def test_the_schema_is_one(types: Catalog) -> None:
    from jsonschema import Draft202012Validator

    Draft202012Validator.check_schema(compose(types, PROVIDERS))


@pytest.mark.parametrize("name", sorted(catalog.load()))
def test_defaults_of_every_type_that_is_found_are_allowed(name: str) -> None:
    from jsonschema import Draft202012Validator

    kind = catalog.load()[name]
    Draft202012Validator.check_schema(options(kind))
    Draft202012Validator(options(kind)).validate(kind.default_options())


def test_sizes_are_those_that_machines_come_in() -> None:
    assert ENVELOPE["$defs"]["size"]["enum"] == list(SIZES)
