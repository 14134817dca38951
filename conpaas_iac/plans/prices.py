"""Tables of prices: the one that is shipped, with the user's own over it. Pure but for reading two files."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from conpaas_iac.errors import UserError

SHIPPED = Path(__file__).parent / "prices.toml"
CREDITS = "credits"  # ConPaaS's own unit: a machine for an hour
ANYWHERE = "*"
FIELDS = ("machines", "storage", "address")


@dataclass(frozen=True)
class Rates:
    """What one region of one cloud takes; None: not known."""

    machines: Mapping[str, Decimal] = field(default_factory=dict)  # type or size -> an hour
    storage: Decimal | None = None  # a GB and month
    address: Decimal | None = None  # a public IPv4 address and hour

    def over(self, other: "Rates") -> "Rates":
        """These, and what only the others know."""
        storage = other.storage if self.storage is None else self.storage
        address = other.address if self.address is None else self.address
        return Rates({**other.machines, **self.machines}, storage, address)


@dataclass(frozen=True)
class Prices:
    """All that is known of prices, in one currency."""

    currency: str
    date: str
    source: str
    rates: Mapping[tuple[str, str], Rates] = field(default_factory=dict)  # (provider or cloud, region)

    @property
    def currencies(self) -> tuple[str, ...]:
        """What a budget may be in."""
        return (self.currency, CREDITS)

    def of(self, cloud: str, provider: str, region: str) -> Rates:
        """Of a cloud: what is said of it by its own name and region comes first."""
        keys = [(name, where) for name in (cloud, provider) for where in (region, ANYWHERE)]
        found = Rates()
        for key in keys:
            found = found.over(self.rates.get(key, Rates()))
        return found

    def over(self, other: "Prices") -> "Prices":
        """These, and what only the others know; nothing of them where they are in another currency."""
        if self.currency != other.currency:
            return self
        rates = {key: self.rates.get(key, Rates()).over(other.rates.get(key, Rates())) for key in other.rates}
        return replace(self, rates={**self.rates, **rates})


def load(own: str = "") -> Prices:
    """The shipped table under the file `own`, where there is one; raises UserError."""
    shipped = parse(SHIPPED.read_text("utf-8"), SHIPPED.name)
    if not own:
        return shipped
    try:
        return parse(Path(own).expanduser().read_text("utf-8"), own).over(shipped)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise UserError(f"prices {own}: cannot be read: {reason}", "setting `prices` names a TOML file") from error


def parse(text: str, name: str) -> Prices:
    """Raises UserError that says where in the file something is wrong."""
    try:
        document = tomllib.loads(text, parse_float=Decimal)
    except ValueError as error:
        raise UserError(f"prices {name}: {error}") from error
    head = {key: document.pop(key, "") for key in ("currency", "date", "source")}
    currency = head["currency"]
    if not isinstance(currency, str) or not currency or currency == CREDITS:
        raise UserError(f"prices {name}: currency should be the code of one", 'currency = "EUR"')
    if not isinstance(head["date"], date | str):
        raise UserError(f"prices {name}: date should be a date", "date = 2026-11-21")
    rates: dict[tuple[str, str], Rates] = {}
    for provider, regions in document.items():
        for region, said in _table(regions, name, provider).items():
            rates[provider, region] = _rates(said, name, f"{provider}.{region}")
    return Prices(currency, str(head["date"]), str(head["source"]), rates)


def _rates(said: Any, name: str, place: str) -> Rates:
    known = _table(said, name, place)
    if unknown := sorted(known.keys() - set(FIELDS)):
        raise UserError(f"prices {name}: {place}: no such field: {', '.join(unknown)}", f"known: {', '.join(FIELDS)}")
    machines = _table(known.get("machines", {}), name, f"{place}.machines")
    prices = {kind: _price(value, name, f"{place}.machines.{kind}") for kind, value in machines.items()}
    storage, address = (
        _price(known[each], name, f"{place}.{each}") if each in known else None for each in ("storage", "address")
    )
    return Rates(prices, storage, address)


def _table(value: Any, name: str, place: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise UserError(f"prices {name}: {place} should be a table", '[aws.eu-west-1.machines], then "t3.small" = 0.02')
    return value


def _price(value: Any, name: str, place: str) -> Decimal:
    is_number = isinstance(value, int | Decimal) and not isinstance(value, bool)
    price = Decimal(value) if is_number else Decimal(-1)
    if not price.is_finite() or price < 0:
        raise UserError(f"prices {name}: {place} should be a price, 0 or more")
    return price
