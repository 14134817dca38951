"""The JSON Schema of manifests: the envelope in schemas/ joined with what each service type's folder says.

A type's options are said in roles/<type>/meta/argument_specs.yml. What that file cannot say (minimum, pattern …) may
stand beside it in options.schema.yml: option -> JSON Schema keywords, laid over what is made from the specs.

Our own keywords, which other validators ignore: `x-noun` is what the things are called, `x-codes` gives a rule of the
schema another diagnostic code, `x-older` are values that are understood and not offered.
"""

import json
from collections.abc import Collection, Mapping
from typing import Any

import yaml

from conpaas_iac.catalog import Catalog, Group, Loader, ServiceType
from conpaas_iac.errors import UserError
from conpaas_iac.manifest.language import names
from conpaas_iac.manifest.provider import Provider, Providers
from conpaas_iac.shipped import folder

Schema = dict[str, Any]

# Fields that only some types take; a type says which in the `fields` of its meta/service.yml.
OWN_FIELDS = ("Archive", "Dump", "Keys", "Password", "StartRole", "VolumeStartup")
_JSON_TYPES = {
    "str": "string", "path": "string", "int": "integer", "float": "number",
    "bool": "boolean", "list": "array", "dict": "object",
}  # fmt: skip


def compose(types: Catalog, providers: Providers) -> Schema:
    """The whole schema of this installation's manifests."""
    schema: Schema = json.loads((folder("schemas") / "manifest.schema.json").read_text("utf-8"))
    definitions = schema["$defs"]
    service = definitions["service"]
    aliases = [name for kind in types.values() for name in names(kind)[1:]]
    service["properties"]["Type"].update({"enum": sorted([*types, *aliases]), "x-older": sorted(aliases)})
    cloud = definitions["cloud"]
    cloud["properties"]["Provider"]["enum"] = sorted(providers)
    cloud["allOf"] = [
        {"if": {"properties": {"Provider": {"const": name}}, "required": ["Provider"]},
         "then": {"$ref": f"#/$defs/cloud-{name}"}}
        for name in providers
    ]  # fmt: skip
    definitions.update({f"cloud-{name}": _of_cloud(name, each, cloud) for name, each in providers.items()})
    for kind in types.values():
        for name in kind.descriptor.fields:
            service["properties"].setdefault(name, True)
    own = sorted({*OWN_FIELDS, *(name for kind in types.values() for name in kind.descriptor.fields)})
    service["allOf"] = [{"if": _is(kind), "then": {"$ref": f"#/$defs/{kind.name}"}} for kind in types.values()]
    definitions.update({kind.name: _of_type(kind, own) for kind in types.values()})
    return schema


def _of_cloud(name: str, provider: Provider, common: Schema) -> Schema:
    """What may be set for a place of this cloud."""
    own = {**dict.fromkeys(common["properties"], True), **provider.settings.get("properties", {})}
    known = {"properties": own, "additionalProperties": False, "x-noun": f"setting of {name}"}
    return {**provider.settings, **known}


def _is(kind: ServiceType) -> Schema:
    return {"properties": {"Type": {"enum": list(names(kind))}}, "required": ["Type"]}


def _of_type(kind: ServiceType, own: Collection[str]) -> Schema:
    """What a type adds to the envelope."""
    descriptor = kind.descriptor
    groups = {"x-noun": "group", "x-codes": {"additionalProperties": "E0204", "enum": "E0204"}}
    known: Schema = {"enum": sorted([*descriptor.groups, *descriptor.group_aliases]), **groups}
    by_group: Schema = {"propertyNames": known}
    return {
        "title": descriptor.summary,
        "properties": {
            "Configuration": options(kind),
            "StartupInstances": {
                "type": "object", "properties": _counts(kind), "additionalProperties": False, **groups
            },
            "Address": by_group,
            "Publish": by_group,
            "Machines": by_group,
            "Scaling": by_group,
            "StartRole": {"enum": sorted(descriptor.groups), **groups},
            **{name: _refused(kind) for name in own if name not in descriptor.fields},
        },
    }  # fmt: skip


def _refused(kind: ServiceType) -> Schema:
    fields = ", ".join(kind.descriptor.fields) or "nothing"
    about = f"{kind.name} takes {fields} besides the common fields"
    return {"not": {}, "description": about, "x-codes": {"not": "E0109"}}


def _counts(kind: ServiceType) -> Schema:
    groups = kind.descriptor.groups
    counts: Schema = {name: _count(group) for name, group in groups.items()}
    older = {old: {**_count(groups[new]), "deprecated": True} for old, new in kind.descriptor.group_aliases.items()}
    about = "URL or file of a snapshot that the empty service begins with, once"
    snapshot: Schema = {"resume": {"$ref": "#/$defs/location", "description": about}}
    return {**counts, **older, **(snapshot if kind.descriptor.resumes else {})}


def _count(group: Group) -> Schema:
    return {
        "type": ["integer", "string"],
        "pattern": "^[0-9]{1,6}$",
        "minimum": group.minimum,
        "maximum": group.maximum,
        "default": group.default,
        "description": "a whole number of machines",
        "x-codes": {"minimum": "E0206", "maximum": "E0206"},
    }


def options(kind: ServiceType) -> Schema:
    """`Configuration` of a type, from argument_specs.yml and the limits in options.schema.yml beside it."""
    limits = _limits(kind)
    unknown = sorted(set(limits) - set(kind.options))
    if unknown:
        raise UserError(f"{kind.folder}/meta/options.schema.yml: no such option: {', '.join(unknown)}")
    return {**_object(kind.options, limits), "x-noun": f"option of {kind.name}"}


def _limits(kind: ServiceType) -> Mapping[str, Schema]:
    path = kind.folder / "meta" / "options.schema.yml"
    if not path.exists():
        return {}
    try:
        return yaml.load(path.read_text("utf-8"), Loader) or {}
    except (OSError, yaml.YAMLError) as error:
        raise UserError(f"{path}: not readable: {error}") from error


def _object(specs: Mapping[str, Mapping[str, Any]], limits: Mapping[str, Schema]) -> Schema:
    schema: Schema = {
        "type": "object",
        "properties": {name: _merge(_option(spec), limits.get(name, {})) for name, spec in specs.items()},
        "additionalProperties": False,
    }
    required = [name for name, spec in specs.items() if spec.get("required")]
    return {**schema, "required": required} if required else schema


def _option(spec: Mapping[str, Any]) -> Schema:
    """One option of an argument spec as a schema."""
    kind = spec.get("type", "str")
    schema: Schema = {"type": _JSON_TYPES[kind]} if kind in _JSON_TYPES else {}
    if kind == "list":
        inner = {"type": spec.get("elements", "str"), "choices": spec.get("choices"), "options": spec.get("options")}
        schema["items"] = _option({key: value for key, value in inner.items() if value is not None})
    elif "options" in spec:
        schema.update(_object(spec["options"], {}))
    elif "choices" in spec:
        schema["enum"] = list(spec["choices"])
    description = spec.get("description")
    if description:
        schema["description"] = description if isinstance(description, str) else " ".join(description)
    return {**schema, "default": spec["default"]} if "default" in spec else schema


def _merge(schema: Schema, limits: Schema) -> Schema:
    """Limits laid over a schema, also inside it."""
    merged = dict(schema)
    for name, value in limits.items():
        inner = merged.get(name)
        merged[name] = _merge(inner, value) if isinstance(inner, dict) and isinstance(value, dict) else value
    return merged
