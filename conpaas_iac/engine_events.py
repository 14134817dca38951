"""The engine's events as ours."""

from typing import Any

from pulumi import automation as auto

from conpaas_iac import clouds
from conpaas_iac.errors import Failure
from conpaas_iac.events import Event, Listener


def listener(listen: Listener, failures: list[Failure]) -> Any:
    """Engine events as ours; what failed is also kept."""

    def on_event(event: auto.EngineEvent) -> None:
        if event.resource_pre_event and (found := _machine_step(event.resource_pre_event.metadata)):
            listen(Event(found[1], "started", found[0]))
        elif event.res_outputs_event and (found := _machine_step(event.res_outputs_event.metadata)):
            listen(Event(found[1], "done", found[0]))
        elif event.diagnostic_event and event.diagnostic_event.severity == "error":
            urn = event.diagnostic_event.urn or ""
            reason = _reason(event.diagnostic_event.message)
            if urn and reason:
                node = urn.rsplit("::", 1)[-1]
                failures.append(Failure(node, "machine", reason))
                listen(Event("machine", "failed", node, reason))

    return on_event


def _machine_step(metadata: Any) -> tuple[str, str] | None:
    """(node, phase) of a step that touches a machine."""
    if not any(metadata.type == clouds.cloud(name).MACHINE for name in clouds.names()):
        return None
    phases = {"create": "machine", "update": "machine", "create-replacement": "machine", "replace": "machine"}
    phases |= {"delete": "remove", "delete-replaced": "remove"}
    operation = str(getattr(metadata.op, "value", metadata.op))
    return (metadata.urn.rsplit("::", 1)[-1], phases[operation]) if operation in phases else None


def _reason(message: str) -> str:
    """The engine's words around a provider's error are no help to a user."""
    text = message.strip().splitlines()[0] if message.strip() else ""
    for noise in ("Exception calling application: ", "rpc error: code = Unknown desc = "):
        _, _, rest = text.rpartition(noise)
        text = rest or text
    return text
