"""Two or three runs that want one application, with pauses and clocks that jump: never two whose writes both count.

The runs are real lessees on a store in memory. A pause may come before every conditional write and in the middle of a
take-over: then another run goes on first. Clocks of the runs have nothing to do with one another.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from conpaas_iac.backend.holder import Holder
from conpaas_iac.backend.lease import Lease
from conpaas_iac.backend.lessee import Lessee
from conpaas_iac.backend.store import Version

TTL = 40.0
NAME = "shop.default.json"


class Memory:
    """A store, and the moment before a conditional write."""

    def __init__(self) -> None:
        self.documents: dict[str, tuple[bytes, str]] = {}
        self.version = 0
        self.meanwhile: list[Callable[[], None]] = []

    def look(self, name: str) -> Version | None:
        return Version(*self.documents[name]) if name in self.documents else None

    def swap(self, name: str, mark: str | None, content: bytes) -> str | None:
        self._pause()
        there = self.documents.get(name)
        if (there[1] if there else None) != mark:
            return None
        self.version += 1
        self.documents[name] = (content, str(self.version))
        return str(self.version)

    def drop(self, name: str, mark: str) -> bool:
        self._pause()
        if self.documents.get(name, (b"", ""))[1] != mark:
            return False
        del self.documents[name]
        return True

    def delete(self, name: str) -> None:
        self._pause()
        self.documents.pop(name, None)

    def _pause(self) -> None:
        if self.meanwhile:
            self.meanwhile.pop()()

    def lease(self) -> Lease | None:
        there = self.look(NAME)
        return msgspec.json.decode(there.content, type=Lease) if there else None


@dataclass
class Heads:
    """Heads as lists of writes: the names of the holdings that wrote."""

    memory: Memory
    heads: dict[str, list[str]] = field(default_factory=lambda: {"": []})
    made: int = 0
    legacy: bool = True
    cleared: Callable[[str], None] = lambda head: None

    def first(self) -> str:
        if self.legacy:
            return ""
        return self.new(1)

    def new(self, token: int) -> str:
        self.made += 1
        return f"{token}-{self.made}"

    def copy(self, old: str, new: str) -> None:
        self.heads[new] = list(self.heads.get(old, ()))
        self.memory._pause()  # after reading, before the head moves

    def others(self, *kept: str) -> tuple[str, ...]:
        self.memory._pause()
        found = tuple(head for head in self.heads if head not in (*kept, ""))
        self.memory._pause()
        return found

    def clear(self, head: str) -> None:
        self.cleared(head)
        self.heads.pop(head, None)
        if head == "":
            self.legacy = False

    def is_empty(self, head: str) -> bool:
        return not self.heads.get(head)


def holder(number: int, host: str) -> Holder:
    return Holder("u", host, host, f"boot-{host}", "space", number, "1", "up", "now")


@dataclass(eq=False)
class Client:
    """A run: what it believes, and its own clock."""

    number: int
    lessee: Any
    clock: float = 0.0
    run: int = 0
    settled: bool = False
    name: str = ""


class Runs(RuleBasedStateMachine):
    """What clients do, in any order, at any time."""

    def __init__(self) -> None:
        super().__init__()
        self.memory = Memory()
        self.parts = Heads(self.memory)
        self.clients: list[Client] = []
        for number in range(3):
            self.clients.append(Client(number, None))
            self.begin(number)
        self.acting: list[Client] = []  # the last one goes on, the others are paused
        self.parts.cleared = self.on_clear
        self.counted: list[str] = []  # what the true holders wrote
        self.order: list[str] = []  # holdings, in the order in which they settled
        self.late: list[tuple[str, str]] = []  # engines that outlived their tool: where they write, and for whom

    def begin(self, number: int) -> None:
        """A new process; what ran before on its host is seen to be dead, what runs on others is not."""
        client = self.clients[number]
        who = holder(number * 1000 + client.run, f"host-{number}")
        client.lessee = Lessee(self.memory, NAME, who, self.parts, clock=lambda: client.clock, ttl=TTL)  # type: ignore[arg-type]
        client.run += 1
        client.settled = False

    others_came = False
    numbers = st.integers(0, 2)
    seconds = st.sampled_from([0.0, 1.0, 9.0, 19.0, 21.0, 39.0, 41.0, 3600.0])

    def interrupted(self, others: list[tuple[str, int]]) -> None:
        """Before the next conditional writes, these others do something first."""

        def later(what: str, number: int) -> Callable[[], None]:
            return lambda: self.act(what, number)

        self.memory.meanwhile = [later(*other) for other in others]

    def act(self, what: str, number: int) -> None:
        if self.clients[number] in self.acting:
            return  # a paused run does nothing meanwhile
        self.acting.append(self.clients[number])
        try:
            self.act_as(self.clients[number], what)
        finally:
            self.acting.pop()

    def act_as(self, client: Client, what: str) -> None:
        if what == "attempt" and not client.lessee.is_held:
            client.settled = False
            client.lessee.attempt()
        elif what == "settle" and client.lessee.is_held and not client.settled:
            client.settled = client.lessee.settle()
            if client.settled:
                client.name = f"{client.number}: holding {len(self.order)}"
                self.order.append(client.name)
        elif what == "renew" and client.lessee.is_held:
            client.lessee.renew("busy")
        elif what == "write":
            self.write(client)
        elif what == "release" and client.lessee.is_held:
            client.lessee.release(failed=not client.settled)
            client.settled = False
        elif what == "over" and client.lessee.is_held and client.settled:
            client.lessee.release(is_over=True)
            client.settled = False

        elif what in ("take", "fail") and not client.lessee.is_held:
            self.take(client, what)

    def take(self, client: Client, what: str) -> None:
        """One look, a TTL, another look: nobody renewed. Then it writes, or fails before it has settled."""
        client.settled = False
        client.lessee.attempt()
        client.clock += TTL + 1
        if not client.lessee.is_held:
            client.lessee.attempt()
        assert client.lessee.is_held or self.others_came
        for each in ("release",) if what == "fail" else ("settle", "write"):
            self.act_as(client, each)

    def write(self, client: Client) -> None:
        """As an engine writes: it asks nobody whether it still may."""
        if not (client.settled and client.lessee.is_held):
            return
        self.parts.heads.setdefault(client.lessee.head, []).append(client.name)
        if self.is_true(client):
            self.counted.append(client.name)

    def is_true(self, client: Client) -> bool:
        """Whether the document says so too."""
        lease, own = self.memory.lease(), client.lessee._lease
        return bool(lease and own and lease.run and lease.run == own.run)

    def on_clear(self, head: str) -> None:
        """The holder may remove its application; nobody else may."""
        lease = self.memory.lease()
        if lease and lease.head == head and self.is_true(self.acting[-1]):
            self.counted.clear()

    acts = st.sampled_from(["take", "fail", "attempt", "settle", "renew", "write", "release", "over"])
    others = st.lists(st.tuples(acts, numbers), max_size=8)

    @rule(number=numbers, what=acts, others=others)
    def do(self, number: int, what: str, others: list[tuple[str, int]]) -> None:
        self.interrupted([other for other in others if other[1] != number])
        self.others_came = bool(self.memory.meanwhile)
        self.act(what, number)
        self.memory.meanwhile = []

    @rule(number=numbers, seconds=seconds)
    def clock_goes_or_jumps(self, number: int, seconds: float) -> None:
        self.clients[number].clock += seconds

    @rule(number=numbers)
    def die_and_come_back(self, number: int) -> None:
        """Its engine does not: it writes once more, into whatever it was told."""
        client = self.clients[number]
        head = client.lessee.head if client.lessee.is_held and client.settled else None
        name = client.name
        self.begin(number)
        if head is not None:
            self.late.append((head, name))

    @precondition(lambda self: self.late)
    @rule()
    def an_engine_without_a_tool_writes(self) -> None:
        head, name = self.late[-1]
        self.parts.heads.setdefault(head, []).append(name)

    @invariant()
    def writes_of_a_former_holder_do_not_count(self) -> None:
        """In the head that counts, nothing of a former holding comes after something of a later one."""
        lease = self.memory.lease()
        if lease is None or lease.head not in self.parts.heads:
            return
        names = self.parts.heads[lease.head]
        places = [self.order.index(name) for name in names]
        assert places == sorted(places), (names, self.order)

    @invariant()
    def what_a_holder_wrote_is_there(self) -> None:
        lease = self.memory.lease()
        there = self.parts.heads.get(lease.head, []) if lease else []
        missing = list(self.counted)
        for name in there:
            if name in missing:
                missing.remove(name)
        assert not missing, (missing, lease, self.parts.heads)

    @invariant()
    def only_one_settled_holder_has_the_head_that_counts(self) -> None:
        lease = self.memory.lease()
        if lease is None or lease.holder is None:
            return
        there = [
            client
            for client in self.clients
            if client.settled and client.lessee.is_held and client.lessee.head == lease.head
        ]
        assert len(there) <= 1


Runs.TestCase.settings = hypothesis_settings(max_examples=400, stateful_step_count=30, deadline=None)
TestRuns = Runs.TestCase
