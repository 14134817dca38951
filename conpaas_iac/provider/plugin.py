"""The plugin `pulumi-resource-conpaas`: carries the engine's calls to our resource types and back."""

import asyncio
import os
import select
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from pulumi.provider.experimental import provider as api
from pulumi.provider.experimental.property_value import Computed, PropertyValue
from pulumi.provider.experimental.server import main as serve

from conpaas_iac import __version__, settings
from conpaas_iac.errors import ConpaasError
from conpaas_iac.provider.authority import Authority
from conpaas_iac.provider.greeting import Greeting
from conpaas_iac.provider.host import Host
from conpaas_iac.provider.identity import Identity
from conpaas_iac.provider.lxd_instance import Instance
from conpaas_iac.provider.resource import Made, Resource, Values
from conpaas_iac.provider.secret import Secret
from conpaas_iac.system.trying import stubborn

TYPES: Mapping[str, type[Resource]] = {
    "conpaas:index:Identity": Identity,
    "conpaas:index:Secret": Secret,
    "conpaas:cloud:Host": Host,
    "conpaas:cloud:Greeting": Greeting,
    "conpaas:vpn:Authority": Authority,
    "conpaas:lxd:Instance": Instance,
}

Properties = dict[str, PropertyValue]


class Plugin(api.Provider):
    """One instance serves every resource of a run."""

    async def check_config(self, request: api.CheckRequest) -> api.CheckResponse:
        """The provider has no settings of its own."""
        return api.CheckResponse(inputs=request.new_inputs)

    async def diff_config(self, request: api.DiffRequest) -> api.DiffResponse:
        """Nothing to differ."""
        return api.DiffResponse(changes=False)

    async def configure(self, request: api.ConfigureRequest) -> api.ConfigureResponse:
        """Secrets come marked as such."""
        return api.ConfigureResponse(accept_secrets=True, supports_preview=True, accept_outputs=True)

    async def check(self, request: api.CheckRequest) -> api.CheckResponse:
        """Wrong inputs are said before anything is created; unknown ones are looked at later."""
        inputs = plain(request.new_inputs)
        wrong = {} if None in inputs.values() else TYPES[request.type]().check(inputs)
        failures = [api.CheckFailure(name, reason) for name, reason in wrong.items()]
        return api.CheckResponse(inputs=request.new_inputs, failures=failures)

    async def diff(self, request: api.DiffRequest) -> api.DiffResponse:
        """Machines are delete-before-replace: two with one name cannot live side by side."""
        change = TYPES[request.type]().diff(plain(request.old_state), plain(request.new_inputs))
        return api.DiffResponse(
            changes=bool(change.updated or change.replaced),
            replaces=list(change.replaced),
            diffs=[*change.updated, *change.replaced],
            delete_before_replace=True,
        )

    async def create(self, request: api.CreateRequest) -> api.CreateResponse:
        """A preview makes nothing and knows no outputs."""
        if request.preview:
            return api.CreateResponse(properties=request.properties)
        create = stubborn(TYPES[request.type]().create, settings.load().pauses)
        made = await in_thread(create, plain(request.properties))
        return api.CreateResponse(made.id, request.properties | outputs(made))

    async def read(self, request: api.ReadRequest) -> api.ReadResponse:
        """An empty id tells the engine that the thing is gone."""
        made = await in_thread(TYPES[request.type]().read, request.resource_id, plain(request.properties))
        if made is None:
            return api.ReadResponse("", {}, {})
        return api.ReadResponse(made.id, request.properties | outputs(made), request.inputs)

    async def update(self, request: api.UpdateRequest) -> api.UpdateResponse:
        """What did not change keeps its outputs."""
        changed: Values = {}
        if not request.preview:
            kind = TYPES[request.type]()
            changed = await in_thread(kind.update, request.resource_id, plain(request.olds), plain(request.news))
        secrets = frozenset(name for name, value in request.olds.items() if value.is_secret)
        return api.UpdateResponse(request.olds | request.news | outputs(Made(request.resource_id, changed, secrets)))

    async def delete(self, request: api.DeleteRequest) -> None:
        """Gone already is fine."""
        await in_thread(TYPES[request.type]().delete, request.resource_id, plain(request.properties))


async def in_thread(call: Any, *arguments: Any) -> Any:
    """Run a blocking call beside the others; our errors become the engine's message, one line."""
    try:
        return await asyncio.to_thread(call, *arguments)
    except ConpaasError as error:
        raise ValueError(error.message + (f" [{error.remedy}]" if error.remedy else "")) from None


def plain(properties: Mapping[str, PropertyValue]) -> dict[str, Any]:
    """Property values as Python's own; what is not known yet is None."""
    return {name: _plain(value) for name, value in properties.items()}


def _plain(value: PropertyValue) -> Any:
    inner = value.value
    if isinstance(inner, Computed):
        return None
    if isinstance(inner, Mapping):
        return plain(inner)
    if isinstance(inner, tuple):
        return [_plain(each) for each in inner]
    return inner


def outputs(made: Made) -> Properties:
    """Outputs as property values, secrets marked."""
    return {name: _property(value).with_secret(name in made.secrets) for name, value in made.outputs.items()}


def _property(value: Any) -> PropertyValue:
    if isinstance(value, Mapping):
        return PropertyValue({name: _property(each) for name, each in value.items()})
    if isinstance(value, list | tuple):
        return PropertyValue([_property(each) for each in value])
    return PropertyValue(value)


def _end_with_parent() -> None:
    """Plugins outlive a killed engine and go on creating: end when the parent does."""
    parent = os.getppid()

    def watch() -> None:
        with suppress(OSError):  # a kernel older than 5.3, or a parent that is gone already
            select.select([os.pidfd_open(parent)], [], [])
        tick = threading.Event()
        while os.getppid() == parent:
            tick.wait(0.2)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def main() -> None:
    """Entry point, started by the engine."""
    _end_with_parent()
    serve(sys.argv[1:], __version__, Plugin())
