"""What an application costs, in words and as a document. Pure."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from conpaas_iac.plans.cost import Cost, Sum, money, total
from conpaas_iac.plans.prices import CREDITS


def line(cost: Cost) -> str:
    """All clouds, before and after, and all of them together where there are several."""
    before, after = total(cost.before), total(cost.after)
    found = [_pair(str(before.credits), str(after.credits), CREDITS)]
    found += [_cloud(name, cost) for name in cost.clouds]
    if len([name for name in cost.clouds if _priced(name, cost)]) > 1:
        found.append(f"together {_amounts(before, after, cost.prices.currency)}{_rest(after)}")
    if cost.budget:
        found.append(f"budget {money(cost.budget.month, cost.budget.currency)}")
    return f"A month: {', '.join(found)}."


def _cloud(name: str, cost: Cost) -> str:
    before, after = cost.before.get(name, Sum()), cost.after.get(name, Sum())
    if not _priced(name, cost):
        return f"price of {name} not known"
    return f"{name} {_amounts(before, after, cost.prices.currency)}{_rest(after)}"


def _priced(name: str, cost: Cost) -> bool:
    """Whether anything of a cloud is known."""
    return any(sums.get(name, Sum()).priced for sums in (cost.before, cost.after))


def _rest(found: Sum) -> str:
    return " and what is not known" if found.unknown else ""


def _amounts(before: Sum, after: Sum, currency: str) -> str:
    return _pair(f"{before.known:.2f}", f"{after.known:.2f}", currency)


def _pair(before: str, after: str, unit: str) -> str:
    return f"{after} {unit}" if before == after else f"{before} -> {after} {unit}"


def document(cost: Cost) -> dict[str, Any]:
    """Amounts of a month."""
    clouds = {name: _both(cost.before.get(name, Sum()), cost.after.get(name, Sum())) for name in cost.clouds}
    budget = {"month": _number(cost.budget.month), "currency": cost.budget.currency} if cost.budget else None
    prices = {"currency": cost.prices.currency, "date": cost.prices.date, "source": cost.prices.source}
    return {
        **prices,
        **_both(total(cost.before), total(cost.after)),
        "clouds": clouds,
        "budget": budget,
        "excess": cost.excess,
    }


def _both(before: Sum, after: Sum) -> Mapping[str, Any]:
    return {"before": _sum(before), "after": _sum(after)}


def _sum(found: Sum) -> dict[str, Any]:
    month = None if found.unknown else _number(found.known)
    unknown = sorted(found.unknown)
    return {"month": month, "known": _number(found.known), "unknown": unknown, "credits": found.credits}


def _number(amount: Decimal) -> float:
    return float(round(amount, 2))
