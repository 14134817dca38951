"""What the installed SDK of a provider reveals of its types: which inputs they know, need and cannot change."""

import ast
import importlib
import inspect
import json
import re
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

NEW_ONE = re.compile(
    r"chang\w+ (this|the|any)[^.]*?(creates? a new|forces? (a )?new|recreat)|force[sd]? (a )?new resource|"
    r"forces? replacement",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Shape:
    """Inputs of a resource type, a function or a nested object. `inner` is input -> shape of its object or items."""

    known: frozenset[str]
    required: frozenset[str]
    fixed: frozenset[str] = frozenset()  # another value is another resource, as its documentation says
    inner: Mapping[str, str] | None = None  # input -> name of the nested class

    def wrong(self, values: Mapping[str, Any], nested: Mapping[str, "Shape"]) -> Iterator[tuple[str, str]]:
        """(input, reason) for all that the real provider would refuse by name."""
        for name in sorted(set(values) - self.known):
            yield name, f"An argument named {name!r} is not expected here"
        for name in sorted(self.required - set(values)):
            yield name, f"Missing required argument: {name}"
        for name, kind in (self.inner or {}).items():
            value = values.get(name)
            for each in value if isinstance(value, list) else [value]:
                if isinstance(each, Mapping) and kind in nested:
                    yield from ((f"{name}.{key}", reason) for key, reason in nested[kind].wrong(each, nested))


class Package:
    """A provider's package: `pulumi_aws`, `pulumi_openstack`."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.root = Path(str(importlib.import_module(f"pulumi_{name}").__file__)).parent
        source = (self.root / "__init__.py").read_text()
        found = re.search(r'resource_modules="""\n(.*?)\n"""', source, re.DOTALL)
        assert found, f"pulumi_{name} registers no resource modules"
        self.classes: dict[str, tuple[str, str]] = {
            token: (module["fqn"], cls) for module in json.loads(found[1]) for token, cls in module["classes"].items()
        }

    @property
    def provider(self) -> Shape:
        """What the provider itself takes."""
        module = importlib.import_module(f"pulumi_{self.name}")
        return _of_class(module.ProviderArgs, module.Provider)

    @cache  # noqa: B019 (one package a process)
    def resource(self, token: str) -> Shape:
        """Inputs of a resource type."""
        module = importlib.import_module(self.classes[token][0])
        name = self.classes[token][1]
        return _of_class(getattr(module, f"{name}Args"), getattr(module, name))

    @cache  # noqa: B019
    def outputs(self, token: str) -> frozenset[str]:
        """Outputs of a resource type."""
        module, name = self.classes[token]
        return frozenset(_getters(getattr(importlib.import_module(module), name)).values())

    @cache  # noqa: B019
    def nested(self, token: str) -> Mapping[str, Shape]:
        """Shapes of the nested objects that the module of a resource type knows."""
        module = importlib.import_module(self.classes[token][0])
        return {
            name: _of_class(each, each)
            for name, each in vars(module).items()
            if name.endswith("Args") and inspect.isclass(each)
        }

    @cache  # noqa: B019
    def function(self, token: str) -> Shape:
        """Arguments of a function. Token: "aws:ec2/getAmi:getAmi"."""
        call = self._function(token)
        names = _names_in_call(call)
        parameters = inspect.signature(call).parameters
        needed = {key for key, name in names.items() if parameters[name].default is inspect.Parameter.empty}
        return Shape(frozenset(names), frozenset(needed))

    @cache  # noqa: B019
    def results(self, token: str) -> frozenset[str]:
        """What a function returns."""
        result = typing.get_type_hints(self._function(token))["return"]
        result = next((each for each in typing.get_args(result) if inspect.isclass(each)), result)
        base = next(each for each in result.__mro__ if each.__name__.startswith("Get"))
        return frozenset(_getters(result if _getters(result) else base).values())

    def _function(self, token: str) -> Any:
        _, path, name = token.split(":")
        module = importlib.import_module(f"pulumi_{self.name}.{path.split('/')[0]}".removesuffix(".index"))
        return getattr(module, re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower())


def _of_class(arguments: Any, resource: Any) -> Shape:
    """`arguments` is decorated with @pulumi.input_type: it knows the names that go over the wire."""
    from pulumi._types import input_type_py_to_pulumi_names

    names: Mapping[str, str] = input_type_py_to_pulumi_names(arguments)
    parameters = inspect.signature(arguments.__init__).parameters
    needed = {wire for name, wire in names.items() if parameters[name].default is inspect.Parameter.empty}
    hints = {name: str(hint) for name, hint in getattr(arguments.__init__, "__annotations__", {}).items()}
    inner = {names[name]: found[-1] for name, hint in hints.items() if (found := _classes(hint)) and name in names}
    fixed = {names[name] for name, text in _documented(arguments).items() if name in names and NEW_ONE.search(text)}
    return Shape(frozenset(names.values()), frozenset(needed), frozenset(fixed), inner)


def _classes(hint: str) -> list[str]:
    return re.findall(r"\b(\w+Args)\b(?!Dict)", hint)


def _documented(arguments: Any) -> dict[str, str]:
    """Parameter -> what the docstring says of it."""
    parts = re.split(r"\n\s*:param [^:]*?(\w+): ", "\n" + (inspect.getdoc(arguments.__init__) or ""))
    return dict(zip(parts[1::2], (" ".join(text.split()) for text in parts[2::2]), strict=True))


def _getters(cls: Any) -> dict[str, str]:
    """Property -> its name on the wire."""
    return {
        name: getattr(each.fget, "_pulumi_name", name)
        for name, each in inspect.getmembers(cls, lambda each: isinstance(each, property))
    }


def _names_in_call(call: Any) -> dict[str, str]:
    """Name on the wire -> parameter, of the lines `__args__['mostRecent'] = most_recent`."""
    names: dict[str, str] = {}
    for node in ast.walk(ast.parse(inspect.getsource(call))):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
            key = node.targets[0].slice
            if isinstance(key, ast.Constant) and isinstance(node.value, ast.Name):
                names[str(key.value)] = node.value.id
    return names

