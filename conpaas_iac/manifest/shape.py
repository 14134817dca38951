"""Does a document have the schema's shape? The validator's findings, said in our words."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from conpaas_iac.manifest.findings import Findings
from conpaas_iac.manifest.language import CLOUDS, OLDER_TYPES, TYPES
from conpaas_iac.manifest.names import suggestion
from conpaas_iac.manifest.source import SECRET_FIELD, SECRET_NAME, child, quote

if TYPE_CHECKING:
    from jsonschema import ValidationError

_CODES = {
    "required": "E0101", "additionalProperties": "E0102", "type": "E0103", "enum": "E0107",
    "minimum": "E0106", "maximum": "E0106", "minItems": "E0110", "minLength": "E0110", "pattern": "E0108",
}  # fmt: skip
_TYPE_NAMES = {
    "string": "a text", "integer": "a whole number", "number": "a number", "boolean": "true or false",
    "array": "a list", "object": "an object", "null": "null",
}  # fmt: skip


def check(findings: Findings, schema: Mapping[str, Any]) -> frozenset[str]:
    """Say what is not as the schema wants it; returns the pointers of values that are of no further use."""
    from jsonschema import Draft202012Validator  # 60 ms, and only needed when the text could be read

    for pointer in findings.document.broken:
        findings.hush(pointer)
    for pointer in _not_built(findings.document.data, schema):
        findings.hush(pointer, besides=child(pointer, "Type"))
    useless = set(findings.document.broken)
    for error in Draft202012Validator(schema).iter_errors(findings.document.data):
        pointer = "".join(child("", step) for step in error.absolute_path)
        useless.update(_Reporter(findings, error, pointer).report())
    return frozenset(useless)


def _not_built(data: Any, schema: Mapping[str, Any]) -> Iterator[str]:
    """Services whose type is not built yet: one diagnostic says so, and nothing more is said about them."""
    if "service" not in schema.get("$defs", {}):
        return  # it is not the schema of manifests
    later = {*TYPES, *OLDER_TYPES} - {*schema["$defs"]["service"]["properties"]["Type"]["enum"]}
    match data:
        case {"Services": [*services]}:
            for index, service in enumerate(services):
                match service:
                    case {"Type": str(name)} if name in later:
                        yield child("/Services", index)


def type_name(value: object) -> str:
    """What a JSON value is, in words."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return "a text"
        case int() | float():
            return "a number"
        case list():
            return "a list"
        case dict():
            return "an object"
    return "null"


