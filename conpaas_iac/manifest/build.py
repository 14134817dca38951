"""From data that has the right shape to a `Manifest`: names resolved, defaults filled in, the rest checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from ipaddress import IPv4Network
from typing import Any

from conpaas_iac.catalog import ServiceType
from conpaas_iac.manifest import counts, locations, mounts, naming, network, relations
from conpaas_iac.manifest.clouds import Clouds
from conpaas_iac.manifest.context import Context, Named
from conpaas_iac.manifest.model import Budget, Manifest, Service
from conpaas_iac.manifest.network import Addresses
from conpaas_iac.manifest.schema import OWN_FIELDS
from conpaas_iac.manifest.source import quote


@dataclass(frozen=True)
class Around:
    """What a service finds around it in its application."""

    clouds: Clouds
    addresses: Addresses
    uses: relations.Uses
    mounts: mounts.Mounts
    renamed: Mapping[str, str]
    application: str


def build(context: Context, data: Mapping[str, Any]) -> Manifest:
    """The whole manifest; means nothing once an error has been said."""
    application = naming.application(context, data)
    named = naming.services(context, data.get("Services", []))
    if data.get("Services") == []:
        context.findings.add("W0201", "/Services", "an application without services: nothing will run", "")
    uses = relations.uses(context, named)
    mounted = mounts.mounts(context, named, uses)
    relations.start_order(context, named, uses, mounted)
    wide: IPv4Network | None = network.application_range(context, data)
    network.cloud_ranges(context, wide, data.get("Clouds", {}))
    clouds = Clouds(context, data.get("Clouds", {}))
    around = Around(clouds, Addresses(context, wide), uses, mounted, relations.renamed(context, named), application)
    services = tuple(_service(context, around, each, each.kind) for each in named if each.kind)
    for service in services:
        clouds.object_to(service)
    document = context.findings.document
    places = {pointer: document.origin(pointer).place(span) for pointer, span in document.values.items()}
    about = (application, data.get("Description", ""))
    budget = _budget(context, data)
    return Manifest(context.path, *about, services, dict(clouds.used), wide, places, budget, document.hidden)


def _budget(context: Context, data: Mapping[str, Any]) -> Budget | None:
    written = data.get("Budget", {})
    if not {"Month", "Currency"} <= written.keys():
        return None
    currency = written["Currency"]
    if context.currencies and currency not in context.currencies:
        message = f"no prices are known in {quote(currency)}"
        context.findings.add("E0501", "/Budget/Currency", message, f"known: {', '.join(context.currencies)}")
    return Budget(Decimal(str(written["Month"])), currency)


def _service(context: Context, around: Around, named: Named, kind: ServiceType) -> Service:
    data, pointer = named.data, named.pointer
    _older_type(context, data, kind, pointer)
    cloud = around.clouds.resolve(data.get("Cloud", "default"), f"{pointer}/Cloud")
    size = data.get("Size") or around.clouds.size(cloud)
    batches = counts.batches(context, kind, data, pointer, around.clouds, cloud, size)
    plain = counts.counts(context, kind, data, pointer)
    total = {**plain, **{group: sum(batch.count for batch in mix) for group, mix in batches.items()}}
    counts.votes(context, kind, total, pointer)
    variables = data.get("Environment", {})
    named_secrets = {each.field: data[each.field] for each in kind.descriptor.secrets.values() if each.field in data}
    return Service(
        pointer=pointer,
        name=named.name,
        title=named.title,
        type=kind.name,
        cloud=cloud,
        start=_start(context, data, pointer),
        counts=total,
        batches=batches,
        uses=around.uses[pointer],
        addresses=around.addresses.of_service(kind, data.get("Address"), f"{pointer}/Address"),
        archive=locations.archive(context, data.get("Archive"), f"{pointer}/Archive", (around.application, named.name)),
        startup_script=_file(context, data, pointer, "StartupScript"),
        dump=_file(context, data, pointer, "Dump"),
        resume=mounts.snapshot(context, named),
        options=_options(kind, data.get("Configuration", {})),
        environment={name: str(value) for name, value in variables.items() if not isinstance(value, dict)},
        size=size,
        placement=data.get("Placement", kind.descriptor.placement),
        image=data.get("Image", ""),
        publish=network.publish(context, kind, data, pointer),
        at_once=int(data.get("MaxUnavailable", 1)),
        without=counts.left_out(context, named.name, data, pointer),
        renamed_from=around.renamed.get(pointer, ""),
        environment_secrets=_secrets(variables),
        secrets=_secrets(named_secrets),
        passwords={name: value for name, value in named_secrets.items() if isinstance(value, str)},
        fields=_own_fields(context, kind, data, pointer),
        mounts=around.mounts[pointer],
        bounds=counts.bounds(context, kind, data, pointer, total),
    )


def _older_type(context: Context, data: Mapping[str, Any], kind: ServiceType, pointer: str) -> None:
    written = data["Type"]
    if written != kind.name:
        message = f"{quote(written)} is an older name of the type {quote(kind.name)}"
        context.findings.add("N0102", f"{pointer}/Type", message, f'write "{kind.name}"')


def _start(context: Context, data: Mapping[str, Any], pointer: str) -> bool:
    written = data.get("Start", 1)
    start = written in (1, "1")
    if isinstance(written, bool | str):
        context.findings.add("N0105", f"{pointer}/Start", '"Start" is 0 or 1', f"write {int(start)}")
    return start


def _options(kind: ServiceType, written: Mapping[str, Any]) -> dict[str, Any]:
    """Options over their defaults; JSON's 30.0 is a whole number too."""
    whole = {name for name, spec in kind.options.items() if spec.get("type") == "int"}
    return {
        **kind.default_options(),
        **{name: int(value) if name in whole else value for name, value in written.items()},
    }


def _secrets(values: Mapping[str, Any]) -> dict[str, str]:
    """Those that are names of secrets."""
    return {name: each["Secret"] for name, each in values.items() if isinstance(each, dict) and "Secret" in each}


def _file(context: Context, data: Mapping[str, Any], pointer: str, field: str) -> str:
    return locations.local_file(context, data[field], f"{pointer}/{field}") if field in data else ""


def _own_fields(context: Context, kind: ServiceType, data: Mapping[str, Any], pointer: str) -> dict[str, Any]:
    """The type's own fields as written."""
    if isinstance(data.get("Password"), str):
        message = "a password in a manifest can be read by everybody who reads the manifest"
        hint = 'write {"Secret": "name"}'
        context.findings.add("W0101", f"{pointer}/Password", message, hint)
    names = {*OWN_FIELDS, *kind.descriptor.fields} - {"Archive"}
    return {name: value for name, value in data.items() if name in names}
