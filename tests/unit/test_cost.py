"""Prices, costs and budgets."""

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conpaas_iac import clouds
from conpaas_iac.core.declaration import Machine
from conpaas_iac.core.layout import SIZES
from conpaas_iac.core.places import Place
from conpaas_iac.errors import UserError
from conpaas_iac.manifest.model import Budget
from conpaas_iac.plans import cost, costwords, prices
from conpaas_iac.plans.cost import Cost, Item, Sum
from conpaas_iac.settings import Settings

SHIPPED = prices.load()
OWN = """
currency = "USD"
[uni."*".machines]
small = 0.01
[aws.eu-west-1.machines]
"t3.small" = 0.5
"""


def machine(node: str, cloud: str = "ec2", kind: str = "t3.small", **more: object) -> Item:
    known = {"provider": "aws", "region": "eu-west-1", **more}
    return Item(node, cloud, types=(kind, "small"), **known)  # type: ignore[arg-type]


def test_a_machine_costs_its_hours_its_disk_and_its_public_address() -> None:
    found = cost.of([machine("web-1", storage=20, addresses=1)], SHIPPED)
    assert found["ec2"].known == 730 * Decimal("0.0228") + 20 * Decimal("0.088") + 730 * Decimal("0.005")
    assert not found["ec2"].unknown
    resting = cost.of([machine("web-1", storage=20, runs=False)], SHIPPED)["ec2"]
    assert (resting.known, resting.credits) == (20 * Decimal("0.088"), 0)


def test_what_is_not_known_is_named() -> None:
    items = [machine("web-1", kind="x9.huge"), machine("web-2", region="eu-north-9", storage=8), machine("web-3")]
    found = cost.of(items, SHIPPED)["ec2"]
    assert found.known == 730 * Decimal("0.0228")
    assert found.unknown == {"x9.huge on ec2 eu-west-1", "t3.small on ec2 eu-north-9", "storage on ec2 eu-north-9"}
    document = costwords.document(Cost(SHIPPED, {}, {"ec2": found}))
    assert document["after"]["month"] is None
    assert document["before"]["month"] == 0


def test_a_table_of_ones_own_goes_over_the_shipped_one() -> None:
    both = prices.parse(OWN, "own.toml").over(SHIPPED)
    assert both.of("ec2", "aws", "eu-west-1").machines["t3.small"] == Decimal("0.5")
    assert both.of("ec2", "aws", "eu-west-1").machines["t3.large"] == Decimal("0.0912")
    assert both.of("ec2", "aws", "eu-west-1").storage == Decimal("0.088")
    assert both.of("uni", "openstack", "RegionOne").machines == {"small": Decimal("0.01")}
    other = prices.parse('currency = "EUR"', "own.toml").over(SHIPPED)
    assert other.of("ec2", "aws", "eu-west-1").machines == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("currency = ", "own.toml: Invalid value"),
        ("", "currency should be the code of one"),
        ('currency = "credits"', "currency should be the code of one"),
        ('currency = "EUR"\ndate = 5', "date should be a date"),
        ('currency = "EUR"\nlxd = 5', "lxd should be a table"),
        ('currency = "EUR"\n[lxd]\nsmall = 1', "lxd.small should be a table"),
        ('currency = "EUR"\n[lxd."*"]\nprice = 1', "no such field: price"),
        ('currency = "EUR"\n[lxd."*".machines]\nsmall = "1"', r"lxd.\*.machines.small should be a price"),
        ('currency = "EUR"\n[lxd."*".machines]\nsmall = -1', "should be a price"),
        ('currency = "EUR"\n[lxd."*"]\nstorage = nan', "should be a price"),
        ('currency = "EUR"\n[lxd."*"]\naddress = true', "should be a price"),
    ],
)
def test_a_wrong_table_is_said_with_its_place(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=said):
        prices.parse(text, "own.toml")
    (tmp_path / "own.toml").write_text(text)
    with pytest.raises(UserError, match="prices /"):
        prices.load(str(tmp_path / "own.toml"))


def test_a_table_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"own.toml: cannot be read: No such file"):
        prices.load(str(tmp_path / "own.toml"))
    (tmp_path / "own.toml").write_bytes(b"\xff")
    with pytest.raises(UserError, match="not UTF-8"):
        prices.load(str(tmp_path / "own.toml"))


