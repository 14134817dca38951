"""The same work on many things, in processes beside this one."""

import multiprocessing
import os
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def in_processes(work: Callable[[T], R], items: Sequence[T], parallel: int) -> list[R]:
    """The work on each, at most so many side by side and not more than there are processors; in their order."""
    size = min(parallel, os.cpu_count() or 1, len(items))
    if size < 2:
        return [work(each) for each in items]
    fork = multiprocessing.get_context("fork")  # what is imported here is not imported again
    with ProcessPoolExecutor(size, fork, initializer=_quiet) as pool:
        try:
            return list(pool.map(work, items))
        except KeyboardInterrupt:
            pool.shutdown(cancel_futures=True)
            raise


def _quiet() -> None:
    """Ctrl-C is for the one that waits for all of them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
