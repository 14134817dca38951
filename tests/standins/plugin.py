"""Carries the engine's calls to a stand-in cloud, after checking them as the real plugin would."""

import asyncio
import os
import re
import sys
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

from pulumi.provider.experimental import provider as api
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.provider.experimental.server import main as serve

from conpaas_iac.provider.plugin import _end_with_parent, _property, plain
from tests.standins.lab import Absent, Lab, Record, Refused
from tests.standins.shapes import Package


@dataclass(frozen=True)
class Kind:
    """How a resource type is made of a lab's things; every function may raise Refused."""

    create: Callable[[Lab, Record], tuple[str, Record]]  # inputs -> id, outputs besides the inputs
    delete: Callable[[Lab, str, Record], None]  # gone already is Absent
    update: Callable[[Lab, str, Record, Record], Record] | None = None  # old, new -> outputs that changed
    alive: Callable[[Lab, str], bool] = lambda lab, key: True
    fixed: frozenset[str] = frozenset()  # inputs that only a new one can have, besides those the SDK says so of
    named: str = ""  # the input that the real provider makes a name for


@dataclass(frozen=True)
class Face:
    """A provider: its package, its types and functions, and what it wants to be told before it does anything."""

    package: str
    kinds: Mapping[str, Kind]
    functions: Mapping[str, Callable[[Lab, Record], Record]]
    objection: Callable[[Record], str] = field(default=lambda settings: "")  # why it cannot be configured


class Plugin(api.Provider):
    """One instance serves every resource of one provider of a run."""

    def __init__(self, face: Face) -> None:
        self._face, self._package = face, Package(face.package)
        self._lab = Lab(os.environ[f"STANDIN_{face.package.upper()}"])

    async def check_config(self, request: api.CheckRequest) -> api.CheckResponse:
        """Settings of the provider, by name."""
        settings = {name: each for name, each in plain(request.new_inputs).items() if name != "version"}
        wrong = self._package.provider.wrong(settings, {})
        return api.CheckResponse(request.new_inputs, [api.CheckFailure(*each) for each in wrong])

    async def diff_config(self, request: api.DiffRequest) -> api.DiffResponse:
        """Nothing that matters here."""
        return api.DiffResponse(changes=False)

    async def configure(self, request: api.ConfigureRequest) -> api.ConfigureResponse:
        """Credentials and region are looked at here."""
        if why := self._face.objection(plain(request.args)):
            raise ValueError(why)
        return api.ConfigureResponse(accept_secrets=True, supports_preview=True, accept_outputs=True)

    async def check(self, request: api.CheckRequest) -> api.CheckResponse:
        """Unknown and missing inputs; a name is made where none is given."""
        kind, inputs = self._kind(request.type), dict(request.new_inputs)
        if kind.named and kind.named not in inputs:
            old = request.old_inputs.get(kind.named) if request.old_inputs else None
            inputs[kind.named] = old or PropertyValue(f"{request.name}-{uuid.uuid4().hex[:7]}")
        values = {name: value for name, value in plain(inputs).items() if not name.startswith("__")}
        shape = self._package.resource(request.type)
        wrong = shape.wrong(values, self._package.nested(request.type))
        return api.CheckResponse(inputs, [api.CheckFailure(*each) for each in wrong])

    async def diff(self, request: api.DiffRequest) -> api.DiffResponse:
        """An input that is not given any more keeps its value."""
        old, new = plain(request.old_state), plain(request.new_inputs)
        changed = [name for name in new if old.get(name) != new[name] and not name.startswith("__")]
        fixed = self._package.resource(request.type).fixed | self._kind(request.type).fixed
        replaced = [name for name in changed if name in fixed]
        # The real ones say so too where a name must be unique; programs that need it ask for it themselves.
        return api.DiffResponse(changes=bool(changed), replaces=replaced, diffs=changed)

    async def create(self, request: api.CreateRequest) -> api.CreateResponse:
        """Asked-for faults strike here: before it is made, or after."""
        if request.preview:
            return api.CreateResponse(properties=request.properties)
        self._strike(request.type, "throttled", "Rate exceeded: too many requests, giving up after 25 attempts")
        key, made = await self._call(self._kind(request.type).create, plain(request.properties))
        self._strike(request.type, "late", f"timeout while waiting for state to become 'ACTIVE' ({key})")
        unknown = set(made) - self._package.outputs(request.type)
        assert not unknown, f"{request.type} has no outputs {sorted(unknown)}"
        return api.CreateResponse(key, request.properties | _marshalled(made))

    async def read(self, request: api.ReadRequest) -> api.ReadResponse:
        """An empty id tells the engine that the thing is gone."""
        if not await self._call(self._kind(request.type).alive, request.resource_id):
            return api.ReadResponse("", {}, {})
        return api.ReadResponse(request.resource_id, request.properties, request.inputs)

    async def update(self, request: api.UpdateRequest) -> api.UpdateResponse:
        """In place, where the type can."""
        update, made = self._kind(request.type).update, {}
        if not request.preview:
            if update is None:
                raise ValueError(f"{request.type} cannot be changed in place by this stand-in")
            made = await self._call(update, request.resource_id, plain(request.olds), plain(request.news))
        return api.UpdateResponse(request.olds | request.news | _marshalled(made))

    async def delete(self, request: api.DeleteRequest) -> None:
        """Gone already is fine, as with the real ones."""
        await self._call(self._kind(request.type).delete, request.resource_id, plain(request.properties))

    async def invoke(self, request: api.InvokeRequest) -> api.InvokeResponse:
        """A function, its arguments checked by name."""
        function = self._face.functions.get(request.tok)
        if function is None:
            raise ValueError(f"this stand-in has no function {request.tok}")
        arguments = plain(request.args)
        wrong = [api.CheckFailure(*each) for each in self._package.function(request.tok).wrong(arguments, {})]
        if wrong:
            return api.InvokeResponse(None, wrong)
        found = await self._call(function, arguments)
        unknown = set(found) - self._package.results(request.tok)
        assert not unknown, f"{request.tok} returns no {sorted(unknown)}"
        return api.InvokeResponse(_marshalled(found))

    def _kind(self, token: str) -> Kind:
        if token not in self._face.kinds:
            raise ValueError(f"this stand-in does not serve {token}")
        return self._face.kinds[token]

    def _strike(self, token: str, fault: str, text: str) -> None:
        with self._lab.locked():
            name = f"fault.{fault}.{re.sub('[^A-Za-z0-9]', '-', token)}"
            left = int(self._lab.setting(name, "0"))
            if left:
                self._lab.set(name, str(left - 1) if left > 1 else None)
                raise ValueError(text)

    async def _call(self, call: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return await asyncio.to_thread(call, self._lab, *arguments)
        except Absent:
            if call.__name__.startswith("delete"):
                return None
            raise
        except Refused as error:
            raise ValueError(str(error)) from None


def ask_fault(lab: Lab, token: str, fault: str, times: int = 1) -> None:
    """Let creations of a type fail: "late" after they succeeded, "throttled" before they began."""
    with lab.locked():
        lab.set(f"fault.{fault}.{re.sub('[^A-Za-z0-9]', '-', token)}", str(times))


def _marshalled(values: Mapping[str, Any]) -> dict[str, PropertyValue]:
    return {name: _property(value) for name, value in values.items()}


def main(face: Face) -> None:
    """Entry point, started by the engine."""
    _end_with_parent()
    serve(sys.argv[1:], version(f"pulumi_{face.package}"), Plugin(face))
