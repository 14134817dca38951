"""What conpaas and an operator call on a machine of the service; errors are one line on standard error."""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from galera import accounts, dumps, machine, rules
from galera.machine import DRAINING, ask, ask_all, settings, sql, wait

AGENT = "conpaas-mysql.service"
PASSWORD = Path("/etc/conpaas/mysql/password")  # that visitors of the balancer use
DUMP = Path("/var/lib/conpaas/mysql-dump")

HEARD = 2.5  # seconds in which every balancer has asked and heard that nobody may come any more
IDLE = 2  # a session that has done nothing for so many seconds may be cut
PATIENCE = 15.0  # then every session is cut
UNCHANGED = 60.0  # a member on its way in must show a change within this time
BALANCED = 20.0


class Failed(Exception):
    """One line for the operator."""


def main(arguments):
    parser = argparse.ArgumentParser(prog="mysql")
    verbs = parser.add_subparsers(dest="verb", required=True)
    verify_ = verbs.add_parser("verify")
    verify_.add_argument("--found", action="store_true")
    verify_.add_argument("--dump", action="store_true")
    for verb in ("drain", "join", "leave", "status", "shell"):
        verbs.add_parser(verb)
    for verb in ("load", "recover"):
        verbs.add_parser(verb).add_argument("--force", action="store_true")
    verbs.add_parser("save").add_argument("--plain", action="store_true")
    options = vars(parser.parse_args(arguments))
    verb = options.pop("verb")
    try:
        return globals()[verb](**options) or 0
    except (Failed, dumps.LoadError, machine.SqlError) as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _tell(line):
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


# Phases of a change.


def verify(found, dump):
    """Prove that this machine does its part."""
    one = settings()
    if one["member"]:
        _verify_member(one, found, dump)
    if one["balancer"]:
        _verify_balancer(one)


def _verify_member(one, found, dump):
    if found and _own(one).state in ("empty", "down") and not _own(one).has_data:
        machine.RUN.mkdir(mode=0o755, exist_ok=True)
        machine.ORDER.touch()
    passwords = machine.ACCEPTED.read_text().splitlines()
    wanted = machine.digest(*passwords, "", *one["databases"])
    last, changed = None, time.monotonic()
    while True:
        me = _own(one)
        if me.primary and me.state in rules.SERVING and machine.recall("applied", "") == wanted:
            break
        trace = (me.state, me.seqno, me.says, _used() if me.state == "joining" else 0)
        if trace != last:
            last, changed = trace, time.monotonic()
        if time.monotonic() > changed + (UNCHANGED if me.state in rules.RUNNING else UNCHANGED / 2):
            raise Failed(_reason(me))
        time.sleep(0.1)
    machine.ORDER.unlink(missing_ok=True)
    if dump and dumps.load_once(DUMP):
        _tell("the dump is loaded")
    DUMP.unlink(missing_ok=True)


def _own(one):
    found = ask(one["address"], 3.0)
    return found or rules.Member(one["address"], one["name"], says=f"its agent does not answer ({AGENT})")


def _reason(me):
    full = machine.full_disk()
    if full and full not in me.says:
        return f"MariaDB is {me.state}: {full}"
    waits = "waits for " in me.says or "history" in me.says
    hint = "; if they are lost for ever: conpaas mysql recover" if waits and "MiB" not in me.says else ""
    return f"MariaDB is {me.state}: {me.says or 'nothing happens any more'}{hint}"


def _used():
    found = os.statvfs(machine.DATA)
    return found.f_blocks - found.f_bfree


def _verify_balancer(one):
    """A query through the balancer, as a visitor."""
    said = ""

    def answers():
        nonlocal said
        said = _visit(one["address"])
        return not said

    if not wait(answers, BALANCED, 0.1):
        raise Failed(f"no answer through the balancer ({one['address']}:3306): {said}{_members_said(one)}")


def _visit(address):
    """"" where a query is answered, or what the client says."""
    # Not as an argument, which every process here could read.
    environment = {**os.environ, "MYSQL_PWD": PASSWORD.read_text().removesuffix("\n")}
    command = ["mariadb", "--no-defaults", "--connect-timeout=5", f"--host={address}", "--port=3306"]
    command += [f"--user={accounts.USER}", "-N", "-B", "-e", "SELECT 1"]
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, errors="replace", timeout=15)
    except subprocess.TimeoutExpired:
        return "no answer within 15 s"
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["the client failed"])[-1]
    return ""


def _members_said(one):
    found = ask_all([each["address"] for each in one["members"]])
    parts = [
        f"{each['name']} is {found[each['address']].state}" if each["address"] in found else f"{each['name']} is silent"
        for each in one["members"]
    ]
    return f"; {', '.join(parts)}"


def drain():
    """Nobody new comes; then those who are here have a while to go."""
    machine.RUN.mkdir(mode=0o755, exist_ok=True)
    DRAINING.touch()
    if not settings()["member"] or not machine.running():
        return
    began = time.monotonic()
    wait(lambda: False, HEARD)
    while (left := sessions()) and time.monotonic() < began + PATIENCE:
        # Who asks nothing and is in no transaction loses nothing but the connection.
        cut([number for number, idle, working in left if idle >= IDLE and not working])
        time.sleep(0.3)
    cut([number for number, _, _ in sessions()])


SESSIONS = """
SELECT p.ID, IF(p.COMMAND = 'Sleep', p.TIME, -1), t.trx_id IS NOT NULL
FROM information_schema.PROCESSLIST p LEFT JOIN information_schema.INNODB_TRX t ON t.trx_mysql_thread_id = p.ID
WHERE p.HOST <> '' AND p.HOST NOT LIKE 'localhost%' AND p.USER NOT IN ('system user', 'event_scheduler')
"""


