"""What a member of the cluster does next: pure functions of what the members say of themselves.

Two things must never happen: that two members begin a cluster each, and that one begins from data that another has a
newer version of. So whoever begins one waits for every member that may hold data, and the most advanced one does it.
"""

import re
from dataclasses import dataclass, field

NO_UUID = "00000000-0000-0000-0000-000000000000"
UNKNOWN = -1

RUNNING = ("starting", "joining", "synced", "donor", "non-primary")
SERVING = ("synced", "donor")  # a donor goes on serving: mariabackup does not stop it


@dataclass(frozen=True)
class Member:
    """What a member says of itself."""

    address: str
    name: str = ""
    state: str = "down"  # looking (not known yet) · empty · down · one of RUNNING
    uuid: str = NO_UUID  # of the data's history
    seqno: int = UNKNOWN  # how far its data goes in that history
    primary: bool = False
    turn: bool = False  # it enters the group just now, or is about to
    view: tuple = ()  # addresses of the group that it is in
    holders: frozenset = frozenset()  # addresses that ever held the data, as far as it knows
    supersedes: tuple = ()  # older histories that somebody gave up on purpose
    size: int = 0  # MiB of its data
    says: str = ""

    @property
    def has_data(self):
        return self.uuid != NO_UUID

    @property
    def running(self):
        return self.state in RUNNING

    @property
    def settled(self):
        """Whether it says how far its data goes, and that cannot have changed since it looked."""
        return self.has_data and self.seqno != UNKNOWN and self.state in ("down", "starting", "non-primary")

    @property
    def position(self):
        return f"{self.uuid}:{self.seqno}"


@dataclass(frozen=True)
class Decision:
    """`what` is wait, join, found, bootstrap (its own mysqld begins a cluster) or promote (a running one does)."""

    what: str
    why: str = ""
    through: tuple = field(default=())  # addresses of members to join


def member(document):
    """From the JSON of /state."""
    known = {name: document[name] for name in Member.__dataclass_fields__ if name in document}
    for name, kind in (("view", tuple), ("holders", frozenset), ("supersedes", tuple)):
        known[name] = kind(known.get(name, ()))
    return Member(**known)


def document(one):
    """As JSON can hold it."""
    values = {name: getattr(one, name) for name in Member.__dataclass_fields__}
    return {**values, "view": list(one.view), "holders": sorted(one.holders), "supersedes": list(one.supersedes)}


def decide(me, names, answers, may_found):
    """The next step of a member that is in no primary group.

    `names` is address -> name of those that belong to the service, in order; `answers` is address -> Member of the
    others that answer; `may_found` says that this service never had data and this machine is to begin it.
    """
    looking = [one for one in answers.values() if one.state == "looking"]
    answers = {address: one for address, one in answers.items() if one.state != "looking"}
    primaries = [one for one in answers.values() if one.primary]
    if primaries:
        return _join(me, primaries, list(answers.values()))
    if not me.has_data and may_found and looking:
        return Decision("wait", f"waits for {_listing(looking)} to look for data")
    if not me.has_data:
        return _first(me, names, answers) if may_found else Decision("wait", _nobody(me.address, names, answers))
    return _again(me, names, answers)


def _join(me, primaries, others):
    histories = {one.uuid for one in primaries}
    if len(histories) > 1:
        return Decision("wait", f"two clusters are running: {_listing(primaries)}; stop the wrong one")
    given_up = {uuid for one in primaries for uuid in one.supersedes}
    if me.has_data and me.uuid not in histories | given_up:
        return Decision("wait", f"the data here is not of the cluster that runs on {_listing(primaries)}")
    before = [one for one in others if one.turn and not one.primary and _rank(one.address) < _rank(me.address)]
    entering = [one for one in others if one.state == "starting" and one.turn and not one.primary]
    if before or entering:
        return Decision("wait", f"lets {_listing(before or entering)} join first")
    return Decision("join", "", tuple(sorted((one.address for one in primaries), key=_rank)))


def _first(me, names, answers):
    holders = [one for one in answers.values() if one.has_data]
    if holders:
        return Decision("wait", f"has no data, and {_listing(holders)} has: {_nobody(me.address, names, answers)}")
    return Decision("found")


