"""A plan over the budget: shown, refused, neither saved nor done."""

from functools import partial

import pytest

from conpaas_iac import cli
from conpaas_iac.usecases import deployment
from tests.engine.conftest import World, backends


@pytest.fixture(autouse=True)
def no_ansible(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deployment, "up", partial(deployment.up, execute=world.visits))


def verb(*words: object) -> int:
    return cli.run([str(word) for word in words])


def test_what_is_over_the_budget_is_shown_and_not_done(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    saved, budget = world.folder / "shop.plan", {"Month": 1460, "Currency": "credits"}
    manifest = world.write(backends(3), Budget=budget)
    for words in (("plan", manifest, "-o", saved), ("up", manifest)):
        assert verb(*words) == 1
        said = capsys.readouterr()
        assert "A month: 0 -> 2190 credits, price of lxd not known, budget 1460 credits. Over the budget." in said.out
        assert "2190 credits a month are 730 credits over the budget of 1460 credits a month" in said.err
    assert not saved.exists()
    assert not world.lxd.running()
    assert verb("up", world.write(backends(2), Budget=budget)) == 0
    assert len(world.lxd.running()) == 2
    assert verb("scale", manifest, "web", "backend=+1") == 1
    assert len(world.lxd.running()) == 2


def test_prices_count_for_a_saved_plan_only_where_there_is_a_budget(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    table, saved = world.folder / "prices.toml", world.folder / "shop.plan"
    monkeypatch.setenv("CONPAAS_PRICES", str(table))
    text = 'currency = "EUR"\n[lxd."*".machines]\nsmall = {}\n'
    table.write_text(text.format("0.1"))
    assert verb("plan", world.write(backends(1), Budget={"Month": 100, "Currency": "EUR"}), "-o", saved) == 0
    assert "lxd 0.00 -> 73.00 EUR, budget 100 EUR." in capsys.readouterr().out
    table.write_text(text.format("0.2"))
    assert verb("up", "--plan", saved) == 1
    assert "moved since it was made: the prices" in capsys.readouterr().err

    table.write_text(text.format("0.1"))
    assert verb("plan", world.write(backends(1)), "-o", saved) == 0
    table.write_text(text.format("0.2"))
    assert verb("up", "--plan", saved) == 0
    assert world.lxd.running() == {"shop--web-1"}
