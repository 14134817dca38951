"""A plan's document read again, as `plandocument` wrote it, for whoever shows a saved plan. Texts of files are not."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from conpaas_iac.manifest.model import Budget
from conpaas_iac.plans.cost import HOURS, Cost, Sum
from conpaas_iac.plans.plan import Cause, FileChange, MachineChange, Part, Plan, Totals
from conpaas_iac.plans.prices import Prices

Document = Mapping[str, Any]


def plan_of(document: Document) -> Plan:
    """All that is told of it without diffs."""
    types = {each["service"]: each["type"] for each in document["changes"]}
    return Plan(
        document["application"],
        document["environment"],
        document["range"],
        tuple(map(_change, document["changes"])),
        document["unchanged"],
        tuple(document["notes"]),
        document["losses"],
        tuple(map(_part, document["shared"])),
        types,
        Totals(**document["totals"]["before"]),
        Totals(**document["totals"]["after"]),
        _cost(document["cost"]) if "cost" in document else None,
    )


def _change(document: Document) -> MachineChange:
    return MachineChange(
        document["node"],
        document["service"],
        document["action"],
        document["address"],
        document["cause"],
        tuple(map(_file, document["files"])),
        document["code"],
        tuple(map(_part, document["parts"])),
        document["class"],
        _causes(document["causes"]),
    )


def _part(document: Document) -> Part:
    names = (document["kind"], document["name"], document["action"], document["text"])
    return Part(*names, document["class"], _causes(document["causes"]))


def _file(document: Document) -> FileChange:
    goes = "\n+++ (none)\n" in document["diff"]
    known = (document["path"], document["unit"], document["on_change"])
    return FileChange(*known, "", None if goes else "", document["class"], _causes(document["causes"]))


def _causes(documents: Iterable[Document]) -> tuple[Cause, ...]:
    return tuple(Cause(each["text"], each["place"]) for each in documents)


def _cost(document: Document) -> Cost:
    asked, clouds = document["budget"], document["clouds"]
    return Cost(
        Prices(document["currency"], document["date"], document["source"]),
        {name: _sum(each["before"]) for name, each in clouds.items()},
        {name: _sum(each["after"]) for name, each in clouds.items()},
        Budget(Decimal(str(asked["month"])), asked["currency"]) if asked else None,
    )


def _sum(document: Document) -> Sum:
    known, unknown = Decimal(str(document["known"])), frozenset(document["unknown"])
    machines = document["credits"] // HOURS
    return Sum(known, unknown, machines, bool(known) or bool(machines and not unknown))