class _Reporter:
    """Says one finding of the validator; `report` yields pointers of values that cannot be used."""

    def __init__(self, findings: Findings, error: "ValidationError", pointer: str) -> None:
        self.findings = findings
        self.value: Any = error.instance
        self.rule = str(error.validator)
        self.limit: Any = error.validator_value
        self.schema: Mapping[str, Any] = error.schema if isinstance(error.schema, dict) else {}
        self.pointer = pointer
        self.of_key = "propertyNames" in error.absolute_schema_path
        self.code = self.schema.get("x-codes", {}).get(self.rule, _CODES.get(self.rule, "E0108"))
        self.noun = self.schema.get("x-noun", "")
        self.field = _field(list(error.absolute_path))

    def report(self) -> Iterator[str]:
        if self.of_key:
            yield self._key()
        elif self.rule == "not":
            hint = str(self.schema.get("description", ""))
            self.findings.add(self.code, self.pointer, f"{self.field} is not a field of this type", hint, key=True)
            yield self.pointer
        elif self.rule == "required":
            self._required()
        elif self.rule == "additionalProperties":
            yield from self._unknown()
        else:
            message, hint = self._value()
            self.findings.add(self.code, self.pointer, message, hint)
            yield self.pointer

    def _key(self) -> str:
        pointer = child(self.pointer, self.value)
        if self.rule == "enum":
            message, hint = f"unknown {self.noun} {quote(self.value)}", self._known(self.limit)
        else:
            message, hint = f"{quote(self.value)} is not a name for this", self.schema.get("description", "")
        self.findings.add(self.code, pointer, message, hint, key=True)
        return pointer

    def _required(self) -> None:
        for name in self.limit:
            if name not in self.value:
                about = self._described(name)
                self.findings.add(self.code, self.pointer, f"{quote(name)} is missing", about)

    def _described(self, name: str) -> str:
        schema = self.schema.get("properties", {}).get(name, {})
        return str(schema.get("description", "")) if isinstance(schema, dict) else ""

    def _unknown(self) -> Iterator[str]:
        known = self.schema.get("properties", {})
        for name in self.value:
            if name not in known:
                pointer = child(self.pointer, name)
                message = f"unknown {self.noun or 'field'} {quote(name)}"
                self.findings.add(self.code, pointer, message, self._near(name, known), key=True)
                yield pointer

    def _near(self, name: str, known: Mapping[str, Any]) -> str:
        older = [each for each, schema in known.items() if isinstance(schema, dict) and schema.get("deprecated")]
        current = [each for each in known if each not in older]
        return suggestion(name, known, "") or suggestion(name, current, f"known {_plural(self.noun or 'field')}")

    def _known(self, names: list[Any]) -> str:
        return suggestion(str(self.value), map(str, names), f"known {_plural(self.noun)}")

    def _value(self) -> tuple[str, str]:
        """Message and hint about a value."""
        about = str(self.schema.get("description", ""))
        match self.rule:
            case "type":
                return self._type(), self._type_hint() or about
            case "enum":
                return self._enum(about)
            case "minimum" | "maximum":
                word = "at least" if self.rule == "minimum" else "at most"
                return f"{self.field} should be {word} {self.limit}, is {self.value}", about
            case "minItems" | "minLength":
                return f"{self.field} is empty", about
        shown = "" if SECRET_NAME.search(self.field) or self.field == quote(SECRET_FIELD) else f": {quote(self.value)}"
        return f"{self.field} is not of the right form{shown}", about

    def _type(self) -> str:
        wanted = [self.limit] if isinstance(self.limit, str) else list(self.limit)
        names = " or ".join(_TYPE_NAMES[each] for each in wanted)
        return f"{self.field} should be {names}, is {type_name(self.value)}"

    def _type_hint(self) -> str:
        wanted = [self.limit] if isinstance(self.limit, str) else list(self.limit)
        if isinstance(self.value, str) and {"integer", "number"} & {*wanted} and self.value.isdecimal():
            return f"write {self.value} without quotes"
        if isinstance(self.value, str) and "boolean" in wanted and self.value.lower() in ("true", "false"):
            return f"write {self.value.lower()} without quotes"
        if isinstance(self.value, int | float) and wanted == ["string"]:
            return "put it in double quotes"
        return ""

    def _enum(self, about: str) -> tuple[str, str]:
        if not self.noun:
            values = ", ".join(quote(each) if isinstance(each, str) else str(each).lower() for each in self.limit)
            return f"{self.field} should be one of {values}", about
        value = str(self.value)
        built = sorted(set(self.limit) - set(self.schema.get("x-older", ())))
        language = {"E0104": TYPES, "E0208": CLOUDS}.get(self.code, ())
        meant = OLDER_TYPES.get(value, value) if self.code == "E0104" else value
        missing = sorted(set(language) - set(built))
        if meant in missing:
            self.code = "E0105" if self.code == "E0104" else "E0209"
            return f"{self.noun} {quote(meant)} is not built yet", f"built: {', '.join(built)}"
        current = [*built, *missing]
        listing = f"known {_plural(self.noun)}: {', '.join(sorted(current))}"
        hint = " ".join(filter(None, (suggestion(value, [*current, *self.limit], ""), listing)))
        return f"unknown {self.noun} {quote(value)}", hint


def _field(path: list[str | int]) -> str:
    """How a value is called: by its key, or as an item of a list."""
    if not path:
        return "the manifest"
    last = path[-1]
    return f"item {last + 1} of {_field(path[:-1])}" if isinstance(last, int) else quote(last)


def _plural(noun: str) -> str:
    """What the known ones are called: "service type" -> "types", "option of php" -> "options"."""
    return noun.partition(" of ")[0].split()[-1] + "s"
