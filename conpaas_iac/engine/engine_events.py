"""The engine's events and errors as ours."""

import logging
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from conpaas_iac import clouds
from conpaas_iac.backend.turn import GOES_ON
from conpaas_iac.core.declaration import Declaration
from conpaas_iac.core.places import by_resource
from conpaas_iac.errors import ConpaasError, Failure, MachineError, StateError, UserError
from conpaas_iac.runs.events import Event, Listener

if TYPE_CHECKING:
    from pulumi import automation as auto


def listener(listen: Listener, failures: list[Failure], done: set[str], nodes: Mapping[str, str]) -> Any:
    """Engine events as ours; what failed, and the names of resources that are as they should be, are also kept.

    `nodes` is resource -> machine, where a renamed service's machine has another name than its resource.
    """

    def named(urn: str) -> str:
        name = urn.rsplit("::", 1)[-1]
        return nodes.get(name) or nodes.get(name.partition(".")[0]) or name  # "web-1.address" is part of web-1

    steps: dict[str, str] = {}  # node -> what the engine is at there

    def on_event(event: "auto.EngineEvent") -> None:
        if event.res_outputs_event:
            done.add(event.res_outputs_event.metadata.urn.rsplit("::", 1)[-1])
        if event.resource_pre_event and (found := _machine_step(event.resource_pre_event.metadata, named)):
            steps[found[0]] = found[1]
            listen(Event(found[1], "started", found[0]))
        elif event.res_outputs_event and (found := _machine_step(event.res_outputs_event.metadata, named)):
            listen(Event(found[1], "done", found[0]))
        elif event.diagnostic_event and event.diagnostic_event.severity == "error":
            urn = event.diagnostic_event.urn or ""
            reason = _reason(event.diagnostic_event.message)
            if urn and reason:
                node = named(urn)
                step = steps.get(node, "machine")
                failures.append(Failure(node, step, reason))
                listen(Event(step, "failed", node, reason))

    return on_event


def _machine_step(metadata: Any, named: Callable[[str], str]) -> tuple[str, str] | None:
    """(node, phase) of a step that touches a machine."""
    if metadata.type not in clouds.kinds():
        return None
    phases = {"create": "machine", "update": "machine", "create-replacement": "machine", "replace": "machine"}
    phases |= {"delete": "remove", "delete-replaced": "remove"}
    operation = str(getattr(metadata.op, "value", metadata.op))
    return (named(metadata.urn), phases[operation]) if operation in phases else None


def _reason(message: str) -> str:
    """The engine's words around a provider's error are no help to a user."""
    text = message.strip().splitlines()[0] if message.strip() else ""
    for noise in ("Exception calling application: ", "rpc error: code = Unknown desc = ", "<class 'ValueError'>: "):
        _, _, rest = text.rpartition(noise)
        text = rest or text
    return text


def was_killed(error: Exception) -> int:
    """The signal that ended it; 0 where it ended by itself."""
    found = re.search(r"^ code: -(\d+)$", str(error), re.MULTILINE)
    return int(found[1]) if found else 0


def translated(error: Exception, failures: list[Failure], opened: str = "") -> ConpaasError:
    """An error of the engine; `failures` are those that its events told of, `opened` is the stack it was to read."""
    text = str(error)
    logging.getLogger(__name__).debug("engine: %s", text)
    if number := was_killed(error):
        return UserError(f"the engine was killed (signal {number}): was there no memory left?", GOES_ON)
    _, unreadable, reason = text.partition("failed to load checkpoint: ")
    if unreadable and opened:
        return StateError("checkpoint", opened, reason.splitlines()[0])
    if "incorrect passphrase" in text:
        return UserError("the state cannot be read with this passphrase", "set PULUMI_CONFIG_PASSPHRASE_FILE")
    if "no space left on device" in text:
        return UserError("the disk is full: the engine cannot write its state", "free some space, then run it again")
    if failures:
        return MachineError(f"failed: {', '.join(failure.node for failure in failures)}", tuple(failures))
    lines = [line for line in text.splitlines() if line.strip()]
    return ConpaasError(f"the engine failed: {next((line for line in lines if 'error:' in line), text[-500:])}")


def of_machines(failures: Iterable[Failure], declaration: Declaration) -> Iterator[Failure]:
    """What fails of a place, as its network ("ec2.network"), fails for all machines there."""
    names = by_resource(declaration.places)
    for failure in failures:
        place = names.get(failure.node.partition(".")[0])
        there = [machine.node for machine in declaration.machines if machine.cloud == place]
        reason = f"{failure.node}: {failure.reason}"
        yield from (replace(failure, node=node, reason=reason) for node in there) if there else (failure,)
