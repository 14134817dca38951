"""openstacksdk itself, on the stand-in's API, as our cloud file asks it; and what users read where it fails."""

from collections.abc import Iterator

import pytest

from conpaas_iac import openstack as ours
from conpaas_iac.errors import ConpaasError, MachineError, UserError
from tests.standins import found, rest
from tests.standins.lab import Lab


@pytest.fixture
def api(openstack: Lab, monkeypatch: pytest.MonkeyPatch) -> Iterator[rest.Api]:
    """The API; the environment leads to it."""
    ours.connect.cache_clear()
    with rest.served(openstack) as (api, variables):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", "/dev/null")
        yield api
    ours.connect.cache_clear()


def test_what_there_is(api: rest.Api) -> None:
    """Lists, and things by name."""
    cloud = ours.connect("", "")
    known = ours.flavors(cloud)
    assert (ours.fitting(known, 1, 1024).name, ours.fitting(known, 2, 1000).name) == ("c1.mini", "c1.double")
    assert ours.image(cloud, found.DEBIAN) == next(iter(api.lab.images().values()))["id"]
    assert ours.network(cloud, "", external=True) == ours.network(cloud, "public") == api.lab.setting("external")
    assert ours.servers(cloud) == []


def said(error: pytest.ExceptionInfo[ConpaasError]) -> str:
    return f"{error.value.message} | {error.value.remedy}"


def test_what_is_not_there(api: rest.Api) -> None:
    """Each with what to do about it."""
    cloud = ours.connect("", "")
    with pytest.raises(UserError) as error:
        ours.image(cloud, "windows")
    assert said(error) == """OpenStack has no image 'windows' | set "Image" of the cloud: openstack image list"""
    with pytest.raises(UserError, match="no flavor of 64 cores and 1 MiB"):
        ours.fitting(ours.flavors(cloud), 64, 1)
    with pytest.raises(UserError) as error:
        ours.named(ours.flavors(cloud), "huge")
    assert "no flavor 'huge' | there are m1.tiny, c1.mini" in said(error)
    with pytest.raises(UserError) as error:
        ours.network(cloud, "lan")
    assert said(error) == """OpenStack has no network 'lan' | set "Network" of the cloud"""


def test_a_quota_that_is_short_by_one(api: rest.Api) -> None:
    """Everything that is short is said at once."""
    for name, value in {"instances": "2", "cores": "4", "ram": "100"}.items():
        api.lab.set(f"quota.{name}", value)
    wanted = {"instances": 3, "total_cores": 4, "total_ram": 101}
    try:
        with pytest.raises(UserError) as error:
            ours.refuse_over_quota(ours.connect("", ""), wanted)
        ours.refuse_over_quota(ours.connect("", ""), {"instances": 2, "total_cores": 4, "total_ram": 100})
    finally:
        for name in ("instances", "cores", "ram"):
            api.lab.set(f"quota.{name}", None)
    assert "3 machines wanted, 2 of 2 left; 101 MiB of memory wanted, 100 of 100 left" in said(error)


def test_too_many_requests_are_waited_out(api: rest.Api) -> None:
    """A few of them."""
    cloud = ours.connect("", "")
    ours.servers(cloud)
    api.busy = 2
    assert ours.servers(cloud) == []
    assert api.busy == 0


def test_no_credentials(api: rest.Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """None, wrong ones, a cloud that clouds.yaml does not know, a region that is not there, nobody at home."""
    with pytest.raises(UserError) as error:
        ours.servers(ours.connect("uni", ""))
    assert "Cloud uni was not found" in said(error)
    with pytest.raises(UserError) as error:
        ours.servers(ours.connect("", "two"))
    assert "Region two is not a valid region name" in said(error)
    monkeypatch.delenv("OS_REGION_NAME")
    with pytest.raises(UserError, match="compute service in two region not found"):
        ours.servers(ours.connect("", "two"))
    monkeypatch.setenv("OS_PASSWORD", "wrong")
    ours.connect.cache_clear()
    with pytest.raises(UserError, match="does not take these credentials: wrong, or expired"):
        ours.servers(ours.connect("", ""))
    monkeypatch.setenv("OS_AUTH_URL", "http://127.0.0.1:9/v3")
    ours.connect.cache_clear()
    with pytest.raises(MachineError, match=r"127\.0\.0\.1:9"):
        ours.servers(ours.connect("", ""))
    for name in ("OS_AUTH_URL", "OS_USERNAME", "OS_PASSWORD", "OS_PROJECT_NAME"):
        monkeypatch.delenv(name)
    ours.connect.cache_clear()
    with pytest.raises(UserError) as error:
        ours.servers(ours.connect("", ""))
    assert "no credentials" in said(error)
