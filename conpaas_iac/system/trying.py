"""Once more: what may work at the next attempt is attempted a few times, alone."""

import time
from collections.abc import Callable, Iterable
from typing import ParamSpec, TypeVar

from conpaas_iac.errors import ConpaasError, UserError

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")
Sleep = Callable[[float], None]


def stubborn(
    call: Callable[Arguments, Answer], pauses: Iterable[float], sleep: Sleep = time.sleep
) -> Callable[Arguments, Answer]:
    """The same, called again after each of the pauses while it fails; where the user can act, it is not tried again."""

    def attempt(*arguments: Arguments.args, **named: Arguments.kwargs) -> Answer:
        for pause in pauses:
            try:
                return call(*arguments, **named)
            except UserError:
                raise
            except ConpaasError:
                sleep(pause)
        return call(*arguments, **named)

    return attempt
