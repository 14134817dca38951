"""Servers started, stopped, given another size and removed, all of a place's at once. Names are servers' ids."""

import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from conpaas_iac import openstack
from conpaas_iac.core.places import Place
from conpaas_iac.errors import MachineError
from conpaas_iac.openstack import lookup
from conpaas_iac.openstack.listing import address
from conpaas_iac.provider.greeting import Greeting, awaited

SECONDS = 600  # that a change of state may take
LOOK = 1  # seconds between looks


def start(place: Place, names: Iterable[str]) -> None:
    """Ends when SSH answers on all."""
    _each(place, "start", names, _start)


def stop(place: Place, names: Iterable[str]) -> None:
    """Their disks stay."""
    _each(place, "stop", names, _stop)


def resize(place: Place, sizes: Mapping[str, tuple[int, int]]) -> None:
    """Each with a restart."""
    known = lookup.flavors(place) if sizes else ()
    flavors = {name: lookup.flavor(place, known, *size).name for name, size in sizes.items()}

    def one(compute: Any, server: Any) -> None:
        if server.flavor["original_name"] != flavors[server.id]:
            wanted = compute.find_flavor(flavors[server.id], ignore_missing=False)
            compute.resize_server(server, wanted)
            _wait(compute, server, "VERIFY_RESIZE")
            compute.confirm_server_resize(server)
            _wait(compute, server, "ACTIVE")

    _each(place, "new size", sizes, one)


def remove(place: Place, names: Iterable[str]) -> None:
    """Gone already is fine."""

    def one(compute: Any, server: Any) -> None:
        compute.delete_server(server)
        compute.wait_for_delete(server, interval=LOOK, wait=SECONDS)

    _each(place, "removal", names, one, may_be_gone=True)


def _start(compute: Any, server: Any) -> None:
    if server.status != "ACTIVE":
        compute.start_server(server)
    ip = address(_wait(compute, server, "ACTIVE"))
    if why := awaited(ip, time.monotonic() + Greeting.SECONDS):
        raise MachineError(f"no SSH answer from {ip} within {Greeting.SECONDS:g} s: {why}", remedy=openstack.AGAIN)


def _stop(compute: Any, server: Any) -> None:
    if server.status != "SHUTOFF":
        compute.stop_server(server)
        _wait(compute, server, "SHUTOFF")


def _wait(compute: Any, server: Any, status: str) -> Any:
    return compute.wait_for_server(server, status=status, failures=["ERROR"], interval=LOOK, wait=SECONDS)


def _each(
    place: Place, verb: str, names: Iterable[str], act: Callable[[Any, Any], None], may_be_gone: bool = False
) -> None:
    def one(name: str) -> None:
        with openstack.errors(f"{verb} of machine {name}", place):
            compute = openstack.client(place).compute
            server = compute.find_server(name, ignore_missing=may_be_gone)
            if server is not None:
                act(compute, server)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, names))
