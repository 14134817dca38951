"""What a type brings for its own test, in meta/test.yml, and the manifest that comes of it."""

from collections.abc import Mapping
from typing import Any

import msgspec

from conpaas_iac import catalog
from conpaas_iac.catalog import ServiceType
from conpaas_iac.errors import UserError
from conpaas_iac.manifest import language

SERVICE = "tested"  # what the service is called where meta/test.yml does not say it
CANARY = "CONPAAS_TEST_SECRET"  # an environment variable of it: every type has a secret to keep
SECRET = "canary"  # its name
Counts = Mapping[str, int]  # group -> machines


class Broken(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"break_": "break"}):
    """Command lines on a machine, as root: after the first one verify must fail, the second one mends it."""

    break_: str
    mend: str


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A request: a command line on a machine of a group, as root, which sees $ADDRESS, its fixed address."""

    group: str
    run: str


class Trial(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """meta/test.yml; paths in `services` begin at meta/test/."""

    services: tuple[dict[str, Any], ...] = ()  # of the manifest; the first one of the type is tested
    request: Asked | None = None  # without it the type's URL is asked
    breaks: dict[str, Broken] = {}  # group -> what stands for its units, each of which is stopped without it


def of(kind: ServiceType) -> Trial:
    """What the type says; raises UserError naming what is wrong with it."""
    path = kind.folder / "meta" / "test.yml"
    if not path.exists():
        return Trial()
    try:
        found = msgspec.convert(catalog.document(path), Trial)
    except (OSError, catalog.YamlError, msgspec.ValidationError) as error:
        raise UserError(f"{path}: {error}", "CONTRIBUTING.md says what it may hold") from error
    named = {*found.breaks, *([found.request.group] if found.request else [])}
    if unknown := sorted(named - kind.descriptor.groups.keys()):
        raise UserError(f"{path}: no group {', '.join(unknown)}", f"groups: {', '.join(kind.descriptor.groups)}")
    if found.services and not any(_is_tested(each, kind) for each in found.services):
        raise UserError(f"{path}: no service of type {kind.name} among its services")
    return found


def _is_tested(service: Mapping[str, Any], kind: ServiceType) -> bool:
    return service.get("Type") in language.names(kind)


def tested(kind: ServiceType, trial: Trial) -> dict[str, Any]:
    """The service that is tested, as the manifest has it."""
    found = next((each for each in trial.services if _is_tested(each, kind)), {"Type": kind.name})
    return {"ServiceName": SERVICE, **found}


def base(kind: ServiceType, trial: Trial) -> dict[str, int]:
    """How many machines of each group it begins with."""
    said = tested(kind, trial).get("StartupInstances", {})
    return {name: int(said.get(name, max(group.default, group.minimum)))
            for name, group in kind.descriptor.groups.items()}  # fmt: skip


def manifest(kind: ServiceType, trial: Trial, application: str, counts: Counts) -> dict[str, Any]:
    """With so many machines, and a secret that every type has to keep."""
    service = tested(kind, trial)
    environment = {**service.get("Environment", {}), CANARY: {"Secret": SECRET}}
    own = {**service, "StartupInstances": dict(counts), "Environment": environment}
    others = list(trial.services)
    first = next((number for number, each in enumerate(others) if _is_tested(each, kind)), None)
    services = [own] if first is None else [*others[:first], own, *others[first + 1 :]]
    return {"Application": application, "Services": services}
