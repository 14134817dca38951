"""Trailers of commits that allow what policy does not."""

from pathlib import Path

import pytest

from conpaas_iac.fleet import approvals
from conpaas_iac.fleet.approvals import Approval
from conpaas_iac.plans.plan import Danger
from conpaas_iac.system import git

WHO = ("-c", "user.name=tester", "-c", "user.email=tester@example.org")


@pytest.mark.parametrize(
    ("value", "approval"),
    [
        ("shop downtime", Approval("shop", "default", "downtime")),
        ("shop data loss db", Approval("shop", "default", "data loss", "db")),
        ("  shop:production   Data-Loss db-2 ", Approval("shop", "production", "data loss", "db-2")),
        ("shop: downtime", Approval("shop", "default", "downtime")),
    ],
)
def test_what_is_approved(value: str, approval: Approval) -> None:
    assert approvals.parse([value, ""]) == ({approval}, ())


@pytest.mark.parametrize(
    "value",
    ["shop", "shop everything", "downtime", "all of it", "shop data loss", "shop downtime db", "shop data loss a b"],
)
def test_what_is_no_approval(value: str) -> None:
    assert approvals.parse([value]) == (frozenset(), (value,))


@pytest.mark.parametrize(
    ("environment", "danger", "service"), [("default", "downtime", ""), ("staging", "data loss", "db")]
)
def test_a_line_is_read_as_it_is_written(environment: str, danger: Danger, service: str) -> None:
    trailer, _, value = approvals.line("shop", environment, danger, service).partition(": ")
    assert trailer == approvals.TRAILER
    assert approvals.parse([value]) == ({Approval("shop", environment, danger, service)}, ())


def commit(place: Path, message: str, **files: str) -> None:
    for name, content in files.items():
        (place / name).write_text(content)
    git.run(place, "add", "--all")
    git.run(place, *WHO, "commit", "--quiet", "--allow-empty", "-m", message)


def test_an_approval_counts_until_the_application_changes_again(tmp_path: Path) -> None:
    def given() -> set[str]:
        return {each.danger for each in approvals.given(tmp_path, ["shop"])}

    git.run(tmp_path, "init", "--quiet")
    assert given() == set()
    commit(tmp_path, "begin\n\nApprove: shop data loss db", shop="1")
    assert given() == {"data loss"}
    commit(tmp_path, "other\n\nSaid-by: me", blog="1")
    assert given() == {"data loss"}
    commit(tmp_path, "another shop", shop="2")
    assert given() == set()
    commit(tmp_path, "yes\n\nApprove: shop downtime\nApprove: shop restart")
    assert given() == {"downtime", "restart"}
    commit(tmp_path, "the trailer is\n\nApprove: shop data loss db\n\nin the midst of the text", blog="2")
    assert given() == {"downtime", "restart"}
