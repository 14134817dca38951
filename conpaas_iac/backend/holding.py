"""Hold an application: nobody else changes it meanwhile, on whatever machine."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from threading import Event as Flag
from threading import Thread

from conpaas_iac.backend import lease
from conpaas_iac.backend.holder import here
from conpaas_iac.backend.lease import Busy
from conpaas_iac.backend.lessee import Lessee
from conpaas_iac.backend.place import ApplicationHeads, Placed, leases, within
from conpaas_iac.backend.turn import Turn
from conpaas_iac.errors import LeaseHeldError, UserError
from conpaas_iac.runs.events import Event, Listener, silent
from conpaas_iac.settings import ALWAYS, Settings
from conpaas_iac.system import processes

BEATS = 4  # in the time after which a silent holder is taken for dead
HEART = "lease"  # the name of the thread


@contextmanager
def holding(settings: Settings, stack: str, listen: Listener = silent, hears: bool = True) -> Iterator[Placed]:
    """Hold the application of this stack ("dokuwiki.default"): the settings to change it with.

    Unless it `hears` Ctrl-C, that is as ever: one long step that knows how to end.
    Waits as long as the setting `wait` says; raises LeaseHeldError saying who holds it, since when, doing what.
    """
    lessee = Lessee(leases(settings), f"{stack}.json", here(), ApplicationHeads(settings, stack), ttl=lease.TTL)
    with held(lessee, stack, _patience(settings), listen, hears) as turn:
        yield within(settings, stack, lessee.head, turn)


@contextmanager
def held(
    lessee: Lessee, name: str, patience: float, listen: Listener = silent, hears: bool = True
) -> Iterator[Turn]:
    """The turn of who holds a lease; waits at most so many seconds for it."""
    turn = Turn(name, listen, lambda: _proved(lessee, turn))
    turn.waited = _wait(lessee, name, patience, listen)
    failed = True
    try:
        with turn.hearing() if hears else nullcontext(), _beating(lessee, turn):
            lessee.settle()
            turn.check("all of it")
            yield turn
            failed = False
    except Exception:
        raise  # what a step began has ended when it raises, or it said so
    except BaseException:
        turn.is_quiet = False
        processes.end_descendants()
        raise
    finally:
        with suppress(Exception):  # what is not released now is taken over
            lessee.release(turn.is_over, failed, turn.is_quiet)


def _wait(
    lessee: Lessee, stack: str, patience: float, listen: Listener, sleep: Callable[[float], None] = time.sleep
) -> bool:
    """Until it is held; whether somebody else held it before."""
    begun, shown, pause = time.monotonic(), "", 0.1
    while busy := lessee.attempt():
        if busy.is_alive and time.monotonic() - begun >= patience:
            raise held_by(stack, busy)
        if busy.holder.line != shown:
            shown = busy.holder.line
            listen(Event("lease", "started", text=f"waiting: held by {shown}"))
        sleep(pause)
        pause = min(pause * 1.5, 2.0)
    if shown:
        listen(Event("lease", "done"))
    return bool(shown)


def held_by(stack: str, busy: Busy) -> LeaseHeldError:
    """Who waits is told who, since when, doing what."""
    return LeaseHeldError(
        f"{stack} is being changed by {busy.holder.line}", "wait for it: the same command with --wait"
    )


def _patience(settings: Settings) -> float:
    if settings.wait == ALWAYS:
        return float("inf")
    try:
        return float(settings.wait or 0)
    except ValueError:
        raise UserError(f"the setting wait should be seconds or {ALWAYS!r}, not {settings.wait!r}") from None


def _proved(lessee: Lessee, turn: Turn) -> bool:
    return lessee.is_proved or _renewed(lessee, turn)


def _renewed(lessee: Lessee, turn: Turn) -> bool:
    if lessee.renew(turn.phase):
        return True
    holder = lessee.current()
    turn.lost_to = holder.line if holder else ""
    return False


@contextmanager
def _beating(lessee: Lessee, turn: Turn) -> Iterator[None]:
    """Renew the lease beside the work, and whenever the phase changes."""
    ended = Flag()

    def beat() -> None:
        while not ended.is_set():
            turn.changed.wait(lessee.ttl / BEATS)
            if ended.is_set():
                return
            turn.changed.clear()
            try:
                if not _renewed(lessee, turn):
                    turn.lose(turn.lost_to)
                    return
            except Exception:  # it may answer again before the time is over; `check` says it if not
                logging.getLogger(__name__).debug("lease of %s not renewed", turn.name, exc_info=True)

    thread = Thread(target=beat, name=HEART, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        turn.changed.set()
