"""How visits to machines end, by whichever way they were made."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from conpaas_iac.backend.record import Certificate
from conpaas_iac.errors import Failure

LAST_LINES = 12  # of what a step said, where it failed
FIRST_CONTACT = "first contact"  # the step of a machine that did not answer


@dataclass(frozen=True)
class Outcome:
    """How the visits ended: nodes that confirmed, what failed on the others, and certificates that were signed."""

    confirmed: tuple[str, ...]
    failures: tuple[Failure, ...]
    certificates: Mapping[str, Certificate] = field(default_factory=dict)
    # of batches after one in which something failed, or that was to be the last
    untouched: tuple[str, ...] = ()
    host_keys: Mapping[str, str] = field(default_factory=dict)  # that machines have made
    changed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # node -> tasks that changed something there
