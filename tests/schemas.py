"""Documents that verbs print, checked against what schemas/ promises of them."""

import json
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from conpaas_iac.shipped import folder


def check(text: str, name: str) -> Any:
    """The document, once it is what schemas/<name>.schema.json says."""
    contents = {path.name: json.loads(path.read_text()) for path in folder("schemas").glob("*.schema.json")}
    registry: Registry[Any] = Registry().with_resources(
        (content["$id"], Resource.from_contents(content)) for content in contents.values() if "$id" in content
    )
    document = json.loads(text)
    Draft202012Validator(contents[f"{name}.schema.json"], registry=registry).validate(document)
    return document
