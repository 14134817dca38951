"""What machines cost a month, by cloud, and whether that is within the budget. Pure.

A price that is not known is named; it never counts as nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from conpaas_iac.errors import UserError
from conpaas_iac.manifest.model import Budget
from conpaas_iac.plans.prices import CREDITS, Prices

HOURS = 730  # of a month
ZERO = Decimal(0)


@dataclass(frozen=True)
class Item:
    """One machine, as its cloud sells it."""

    node: str
    cloud: str
    provider: str
    types: tuple[str, ...]  # what it may be called in a table, the most particular first
    region: str = ""
    storage: int = 0  # GB that are paid for
    addresses: int = 0  # public ones
    runs: bool = True


@dataclass(frozen=True)
class Sum:
    """Of some machines, a month: what is known, and what is not."""

    known: Decimal = ZERO
    unknown: frozenset[str] = frozenset()
    machines: int = 0  # that run
    priced: bool = False  # whether any of it is known

    def __add__(self, other: "Sum") -> "Sum":
        unknown, priced = self.unknown | other.unknown, self.priced or other.priced
        return Sum(self.known + other.known, unknown, self.machines + other.machines, priced)

    @property
    def credits(self) -> int:
        """A machine for an hour is one."""
        return HOURS * self.machines


@dataclass(frozen=True)
class Cost:
    """Before and after a change, by cloud."""

    prices: Prices
    before: Mapping[str, Sum] = field(default_factory=dict)
    after: Mapping[str, Sum] = field(default_factory=dict)
    budget: Budget | None = None

    @property
    def clouds(self) -> tuple[str, ...]:
        """Those that machines are on, before or after."""
        return tuple(sorted({*self.before, *self.after}))

    @property
    def excess(self) -> str:
        """Why this is more than the budget allows; "" where it is not, or where there is none."""
        return _excess(total(self.after), self.budget, self.prices) if self.budget else ""

    def refuse(self, application: str) -> None:
        """Raises UserError where it is over the budget."""
        if self.excess:
            raise UserError(f"{application}: {self.excess}", _remedy(total(self.after), self.budget))


def of(items: Iterable[Item], prices: Prices) -> dict[str, Sum]:
    """Cloud -> what its machines cost."""
    found: dict[str, Sum] = {}
    for item in items:
        found[item.cloud] = found.get(item.cloud, Sum()) + _of(item, prices)
    return found


def total(sums: Mapping[str, Sum]) -> Sum:
    """Of all clouds."""
    return sum(sums.values(), Sum())


def _of(item: Item, prices: Prices) -> Sum:
    rates = prices.of(item.cloud, item.provider, item.region)
    where = f"{item.cloud} {item.region}".strip()
    machine = next((rates.machines[kind] for kind in item.types if kind in rates.machines), None)
    parts = (
        (item.runs, f"{item.types[0]} on {where}", machine, HOURS),
        (item.storage, f"storage on {where}", rates.storage, 1),
        (item.addresses, f"a public address on {where}", rates.address, HOURS),
    )
    asked = [(int(times), name, price, hours) for times, name, price, hours in parts if times]
    known = sum((times * price * hours for times, _, price, hours in asked if price is not None), ZERO)
    unknown = frozenset(name for _, name, price, _ in asked if price is None)
    return Sum(known, unknown, int(item.runs), any(price is not None for _, _, price, _ in asked))


def _excess(then: Sum, budget: Budget, prices: Prices) -> str:
    in_credits = budget.currency == CREDITS
    month = Decimal(then.credits) if in_credits else round(then.known, 2)
    limit = f"the budget of {money(budget.month, budget.currency)} a month"
    least = "at least " if then.unknown and not in_credits else ""
    if month > budget.month:
        over = money(month - budget.month, budget.currency)
        return f"{least}{money(month, budget.currency)} a month are {over} over {limit}"
    if least:
        return f"{limit} cannot be kept to: the price of {', '.join(sorted(then.unknown))} is not known"
    return ""


def _remedy(then: Sum, budget: Budget | None) -> str:
    if budget and then.unknown and budget.currency != CREDITS and then.known <= budget.month:
        return "say it in a table of your own (setting `prices`), 0 where it costs nothing"
    return 'fewer or smaller machines, or another "Budget" in the manifest'


def money(amount: Decimal, currency: str) -> str:
    """An amount in words."""
    return f"{amount:.2f} {currency}" if currency != CREDITS and amount != int(amount) else f"{int(amount)} {currency}"
