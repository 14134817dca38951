"""OpenStack through openstacksdk: the one place that opens it and translates its errors."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from conpaas_iac.errors import MachineError, UserError

SECONDS = 300  # that a machine may take to start, to stop or to change its size
BUSY = (429, 503)  # what is worth another try
QUOTAS = {"instances": "machines", "total_cores": "cores", "total_ram": "MiB of memory"}
PLACE = 'look at "Cloud" and "Region" of the cloud in the manifest, and at clouds.yaml or the OS_* variables'
CREDENTIALS = "set OS_CLOUD to a cloud of clouds.yaml, or the OS_* variables of your project's RC file"


@dataclass(frozen=True)
class Flavor:
    """What machines may be like there. Memory in MiB, disk in GiB."""

    name: str
    cores: int
    memory: int
    disk: int


@lru_cache(maxsize=8)
def connect(cloud: str, region: str) -> Any:
    """A connection, as `clouds.yaml` or `OS_*` say; both may be empty. It logs in with its first call."""
    try:
        import openstack
    except ImportError as error:
        remedy = "pip install 'conpaas[openstack]'"
        raise UserError("the client library of OpenStack is not installed", remedy) from error
    patience: Mapping[str, Any] = {"status_code_retries": 4, "retriable_status_codes": list(BUSY)}
    with errors("login"):
        return openstack.connect(cloud=cloud or None, region_name=region or None, app_name="conpaas", **patience)


@contextmanager
def errors(what: str) -> Iterator[None]:
    """Translate its errors; `what` says what was being done."""
    from keystoneauth1 import exceptions as login
    from openstack import exceptions as sdk

    try:
        yield
    except sdk.ConfigException as error:  # what clouds.yaml, or the environment, does not know
        raise UserError(f"OpenStack: {_line(error)}", PLACE) from error
    except (login.MissingRequiredOptions, login.MissingAuthPlugin) as error:
        raise UserError(f"OpenStack: no credentials for the {what}: {_line(error)}", CREDENTIALS) from error
    except login.Unauthorized as error:
        raise UserError("OpenStack does not take these credentials: wrong, or expired", CREDENTIALS) from error
    except login.EndpointNotFound as error:
        raise UserError(f"OpenStack: {_line(error)}", PLACE) from error
    except sdk.ForbiddenException as error:
        remedy = "ask for the member role in the project"
        raise UserError(f"OpenStack forbids the {what}: {_line(error)}", remedy) from error
    except sdk.ResourceFailure as error:
        raise MachineError(f"OpenStack: {what}: {_line(error)}", remedy="run the same command again") from error
    except sdk.ResourceTimeout as error:
        raise MachineError(f"OpenStack: {what}: not within {SECONDS} s", remedy="run the same command again") from error
    except (sdk.SDKException, login.ClientException) as error:
        raise MachineError(f"OpenStack: {what}: {_line(error)}", remedy="conpaas doctor") from error


def _line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]


def servers(connection: Any) -> list[Any]:
    """All of the project, in one list call."""
    with errors("list of machines"):
        return list(connection.compute.servers(details=True))


def flavors(connection: Any) -> tuple[Flavor, ...]:
    """All that the project may use, smallest first."""
    with errors("list of flavors"):
        found = [Flavor(each.name, each.vcpus, each.ram, each.disk or 0) for each in connection.compute.flavors()]
    return tuple(sorted(found, key=lambda each: (each.memory, each.cores, each.disk, each.name)))


def fitting(known: tuple[Flavor, ...], cores: int, memory: int) -> Flavor:
    """The smallest that has both; raises UserError where none has."""
    found = next((each for each in known if each.cores >= cores and each.memory >= memory), None)
    if found is None:
        largest = f"the largest is {known[-1].name}: {known[-1].cores} cores, {known[-1].memory} MiB" if known else ""
        raise UserError(f"OpenStack has no flavor of {cores} cores and {memory} MiB", largest)
    return found


def named(known: tuple[Flavor, ...], name: str) -> Flavor:
    """The flavor of that name; raises UserError naming those that there are."""
    found = next((each for each in known if each.name == name), None)
    if found is None:
        there = ", ".join(each.name for each in known)
        raise UserError(f"OpenStack has no flavor {name!r}", f"there are {there}" if known else "")
    return found


def image(connection: Any, name: str) -> str:
    """Id of the newest active image of that name; raises UserError where there is none."""
    with errors("list of images"):
        found = [each for each in connection.image.images(name=name, status="active") if each.name == name]
    if not found:
        raise UserError(f"OpenStack has no image {name!r}", 'set "Image" of the cloud: openstack image list')
    return str(max(found, key=lambda each: each.created_at or "").id)


def network(connection: Any, name: str, external: bool = False) -> str:
    """Id of a network, by name; with `external` and no name, of the only one that leads outside."""
    with errors("list of networks"):
        found = [
            each
            for each in connection.network.networks()
            if (each.is_router_external or not external) and name in ("", each.name, each.id)
        ]
    field = "ExternalNetwork" if external else "Network"
    kind = "external network" if external else "network"
    if not found:
        raise UserError(f"OpenStack has no {kind}" + (f" {name!r}" if name else ""), f'set "{field}" of the cloud')
    if len(found) > 1:
        there = ", ".join(sorted(each.name for each in found))
        raise UserError(f"OpenStack has more than one {kind}: {there}", f'set "{field}" of the cloud')
    return str(found[0].id)


def refuse_over_quota(connection: Any, wanted: Mapping[str, int]) -> None:
    """Raises UserError where the project may not have so much more; -1 is no limit. Keys are those of QUOTAS."""
    with errors("list of quotas"):
        limits = connection.compute.get_limits().absolute
    used = {"instances": "instances_used", "total_cores": "total_cores_used", "total_ram": "total_ram_used"}
    short = []
    for name, more in wanted.items():
        limit, there = getattr(limits, name), getattr(limits, used[name]) or 0
        if limit is not None and limit >= 0 and there + more > limit:
            short.append(f"{more} {QUOTAS[name]} wanted, {max(0, limit - there)} of {limit} left")
    if short:
        raise UserError(f"OpenStack's quota is short: {'; '.join(short)}", "remove machines, or ask for a higher quota")