def sessions():
    """Visitors: (number, seconds without a command, whether a transaction is open)."""
    try:
        rows = sql(SESSIONS)
    except machine.SqlError:
        return []
    return [(int(number), int(idle), working == "1") for number, idle, working in rows]


def cut(numbers):
    for number in numbers:
        with machine.quiet():
            sql(f"KILL CONNECTION {number}")


def join():
    """Back in service, after drain; for others it costs nothing."""
    if not DRAINING.exists():
        return
    DRAINING.unlink()
    one = settings()
    if one["member"] and not wait(lambda: _own(one).state in rules.SERVING, 30.0):
        raise Failed(_reason(_own(one)))


def leave():
    """For good: the data stays with the others, who are seen to go on without this member."""
    one = settings()
    if one["member"]:
        drain()
        subprocess.run(["systemctl", "disable", "--now", AGENT], capture_output=True, check=False)
        machine.stop()
        _prove_without(one)
    if one["balancer"]:
        wait(lambda: not _visitors(), PATIENCE, 0.5)
        subprocess.run(["systemctl", "disable", "--now", "haproxy.service"], capture_output=True, check=False)


def _prove_without(one):
    others = [each["address"] for each in one["members"] if each["address"] != one["address"]]
    found = {}

    def alone():
        nonlocal found
        found = ask_all(others)
        inside = [each for each in found.values() if each.primary]
        return bool(inside) and all(one["address"] not in each.view for each in inside)

    # Where no other runs, the whole service is going.
    if not wait(lambda: alone() or not any(each.running for each in found.values()), 60.0):
        said = ", ".join(f"{each.name} is {each.state} ({each.says})" for each in found.values())
        raise Failed(f"the cluster does not go on without {one['name']}: {said}")


def _visitors():
    command = ["ss", "-Htn", "state", "established", "( sport = :3306 )"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()


# Operations.


def load(force):
    _serving()
    dumps.load(sys.stdin.buffer, force)


def save(plain):
    _serving()
    dumps.save(plain)


def shell():
    os.execvp("mariadb", ["mariadb", "--no-defaults", "--user=root", "--default-character-set=utf8mb4"])


def _serving():
    me = _own(settings())
    if not me.primary:
        raise Failed(_reason(me))


def status():
    """Every member, as JSON."""
    one, found = _everybody()
    members = [_entry(address, name, found.get(address)) for address, name in _names(one, found).items()]
    primary = [each["name"] for each in members if each.get("primary")]
    document = {"primary": primary, "members": members}
    if not primary:
        document["advice"] = _advice(one, found)
    _tell(json.dumps(document))


def _entry(address, name, each):
    entry = {"name": name, "address": address}
    if each is None:
        return {**entry, "state": "silent", "says": "does not answer"}
    place = {"history": each.uuid, "position": each.seqno}
    return {**entry, "state": each.state, "primary": each.primary, **place, "says": each.says}


def _everybody():
    one = settings()
    known = {each["address"] for each in one["members"]}
    found = ask_all(known)
    return one, {**found, **ask_all(set().union(*(each.holders for each in found.values())) - known if found else ())}


def _names(one, found):
    listed = {each["address"]: each["name"] for each in one["members"]}
    return {**listed, **{address: each.name for address, each in found.items() if address not in listed}}


def _advice(one, found):
    best = rules.most_advanced(found.values())
    if best is None:
        return "no member that answers has data: start the machines that are missing"
    missing = rules.lacking(best, _names(one, found), found)
    if missing:
        return f"waits for {', '.join(missing)}; if they are lost: conpaas mysql recover"
    return "all that is needed answers: it begins on its own"


def recover(force):
    """Begin a cluster although members are missing, from the most advanced one that answers."""
    one, found = _everybody()
    names = _names(one, found)
    primary = [each.name for each in found.values() if each.primary]
    if primary:
        _tell(f"{', '.join(primary)} is primary: nothing is to be recovered")
        return 0
    best = rules.most_advanced(found.values())
    if best is None:
        raise Failed("no member that answers has data: nothing can be recovered from here")
    missing = rules.lacking(best, names, found)
    for address, name in names.items():
        each = found.get(address)
        _tell(f"{name}: {'does not answer' if each is None else _told(each, best)}")
    if missing:
        _tell(f"Lost for ever would be what only these hold: {', '.join(missing)}")
    if not force:
        raise Failed(f"nothing was done; --force begins a cluster from {best.name}, at {best.seqno}")
    against = machine.order(best.address, {"position": best.position})
    if against:
        raise Failed(f"{best.name}: {against}")
    if not wait(lambda: (ask(best.address) or best).primary, 120.0):
        raise Failed(f"{best.name} was told to begin, and is {_reason(ask(best.address) or best)}")
    _tell(f"{best.name} is primary; the others take its data")
    return 0


def _told(each, best):
    if not each.has_data:
        return "has no data"
    if each.seqno == rules.UNKNOWN:
        return f"{each.state}, does not know how far its data goes"
    place = f"at {each.seqno}" if each.uuid == best.uuid else f"of another history, at {each.position}"
    behind = f", {best.seqno - each.seqno} behind" if each.uuid == best.uuid and each.seqno < best.seqno else ""
    return f"{each.state}, {place}{behind}{', the most advanced' if each.address == best.address else ''}"
