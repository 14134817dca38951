"""The resource that holds an application's authorities."""

from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Interface

import pytest

from conpaas_iac.host import nebula
from conpaas_iac.network import certificates
from conpaas_iac.network.renewal import Policy
from conpaas_iac.provider.authority import Authority, pairs_alive
from conpaas_iac.provider.resource import Change
from conpaas_iac.settings import load

INPUTS = {"name": "shop", "range": "10.42.0.0/16", "epoch": 1.0}  # numbers arrive as floats


@pytest.fixture(scope="module", autouse=True)
def programs() -> nebula.Nebula:
    return nebula.install(load(), print)


def names(texts: str) -> list[str]:
    return [fact.name for fact in certificates.read(nebula.need(load()).cert, texts)]


def test_first_one() -> None:
    made = Authority().create(INPUTS)
    assert names(made.outputs["certificates"]) == ["shop 1"]
    assert made.secrets == {"keys"} == Authority.SECRETS
    assert made.outputs["keys"].count("PRIVATE KEY-----\n") == 2
    assert Authority().read(made.id, made.outputs).secrets == Authority.SECRETS


def test_a_new_epoch_is_put_beside(monkeypatch: pytest.MonkeyPatch) -> None:
    first = Authority().create(INPUTS).outputs
    second = Authority().update("id", {**INPUTS, **first}, {**INPUTS, "epoch": 2.0})
    assert names(second["certificates"]) == ["shop 1", "shop 2"]
    old, new = pairs_alive(second["certificates"], second["keys"], datetime.now(UTC))
    assert old.certificate == first["certificates"] and old.key == first["keys"]
    assert new.key != old.key
    # each key signs for its own certificate
    program = nebula.need(load()).cert
    subject = certificates.Subject("a", IPv4Interface("10.42.16.1/16"), ())
    for pair in (old, new):
        with pytest.raises(Exception, match="in-pub"):  # the pair is accepted, the public key is not one
            certificates.sign(program, pair, "no key", subject, timedelta(days=1))


def test_what_has_ended_goes() -> None:
    made = Authority().create(INPUTS).outputs
    later = datetime.now(UTC) + Policy().authority + timedelta(minutes=1)
    assert pairs_alive(made["certificates"], made["keys"], later) == ()


def test_never_replaced() -> None:
    changed = {**INPUTS, "epoch": 2.0, "range": "10.48.0.0/14", "name": "other"}
    assert Authority().diff(INPUTS, changed) == Change(updated=("name", "range", "epoch"))
    assert Authority().diff(INPUTS, dict(INPUTS)) == Change()


def test_check() -> None:
    assert Authority().check(INPUTS) == {}
    assert set(Authority().check({**INPUTS, "range": "10.42.0.1/16", "epoch": 0})) == {"range", "epoch"}
