"""Who belongs to the application's network: what every machine's tree holds once it is known where machines are. Pure.

Everything else of a tree is rendered offline; only these files depend on outputs of the stack.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from conpaas_iac.backend.record import Certificate, Confirmed, Record
from conpaas_iac.core.ordering import count
from conpaas_iac.core.render import File, Member, Tree
from conpaas_iac.core.topology import Topology
from conpaas_iac.network import renewal, standing, vpn
from conpaas_iac.network.certificates import Subject
from conpaas_iac.network.standing import Standings

UNIT = "nebula"


@dataclass(frozen=True)
class Authorities:
    """The public side of the application's authorities, oldest first."""

    certificates: tuple[str, ...] = ()  # PEM
    facts: tuple[Certificate, ...] = ()
    epoch: int = 0

    def next_epoch(self, now: datetime, policy: renewal.Policy) -> int:
        """The epoch that the stack is to declare: one more when a successor is due."""
        return self.epoch + 1 if renewal.needs_successor(self.facts, now, policy) else self.epoch

    def trusted(self, now: datetime) -> str:
        """PEM of those that live."""
        alive = renewal.trusted(self.facts, now)
        pairs = zip(self.certificates, self.facts, strict=True)
        return "".join(text for text, facts in pairs if facts in alive)


def signing(authorities: Authorities, record: Record, now: datetime) -> Certificate:
    """The authority that signs now; raises ValueError where none is alive."""
    trusts = [node.member.trusts for node in record.nodes.values() if node.member]
    return renewal.signer(authorities.facts, now, trusts)


def complete(
    trees: Mapping[str, Tree],
    topology: Topology,
    ips: Mapping[str, str],
    authorities: Authorities,
    record: Record,
    now: datetime,
    mtu: int = 1300,
    standings: Standings | None = None,
) -> dict[str, Tree]:
    """The trees with their part in the network; `ips` is node -> address on the provider's network, where known.

    `mtu` is the largest packet inside the VPN, in bytes.
    """
    alive = renewal.trusted(authorities.facts, now)
    if not alive:  # not made yet, or all have ended: the next run of the engine makes one
        return dict(trees)
    places = standing.places(topology, ips, standings or {})
    texts = vpn.configurations(topology, places, blocked_at(record, now), record.lighthouses, vpn.Transport(mtu=mtu))
    pem, signer = authorities.trusted(now), signing(authorities, record, now)
    nodes = {node.name: node for node in topology.nodes}
    return {
        name: replace(
            tree,
            files=(*_others(tree), _config(texts[name], record.files(name)), _file(vpn.AUTHORITIES, pem)),
            member=_member(vpn.subject(nodes[name], topology), signer, alive, record.nodes.get(name), now),
        )
        if name in texts
        else tree
        for name, tree in trees.items()
    }


def _member(
    subject: Subject, signer: Certificate, alive: Iterable[Certificate], known: Confirmed | None, now: datetime
) -> Member:
    """Who the machine is to be; another serial is another certificate for the same machine."""
    serial = known.member.serial if known and known.member else 1
    certificate = known.certificate if known else None
    if certificate and renewal.due(certificate, now, renewal.Policy()) is not renewal.Due.FRESH:
        serial += 1
    trusts = tuple(each.fingerprint for each in alive)
    return Member(subject.name, str(subject.address), subject.groups, signer.fingerprint, trusts, serial)


def renewals(
    trees: Mapping[str, Tree], record: Record, authorities: Authorities, now: datetime, policy: renewal.Policy
) -> dict[str, tuple[str, ...]]:
    """Node -> why the network visits a machine that is otherwise as it should be.

    An authority's successor is made in the `up` itself; that each machine is told of it is known before.
    """
    last = max((each.ends for each in authorities.facts), default=now)
    coming = authorities.next_epoch(now, policy) != authorities.epoch
    told = [f"the network's authority: a successor ({_left(last, now)})"] if coming else []
    found = {}
    for name, tree in trees.items():
        known = record.nodes.get(name)
        if known and known.member:
            anew = _anew(known, known.member, tree.member, now, coming) if tree.member else []
            found[name] = (*anew, *told)
    return {name: causes for name, causes in found.items() if causes}


def _anew(known: Confirmed, before: Member, after: Member, now: datetime, coming: bool) -> list[str]:
    causes = []
    if after.serial != before.serial:
        left = f" ({_left(known.certificate.ends, now)})" if known.certificate else ""
        causes.append(f"its certificate: renewed{left}")
    elif (after.name, after.address, after.groups) != (before.name, before.address, before.groups):
        causes.append("its certificate: another name, address or groups")
    elif after.signer != before.signer:
        causes.append("its certificate: signed by the authority's successor")
    if set(after.trusts) - set(before.trusts) and not coming:
        causes.append("the network's authority: a successor")
    elif set(before.trusts) - set(after.trusts):
        causes.append("the network's authority: a former one has ended")
    return causes


def _left(ends: datetime, now: datetime) -> str:
    days = renewal.days_left(ends, now)
    return f"{count(days, 'day')} left" if days >= 0 else "it has expired"


def _config(text: str, there: Mapping[str, str]) -> File:
    """Most changes are taken up without cutting a tunnel."""
    before = there.get(vpn.CONFIG)
    file = _file(vpn.CONFIG, text)
    return file if before is None or vpn.reloads(before, text) else replace(file, on_change="restart")


def _others(tree: Tree) -> tuple[File, ...]:
    """Its files besides those of the network, which it may have from what was known before."""
    return tuple(file for file in tree.files if file.path not in (vpn.CONFIG, vpn.AUTHORITIES))


def _file(path: str, content: str) -> File:
    return File(path, content, "0600", "root", "root", UNIT, "reload")


def lighthouses_of(
    topology: Topology, ips: Mapping[str, str], record: Record, standings: Standings | None = None
) -> tuple[str, ...]:
    """The machines that others ask; remembered so that they stay the same while they can."""
    places = standing.places(topology, ips, standings or {})
    return tuple(node.name for node in vpn.lighthouses(topology, places, record.lighthouses))


def blocked_at(record: Record, now: datetime) -> Collection[str]:
    """Fingerprints that nobody shall talk to; an entry ends with its certificate."""
    return [each.fingerprint for each in record.blocked if now < each.ends]


def locked_out(record: Record, leaving: Collection[str], now: datetime) -> Record:
    """With the certificates of leaving machines blocked, and entries that have ended forgotten."""
    going = [node.certificate for name, node in record.nodes.items() if name in leaving and node.certificate]
    return with_blocked(record, going, now)


def with_blocked(record: Record, going: Iterable[Certificate], now: datetime) -> Record:
    """With these certificates blocked, and entries that have ended forgotten."""
    blocked = {each.fingerprint: each for each in (*record.blocked, *going) if now < each.ends}
    return replace(record, blocked=tuple(sorted(blocked.values(), key=lambda each: each.fingerprint)))


def told(record: Record, now: datetime) -> dict[str, Tree]:
    """Node -> the tree it confirmed, with the blocklist of now; where that is known and another one."""
    blocked, found = blocked_at(record, now), {}
    for name in record.nodes:
        before, tree = record.files(name).get(vpn.CONFIG), record.tree(name)
        text = vpn.blocking(before, blocked) if before else before
        if tree and text and text != before:
            files = (_file(vpn.CONFIG, text) if file.path == vpn.CONFIG else file for file in tree.files)
            found[name] = replace(tree, files=tuple(files))
    return found