def _again(me, names, answers):
    """Of a member with data, while nobody is primary."""
    if not me.settled:
        return Decision("wait", "does not know yet how far its own data goes")
    found = {me.address: me, **answers}
    missing = lacking(me, names, answers)
    if missing:
        return Decision("wait", "waits for " + ", ".join(missing))
    holders = [one for one in found.values() if one.has_data]
    if len({one.uuid for one in holders}) > 1:
        return Decision("wait", f"the members' data is not of one history: {_positions(holders)}")
    best = most_advanced(holders)
    if best.address != me.address:
        return Decision("wait", f"{best.name or best.address} is to begin: {_positions(holders)}")
    return Decision("promote" if me.state == "non-primary" else "bootstrap", _positions(holders))


def lacking(me, names, answers):
    """Members that may hold newer data and do not say how far it goes; each with the reason."""
    found = {me.address: me, **answers}
    holders = [one for one in found.values() if one.has_data]
    known = set().union(*(one.holders for one in holders)) if holders else set()
    # A member that was never seen to hold data has none to wait for; what nobody remembers, everybody may hold.
    required = known | {one.address for one in holders} if known else set(names)
    reasons = []
    for address in sorted(required, key=_rank):
        one, name = found.get(address), names.get(address) or address
        if one is None:
            reasons.append(f"{name} (does not answer)")
        elif not one.has_data:
            reasons.append(f"{name} (has lost its data)")
        elif not one.settled:
            reasons.append(f"{name} (does not say how far its data goes)")
    return reasons


def most_advanced(members):
    """The farthest; among those one that runs, among those the lowest address. None where nobody knows."""
    fit = [one for one in members if one.settled]
    return max(fit, key=lambda one: (one.seqno, one.running, [-part for part in _rank(one.address)]), default=None)


def weight(address, order, view):
    """A member's votes: with an even number of members the first of them has two."""
    present = [one for one in order if one in view]
    return 2 if len(view) % 2 == 0 and present[:1] == [address] else 1


def remembered(before, view, members):
    """Who ever held the data, as seen from a primary group: who left the service and the group holds nothing newer."""
    return frozenset(view) | (frozenset(before) & frozenset(members))


def _nobody(own, names, answers):
    silent = [name for address, name in names.items() if address not in (own, *answers)]
    others = [f"{one.name or one.address} ({one.state})" for one in answers.values()]
    said = ", ".join([*others, *(f"{name} (does not answer)" for name in silent)])
    return f"waits for a member that is primary: {said}" if said else "waits to be told to found a cluster"


def _listing(members):
    return ", ".join(sorted(one.name or one.address for one in members))


def _positions(members):
    ordered = sorted(members, key=lambda one: _rank(one.address))
    return ", ".join(f"{one.name or one.address} at {one.uuid[:8]}:{one.seqno}" for one in ordered)


def _rank(address):
    return [int(part) for part in address.split(".")]


def saved_state(text):
    """(uuid, seqno) of grastate.dat."""
    found = dict(re.findall(r"^(\w+):\s*(\S+)", text, re.M))
    uuid = found.get("uuid", NO_UUID)
    return (uuid, int(found.get("seqno", UNKNOWN))) if uuid != NO_UUID else (NO_UUID, UNKNOWN)


def state_file(uuid, seqno, may_begin):
    """grastate.dat."""
    return (
        f"# GALERA saved state\nversion: 2.1\nuuid:    {uuid}\nseqno:   {seqno}\nsafe_to_bootstrap: {int(may_begin)}\n"
    )


def recovered(text):
    """(uuid, seqno) of what `mariadbd --wsrep-recover` says, or None."""
    found = re.findall(r"Recovered position: *([0-9a-f-]{36}):(-?\d+)", text)
    return (found[-1][0], int(found[-1][1])) if found else None


def addresses(text):
    """Of wsrep_incoming_addresses; members that are still joining have none."""
    return tuple(part.rpartition(":")[0] for part in text.split(",") if re.match(r"[\d.]+:\d+$", part))
