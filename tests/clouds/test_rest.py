"""openstacksdk itself, on the stand-in's API, as our cloud file asks it; and what users read where it fails."""

from collections.abc import Iterator

import pytest

from conpaas_iac import openstack as ours
from conpaas_iac.core.places import Place
from conpaas_iac.errors import ConpaasError, MachineError, UserError
from conpaas_iac.openstack import listing, lookup
from conpaas_iac.openstack.lookup import DEBIAN
from tests.standins import found, rest
from tests.standins.lab import Lab

UNI = Place("uni", "openstack")


@pytest.fixture
def api(openstack: Lab, monkeypatch: pytest.MonkeyPatch) -> Iterator[rest.Api]:
    """The API; the environment leads to it."""
    ours._client.cache_clear()
    with rest.served(openstack) as (api, variables):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", "/dev/null")
        yield api
    ours._client.cache_clear()


def test_what_there_is(api: rest.Api) -> None:
    """Lists, and things by name."""
    known = lookup.flavors(UNI)
    assert [lookup.flavor(UNI, known, *size).name for size in ((1, 1024), (2, 1000))] == ["c1.mini", "c1.double"]
    images = lookup.images(UNI)
    assert lookup.image(UNI, images, DEBIAN) == images[found.DEBIAN] == images[images[DEBIAN]]
    outside = lookup.Network(api.lab.setting("external"), "public")
    assert lookup.network(UNI, external=True) == lookup.network(UNI, "public") == outside
    assert listing.of_anybody(UNI) == ()


def said(error: pytest.ExceptionInfo[ConpaasError]) -> str:
    return f"{error.value.message} | {error.value.remedy}"


def test_what_is_not_there(api: rest.Api) -> None:
    """Each with what to do about it."""
    with pytest.raises(UserError) as error:
        lookup.image(UNI, lookup.images(UNI), "windows")
    assert "cloud uni: OpenStack has no image 'windows' | set \"Image\" of the cloud" in said(error)
    with pytest.raises(UserError, match="no flavor of 64 cores and 1 MiB"):
        lookup.flavor(UNI, lookup.flavors(UNI), 64, 1)
    fixed = Place("uni", "openstack", {"Flavors": {"small": "huge"}})
    with pytest.raises(UserError) as error:
        lookup.flavor(fixed, lookup.flavors(UNI), 1, 1024)
    assert "no flavor 'huge' | there are m1.tiny, c1.mini" in said(error)
    with pytest.raises(UserError) as error:
        lookup.network(UNI, "lan")
    assert "OpenStack has no network 'lan' | set \"Network\" of the cloud" in said(error)


def test_a_quota_that_is_short_by_one(api: rest.Api) -> None:
    """Everything that is short is said at once."""
    for name, value in {"instances": "2", "cores": "4", "ram": "100"}.items():
        api.lab.set(f"quota.{name}", value)
    wanted = {"instances": 3, "total_cores": 4, "total_ram": 101}
    try:
        with pytest.raises(UserError) as error:
            lookup.refuse_over_quota(UNI, wanted)
        lookup.refuse_over_quota(UNI, {"instances": 2, "total_cores": 4, "total_ram": 100})
    finally:
        for name in ("instances", "cores", "ram"):
            api.lab.set(f"quota.{name}", None)
    assert "3 machines wanted, 2 of 2 left; 101 MiB of memory wanted, 100 of 100 left" in said(error)


def test_too_many_requests_are_waited_out(api: rest.Api) -> None:
    """A few of them."""
    listing.of_anybody(UNI)
    api.busy = 2
    assert listing.of_anybody(UNI) == ()
    assert api.busy == 0


def test_no_credentials(api: rest.Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cloud that clouds.yaml does not know, a region that is not there, wrong ones, nobody at home, none at all."""
    with pytest.raises(UserError, match="Cloud das6 was not found"):
        listing.of_anybody(Place("uni", "openstack", {"Cloud": "das6"}))
    elsewhere = Place("uni", "openstack", {"Region": "two"})
    with pytest.raises(UserError, match="Region two is not a valid region name"):
        listing.of_anybody(elsewhere)
    monkeypatch.delenv("OS_REGION_NAME")
    ours._client.cache_clear()
    with pytest.raises(UserError, match="compute service in two region not found"):
        listing.of_anybody(elsewhere)
    monkeypatch.setenv("OS_PASSWORD", "wrong")
    ours._client.cache_clear()
    with pytest.raises(UserError, match=r"cloud uni: .* does not take these credentials: wrong, or expired"):
        listing.of_anybody(UNI)
    monkeypatch.setenv("OS_AUTH_URL", "http://127.0.0.1:9/v3")
    ours._client.cache_clear()
    with pytest.raises(MachineError, match=r"127\.0\.0\.1:9"):
        listing.of_anybody(UNI)
    for name in ("OS_AUTH_URL", "OS_USERNAME", "OS_PASSWORD", "OS_PROJECT_NAME"):
        monkeypatch.delenv(name)
    ours._client.cache_clear()
    with pytest.raises(UserError, match="there are no credentials for OpenStack"):
        listing.of_anybody(UNI)


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("Debian 12", True), ("debian-12-genericcloud-amd64-20250316", True), ("Debian 12.8 (bookworm)", True),
        ("Debian_12", True), ("Debian GNU/Linux 12", True), ("debian-12-arm64", False), ("Debian 11", False),
        ("debian-120", False), ("Ubuntu 12.04", False), ("my-debian-12", False),
    ],
)  # fmt: skip
def test_how_clouds_call_debian(name: str, is_one: bool) -> None:
    """The newest of these is what machines begin with."""
    assert lookup.is_debian(name) == is_one
