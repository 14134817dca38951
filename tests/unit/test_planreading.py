"""Plans read again from their documents tell the same."""

from pathlib import Path

import pytest

from conpaas_iac.plans import plandocument, planreading
from conpaas_iac.views import planmarkdown
from tests import plans


@pytest.mark.parametrize("case", plans.CASES, ids=lambda case: case.name)
def test_a_plan_tells_the_same_after_reading(case: Path) -> None:
    plan = plans.of_case(case)
    again = planreading.plan_of(plandocument.document(plan))
    assert planmarkdown.markdown(again) == planmarkdown.markdown(plan)
    assert again.danger == plan.danger
