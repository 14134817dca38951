"""Who wants, has or had a lease: each step of it, without waiting and without threads (see lease.py, holding.py)."""

import threading
import time
import uuid
from collections.abc import Callable

import msgspec

from conpaas_iac.backend.holder import Holder, life
from conpaas_iac.backend.lease import FIRST, TTL, Busy, Heads, Lease, decode
from conpaas_iac.backend.store import Store
from conpaas_iac.errors import UserError


def boottime() -> float:
    """Seconds that nobody sets, and that go on while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Lessee:
    """One who wants, has or had it. Any thread may renew."""

    def __init__(
        self,
        shelf: Store,
        name: str,
        me: Holder,
        heads: Heads,
        clock: Callable[[], float] = boottime,
        ttl: float = TTL,
    ) -> None:
        self._shelf, self._name, self._me, self._heads, self._clock = shelf, name, me, heads, clock
        self.ttl = ttl
        self._lock = threading.RLock()
        self._lease: Lease | None = None  # as we wrote it last
        self._mark = ""
        self._proved = 0.0  # when the writing of it began
        self._is_new = False  # nobody held it before
        self._watched: tuple[str, str, float] | None = None  # run, mark, since when
        self._moved = False  # what is watched was seen to be written again

    @property
    def head(self) -> str:
        """Where to read and write, while it is held."""
        assert self._lease
        return self._lease.head

    @property
    def is_held(self) -> bool:
        """As far as is known here."""
        return self._lease is not None

    @property
    def is_proved(self) -> bool:
        """Held, and written so recently that nobody can have taken it."""
        return self.is_held and self._clock() - self._proved < self.ttl / 2

    def attempt(self) -> Busy | None:
        """Try to get it; None: it is held, and `settle` is next. Else who holds it."""
        with self._lock:
            for _ in range(3):  # somebody else may write at the same time
                found = self._shelf.look(self._name)
                if found is None:
                    lease = Lease(1, self._heads.first(), self._me, uuid.uuid4().hex, ttl=self.ttl)
                    if self._write(lease, None):
                        self._is_new = True
                        self._prove_conditions()
                        return None
                    continue
                before = decode(found.content, self._name)
                busy = self._busy(before, found.mark)
                if busy:
                    return busy
                is_left = before.is_left or before.holder is not None
                run = uuid.uuid4().hex
                lease = Lease(before.token + 1, before.head, self._me, run, ttl=self.ttl, is_left=is_left)
                if self._write(lease, found.mark):
                    return None
            there = self._shelf.look(self._name)
            holder = decode(there.content, self._name).holder if there else None
            return Busy(holder or self._me, False)

    def _busy(self, lease: Lease, mark: str) -> Busy | None:
        """None when it may be taken: it was released, or its holder is dead."""
        if lease.holder is None:
            return None
        now = self._clock()
        if self._watched is None or self._watched[:2] != (lease.run, mark):
            self._moved = self._watched is not None and self._watched[0] == lease.run
            self._watched = (lease.run, mark, now)
        alive = life(lease.holder, self._me)
        if alive == "dead" or now - self._watched[2] >= lease.ttl:
            return None
        return Busy(lease.holder, alive == "alive" or self._moved)

    def settle(self) -> bool:
        """Leave the head of a holder that did not release it; whether the lease is still held."""
        if self._lease is None or not self._lease.is_left:
            return self.is_held
        old = self._lease.head
        new = self._heads.new(self._lease.token)
        self._heads.copy(old, new)
        dead = self._heads.others(old, new)  # before it is ours: whoever takes over later makes a head after this
        with self._lock:
            if not self._replace(head=new, is_left=False):
                self._heads.clear(new)
                return False
        # The head that was left stays, so that what is still written there does no harm; not where all others are.
        for head in (*dead, *((old,) if old == FIRST else ())):
            self._heads.clear(head)
        return True

    def renew(self, phase: str = "") -> bool:
        """Show that the holder lives, and what it does; False: it is not the holder any more."""
        with self._lock:
            if self._lease is None or self._lease.holder is None:
                return False
            return self._replace(holder=msgspec.structs.replace(self._lease.holder, phase=phase))

    def _replace(self, **changes: object) -> bool:
        """Write another version of the own lease; False: it was lost."""
        with self._lock:
            if self._lease is None:
                return False
            lease = msgspec.structs.replace(self._lease, beat=self._lease.beat + 1, **changes)
            if self._write(lease, self._mark):
                return True
            self._lease = None
            return False

    def release(self, is_over: bool = False, failed: bool = False, is_quiet: bool = True) -> None:
        """Let go of it.

        `is_over`: the application is gone. `failed`: there may be none. Not `is_quiet`: something that was begun may
        still write.
        """
        with self._lock:
            lease = self._lease
            if lease is None:
                return
            is_left = lease.is_left or not is_quiet
            if is_over or ((self._is_new or failed) and not is_left and self._heads.is_empty(lease.head)):
                self._remove(lease.head)
            else:
                self._replace(holder=None, run="", is_left=is_left)
            self._lease = None

    def _remove(self, head: str) -> None:
        """The application's heads, then the lease: one that is begun meanwhile has a head of its own."""
        dead = self._heads.others(head)
        if self._replace():
            self._heads.clear(head)
            if self._shelf.drop(self._name, self._mark):
                for each in dead:
                    self._heads.clear(each)

    def current(self) -> Holder | None:
        """Who holds it now, for the message of one who lost it."""
        there = self._shelf.look(self._name)
        return decode(there.content, self._name).holder if there else None

    def _write(self, lease: Lease, mark: str | None) -> bool:
        began = self._clock()
        new = self._shelf.swap(self._name, mark, msgspec.json.encode(lease))
        if new is None:
            return False
        self._lease, self._mark, self._proved = lease, new, began
        return True

    def _prove_conditions(self) -> None:
        """Once an application: a store that takes any write for a conditional one cannot keep runs apart."""
        if self._shelf.swap(self._name, None, b"") is not None:
            self._shelf.delete(self._name)
            self._lease = None
            raise UserError(
                "this object store has no conditional writes (If-None-Match): it cannot keep two runs apart",
                "use another store for CONPAAS_BACKEND; S3, MinIO, Ceph and R2 have them",
            )
