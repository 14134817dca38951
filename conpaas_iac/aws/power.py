"""Machines of EC2 started, stopped, given another size and removed, all at once. Names are ids of instances."""

import time
from collections.abc import Iterable, Mapping
from typing import Any

from conpaas_iac import aws
from conpaas_iac.aws import sizes
from conpaas_iac.aws.listing import ALIVE
from conpaas_iac.core.places import Place
from conpaas_iac.errors import MachineError
from conpaas_iac.provider.greeting import Greeting, awaited


def start(place: Place, names: Iterable[str]) -> None:
    """Ends when SSH answers on all."""
    ids = sorted(names)
    if not ids:
        return
    with aws.errors(f"start of {', '.join(ids)}", place):
        client = aws.client(place)
        if going := _in_state(client, ids, "stopping"):  # EC2 starts only what has stopped
            client.get_waiter("instance_stopped").wait(InstanceIds=going)
        client.start_instances(InstanceIds=ids)
        client.get_waiter("instance_running").wait(InstanceIds=ids)
        _greeted(client, ids)


def stop(place: Place, names: Iterable[str]) -> None:
    """Their disks stay."""
    ids = sorted(names)
    if ids:
        with aws.errors(f"stop of {', '.join(ids)}", place):
            client = aws.client(place)
            client.stop_instances(InstanceIds=ids)
            client.get_waiter("instance_stopped").wait(InstanceIds=ids)


def resize(place: Place, wanted: Mapping[str, tuple[int, int]]) -> None:
    """EC2 does that to machines that are stopped; those that ran run again."""
    if not wanted:
        return
    with aws.errors(f"new size of {', '.join(sorted(wanted))}", place):
        client = aws.client(place)
        running = _in_state(client, sorted(wanted), "running")
    stop(place, running)
    with aws.errors(f"new size of {', '.join(sorted(wanted))}", place):
        for name, (cpu, memory) in sorted(wanted.items()):
            kind = sizes.instance_type(place, cpu, memory)
            client.modify_instance_attribute(InstanceId=name, InstanceType={"Value": kind})
    start(place, running)


def remove(place: Place, names: Iterable[str]) -> None:
    """Gone already is fine."""
    with aws.errors(f"removal of {', '.join(sorted(names))}", place):
        client = aws.client(place)
        there = _in_state(client, sorted(names), *ALIVE)
        if there:
            client.terminate_instances(InstanceIds=there)
            client.get_waiter("instance_terminated").wait(InstanceIds=there)


def _in_state(client: Any, ids: Iterable[str], *states: str) -> list[str]:
    """Those of the machines that are there and in one of the states."""
    filters = [{"Name": "instance-id", "Values": list(ids)}, {"Name": "instance-state-name", "Values": list(states)}]
    return sorted(each["InstanceId"] for each in aws.instances(client, Filters=filters))


def _greeted(client: Any, ids: list[str]) -> None:
    """Addresses are known once the machines run."""
    found = list(aws.instances(client, InstanceIds=ids))
    deadline = time.monotonic() + Greeting.SECONDS
    for instance in found:
        if why := awaited(instance.get("PublicIpAddress", ""), deadline):
            raise MachineError(f"machine {instance['InstanceId']} was started and SSH does not answer: {why}")