@pytest.mark.parametrize("region", ["eu-west-1", "us-east-1"])
@pytest.mark.parametrize("size", SIZES)
def test_what_aws_sells_for_our_sizes_has_a_price(region: str, size: str) -> None:
    ec2 = clouds.at(Place("ec2", "aws", {"Region": region, "SshFrom": ["192.0.2.0/24"]}), Settings())
    known = Machine("db-1", "db", "mysql", "ec2", "10.42.16.1/16", SIZES[size].cpu, SIZES[size].memory, "", data="/srv")
    sold = ec2.sold(known)
    assert (sold.region, sold.storage, sold.addresses) == (region, 36, 1)
    rates = SHIPPED.of("ec2", "aws", region)
    assert rates.machines[sold.type] > 0
    assert rates.storage and rates.address
    assert ec2.PUBLIC


def priced(*items: Item, month: str = "20", currency: str = "USD") -> Cost:
    return Cost(SHIPPED, {}, cost.of(items, SHIPPED), Budget(Decimal(month), currency))


def test_a_plan_over_the_budget_is_refused_with_what_is_over() -> None:
    assert priced(machine("web-1")).excess == ""
    over = priced(machine("web-1"), machine("web-2"))
    assert over.excess == "33.29 USD a month are 13.29 USD over the budget of 20 USD a month"
    with pytest.raises(UserError, match=r"shop: 33\.29 USD a month") as error:
        over.refuse("shop")
    assert error.value.exit_code == 1
    assert "Budget" in error.value.remedy
    worse = priced(machine("web-1"), machine("web-2"), machine("box-1", "lab", provider="lxd"))
    assert worse.excess.startswith("at least 33.29 USD a month")


def test_a_budget_is_not_kept_to_by_what_has_no_price() -> None:
    unsure = priced(machine("web-1"), machine("box-1", "lab", provider="lxd", region=""))
    assert unsure.excess == "the budget of 20 USD a month cannot be kept to: the price of t3.small on lab is not known"
    with pytest.raises(UserError) as error:
        unsure.refuse("shop")
    assert "0 where it costs nothing" in error.value.remedy


def test_credits_need_no_prices() -> None:
    boxes = [machine(f"box-{number}", "lab", provider="lxd") for number in range(2)]
    assert priced(*boxes, month="1460", currency="credits").excess == ""
    over = priced(*boxes, month="1000", currency="credits")
    assert over.excess == "1460 credits a month are 460 credits over the budget of 1000 credits a month"


def test_all_clouds_are_named_and_added_up() -> None:
    after = cost.of([machine("web-1"), machine("db-1", "us", region="us-east-1"), machine("q-1", "lab", "m1")], SHIPPED)
    before = cost.of([machine("web-1")], SHIPPED)
    assert costwords.line(Cost(SHIPPED, before, after, Budget(Decimal("99.5"), "USD"))) == (
        "A month: 730 -> 2190 credits, ec2 16.64 USD, lab 0.00 -> 16.64 USD, "
        "us 0.00 -> 15.18 USD, together 16.64 -> 48.47 USD, budget 99.50 USD."
    ).replace("lab 0.00 -> 16.64 USD", "price of lab not known").replace("48.47 USD", "31.83 USD and what is not known")


PRICES = st.decimals(0, 10, places=4)
KINDS = st.sampled_from(["small", "medium", "odd"])
ITEMS = st.lists(
    st.builds(
        Item,
        st.just("web-1"),
        st.sampled_from(["a", "b"]),
        st.just("own"),
        st.tuples(KINDS),
        st.sampled_from(["here", "there"]),
        st.integers(0, 100),
        st.integers(0, 2),
        st.booleans(),
    ),
    max_size=8,
)


def table(small: Decimal, storage: Decimal | None) -> prices.Prices:
    rates = {("own", "here"): prices.Rates({"small": small}, storage), ("own", "*"): prices.Rates({"medium": small})}
    return prices.Prices("EUR", "", "", rates)


@given(ITEMS, ITEMS, PRICES, st.none() | PRICES)
def test_costs_add_up(some: list[Item], more: list[Item], small: Decimal, storage: Decimal | None) -> None:
    known = table(small, storage)
    one, two, both = (cost.total(cost.of(items, known)) for items in (some, more, some + more))
    assert one + two == both
    assert both.known >= one.known
    assert both.credits == 730 * sum(item.runs for item in some + more)


@given(ITEMS, PRICES, PRICES, PRICES)
def test_a_budget_holds_only_where_all_is_known(
    items: list[Item], small: Decimal, storage: Decimal, month: Decimal
) -> None:
    known = table(small, storage)
    found = cost.of(items, known)
    whole: Sum = cost.total(found)
    fits = not Cost(known, {}, found, Budget(month, "EUR")).excess
    assert fits == (not whole.unknown and round(whole.known, 2) <= month)
    odd = any(item.runs and item.types == ("odd",) for item in items)
    assert not (odd and fits)
