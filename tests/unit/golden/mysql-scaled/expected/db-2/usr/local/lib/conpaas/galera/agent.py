"""Keeps this machine's MariaDB a member of the cluster, and says over HTTP how it is.

GET /       200 where visitors may be sent, 404 where they may stay but no new ones come, 503 otherwise
GET /state  all that the other members' agents need to know
POST /recover  begin a cluster although members are missing; see verbs.recover
"""

import json
import os
import select
import signal
import sys
import threading
import time
import uuid
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from galera import accounts, machine, rules
from galera.machine import quiet
from galera.rules import Member

STEADY, MOVING = 0.5, 0.25  # seconds between two looks
HEALS = 5.0  # seconds in which a group that fell apart may find together again on its own
STUCK = 25.0  # seconds after which a member that is not taken in starts anew
LONGEST_PAUSE = 30.0
UNREADABLE = 5.0
SIZED = 30.0  # so long the size of the data is good enough
ROOM = 64  # MiB that a server needs to start


class Agent:
    """One loop; the HTTP server's threads only read `me` and leave orders."""

    def __init__(self):
        self.settings = machine.settings()
        self.stamps = _stamps()
        self.me = Member(self.settings["address"], self.settings["name"], "looking", says="is starting")
        self.data = None  # (uuid, seqno) while the server does not run; None: not looked at yet
        self.started = 0.0  # when the server was started last, as the journal counts
        self.failures, self.not_before = 0, 0.0
        self.decided = None  # of the round before
        self.lonely_since = 0.0  # since when a running server is in no primary group
        self.votes = 0
        self.size, self.sized = 0, -SIZED
        self.supersedes = tuple(machine.recall("supersedes", ()))
        self.holders = frozenset(machine.recall("holders", ()))
        self.process = 0
        self.was_up = False
        self.order = None
        self.stopping = threading.Event()
        self.awake = threading.Event()

    # What the HTTP server asks.

    def health(self):
        me = self.me
        if not me.primary or me.state not in rules.SERVING:
            return 503, f"{me.state}: {me.says}".strip(": ")
        if not self.process or not _lives(self.process):
            return 503, "the server has ended"
        return (404, "draining") if machine.DRAINING.exists() else (200, me.state)

    def document(self):
        own = {"draining": machine.DRAINING.exists(), "applied": machine.recall("applied", "")}
        return {**rules.document(self.me), **own}

    def recover(self, wanted):
        """Called from a thread of the server; "" once the loop has begun to do it."""
        self.order = {**wanted, "answer": None, "done": threading.Event()}
        order = self.order
        self.awake.set()
        if not order["done"].wait(20.0):
            return "the agent is busy"
        return order["answer"]

    # The loop.

    def run(self):
        _say(f"{self.me.name} at {self.me.address}")
        while not self.stopping.is_set():
            try:
                self.look()
            except Exception as error:  # whatever it is, it must not end the watch
                _say(f"{type(error).__name__}: {error}")
            pause = STEADY if self.me.primary and self.me.state == "synced" else MOVING
            self.sleep(pause)
        self.publish(replace(self.me, primary=False, turn=False, says="is stopping"))

    def sleep(self, seconds):
        """Shorter, where the server ends or an order comes."""
        if self.process and (descriptor := _watched(self.process)) is not None:
            try:
                until = time.monotonic() + seconds
                while time.monotonic() < until and not self.awake.is_set():
                    if select.select([descriptor], [], [], 0.1)[0]:
                        break
            finally:
                os.close(descriptor)
        else:
            self.awake.wait(seconds)
        self.awake.clear()

    def look(self):
        self.reread()
        self.process = machine.running()
        if self.process:
            self.up()
        else:
            self.down()

    def reread(self):
        """Settings, and this program itself, may be new."""
        stamps = _stamps()
        if stamps == self.stamps or time.time() - max(stamps.values()) < 1.0:  # while files are coming
            return
        changed = {path for path in stamps if stamps[path] != self.stamps.get(path)}
        self.stamps = stamps
        if any(path.suffix == ".py" for path in changed):
            _say("goes on as its new version")
            os.execv(sys.executable, [sys.executable, "-IS", *sys.argv])
        self.settings = machine.settings()

    def publish(self, me):
        if (me.state, me.says, me.primary) != (self.me.state, self.me.says, self.me.primary):
            _say(f"{me.state}{', primary' if me.primary else ''}{f': {me.says}' if me.says else ''}")
        self.me = me

    def members(self):
        return {one["address"]: one["name"] for one in self.settings["members"]}

    def others(self):
        """Members that answer; who holds data is asked even if it is no longer of this service."""
        known = (set(self.members()) | self.holders) - {self.me.address}
        found = machine.ask_all(known)
        hinted = set().union(*(one.holders for one in found.values())) if found else set()
        return {**found, **machine.ask_all(hinted - known - {self.me.address})}

    # While the server does not run.

    def down(self):
        if self.was_up or self.data is None:
            if self.was_up:
                self.fell()
            self.data = machine.position()
            if self.data[0] != rules.NO_UUID and self.data[1] == rules.UNKNOWN:
                self.reason = machine.full_disk() or self.reason or "its data cannot be read"
        (history, seqno), now = self.data, time.monotonic()
        me = Member(
            self.me.address, self.me.name, "empty" if history == rules.NO_UUID else "down", history, seqno,
            holders=self.holders, supersedes=self.supersedes, says=self.me.says,
        )  # fmt: skip
        if self.order:
            self.publish(me)
            return self.obey()
        if now < self.not_before:
            return self.publish(me)
        if full := machine.full_disk(ROOM):
            # Starting now would end the same way, after a copy of all the data that helps nobody.
            return self.publish(replace(me, says=f"{full}: waits for {ROOM} MiB"))
        answers = self.others()
        decision = rules.decide(me, self.members(), answers, machine.ORDER.exists())
        if decision.what == "join" and not me.has_data:
            decision = _if_it_fits(decision, answers)
        sure, self.decided = decision == self.decided, decision  # what others said a moment ago may be old
        if decision.what == "join" and not self.me.turn:
            # Others hear first that it is this one's turn.
            return self.publish(replace(me, turn=True, says="joins"))
        if decision.what in ("found", "bootstrap") and not sure:
            return self.publish(replace(me, says=f"is about to {decision.what}"))
        if me.has_data and seqno == rules.UNKNOWN:
            self.data, self.not_before = None, now + UNREADABLE  # the cause may go: look again
        if decision.what == "wait":
            wants = decision.why.startswith("lets ")
            return self.publish(replace(me, turn=wants, says=self.trouble(decision.why)))
        return self.begin(me, decision)

    def trouble(self, why):
        return f"{why}; before that, {self.reason}" if self.reason else why

    reason = ""

    def fell(self):
        """The server has ended although nobody here stopped it."""
        self.was_up = False
        self.reason = machine.cause(self.started)
        lived = time.time() - self.started
        self.failures = self.failures + 1 if lived < 60 else 1
        pause = 0.0 if self.failures < 2 else min(LONGEST_PAUSE, 0.5 * 2**self.failures)
        self.not_before = time.monotonic() + pause
        me = replace(self.me, state="down", seqno=rules.UNKNOWN, primary=False, turn=False)
        self.publish(replace(me, says=f"the server ended: {self.reason}"))

    def begin(self, me, decision):
        history, seqno = me.uuid, me.seqno
        if decision.what == "found":
            history, seqno = str(uuid.uuid1()), 0
            _say(f"founds the cluster {history}")
            self.holds({me.address})
            machine.save_state(history, seqno, True)
            machine.ORDER.unlink(missing_ok=True)
        elif decision.what == "bootstrap":
            _say(f"begins the cluster again: {decision.why}")
            machine.save_state(history, seqno, True)
        through = decision.through or tuple(self.members())
        arguments = [f"--wsrep_cluster_address=gcomm://{','.join(through)}"]
        arguments += [f"--wsrep_start_position={history}:{seqno}"] if history != rules.NO_UUID and seqno >= 0 else []
        arguments += ["--wsrep-new-cluster"] if decision.what != "join" else []
        self.launch(arguments)
        self.publish(replace(me, state="starting", uuid=history, seqno=seqno, turn=decision.what == "join", says=""))

    def launch(self, arguments):
        self.started, self.decided, self.was_up, self.lonely_since, self.votes = time.time(), None, True, 0.0, 0
        machine.start(arguments)
        machine.wait(lambda: machine.properties().get("ActiveState") != "inactive", 2.0, 0.05)
        machine.forget_start()

    # While it runs.

    def up(self):
        self.was_up = True
        status = machine.status()
        if status is None:
            return self.rising()
        self.data = None
        me = replace(
            self.me, uuid=status["wsrep_cluster_state_uuid"], seqno=int(status["wsrep_last_committed"]),
            view=rules.addresses(status["wsrep_incoming_addresses"]), holders=self.holders, supersedes=self.supersedes,
            turn=False, says="",
        )  # fmt: skip
        if status["wsrep_cluster_status"] == "Primary" and status["wsrep_connected"] == "ON":
            self.lonely_since = 0.0
            return self.inside(me, int(status["wsrep_local_state"]))
        return self.outside(replace(me, state="non-primary", primary=False))

    def rising(self):
        """It starts, or does not answer."""
        phase = machine.phase()
        entering = phase in ("", "DISCONNECTED", "DISCONNECTING")
        state = "starting" if entering else "joining"
        says = {"JOINING": "receives the data", "SYNCED": "does not answer"}.get(phase, "")
        seqno = self.me.seqno if state == self.me.state == "starting" else rules.UNKNOWN
        turn = entering and self.me.turn
        self.publish(replace(self.me, state=state, seqno=seqno, primary=False, turn=turn, says=says))

    def inside(self, me, local):
        """In the primary group: whatever the members owe each other is done before anybody hears of it."""
        state = {2: "donor", 4: "synced"}.get(local, "joining")
        if state != "joining":
            self.failures, self.reason = 0, ""
            self.holds(rules.remembered(self.holders, {*me.view, me.address}, self.members()))
            with quiet():
                self.maintain(me)
        says = "draining" if machine.DRAINING.exists() else ""
        says = machine.full_disk() or says
        if time.monotonic() > self.sized + SIZED:
            self.size, self.sized = machine.size(), time.monotonic()
        me = replace(me, state=state, primary=True, says=says, size=self.size)
        self.publish(replace(me, holders=self.holders, supersedes=self.supersedes))

    def maintain(self, me):
        passwords = machine.ACCEPTED.read_text().splitlines()
        databases = self.settings["databases"]
        wanted = machine.digest(*passwords, "", *databases)
        if machine.recall("applied", "") != wanted:
            self.apply(passwords, databases)
            machine.remember("applied", wanted)
            _say("the accounts are as they should be")
        votes = rules.weight(me.address, list(self.members()), {*me.view, me.address})
        if votes != self.votes:
            machine.sql(f"SET GLOBAL wsrep_provider_options = 'pc.weight={votes}'")
            self.votes = votes
        self.share()

    def apply(self, passwords, databases):
        try:
            if accounts.as_wanted(passwords, databases):
                return
        except machine.SqlError:
            pass  # there is no such account yet
        accounts.apply(passwords, databases)

    def share(self):
        """Histories that were given up are known to every member."""
        key = (self.me.uuid, self.me.view)
        if getattr(self, "shared", None) == key:
            return
        there = tuple(json.loads(accounts.recall("supersedes") or "[]"))
        known = tuple(dict.fromkeys((*there, *self.supersedes)))
        if set(known) != set(there):
            accounts.remember("supersedes", json.dumps(known))
        if known != self.supersedes:
            machine.remember("supersedes", known)
            self.supersedes = known
        self.shared = key

    def holds(self, addresses):
        if frozenset(addresses) != self.holders:
            self.holders = frozenset(addresses)
            machine.remember("holders", sorted(self.holders))

    def outside(self, me):
        """It runs, and its group is not the primary one."""
        now = time.monotonic()
        self.lonely_since = self.lonely_since or now
        if self.order:
            self.publish(me)
            return self.obey()
        answers = self.others()
        decision = rules.decide(me, self.members(), answers, False)
        sure, self.decided = decision == self.decided, decision
        self.publish(replace(me, says=decision.why or "waits to be taken in again"))
        if now - self.lonely_since < HEALS or not sure:
            return None
        if decision.what == "promote":
            _say(f"becomes primary: {decision.why}")
            machine.sql("SET GLOBAL wsrep_provider_options = 'pc.bootstrap=1'")
        elif decision.what == "join" and now - self.lonely_since > STUCK:
            _say("starts anew: the cluster runs without it")
            machine.stop()
            self.was_up, self.data = False, None
        return None

    # Orders.

    def obey(self):
        """Begin a cluster from what is here, as a history of its own: what is missing must never be mixed into it."""
        order, self.order = self.order, None
        answers = self.others()
        primaries = [one.name for one in answers.values() if one.primary]
        if primaries:
            order["answer"] = f"{', '.join(primaries)} is primary: nothing is to be recovered"
        elif self.me.position != order.get("position"):
            order["answer"] = f"its data is at {self.me.position}, not at {order.get('position')}"
        else:
            order["answer"] = ""
        order["done"].set()
        if order["answer"]:
            return
        machine.stop()
        history, seqno = machine.position()
        given_up = {history, *self.supersedes, *(one.uuid for one in answers.values() if one.has_data)}
        self.supersedes = tuple(sorted(given_up))
        machine.remember("supersedes", self.supersedes)
        new = str(uuid.uuid1())
        _say(f"was told to begin a cluster from {history}:{seqno}; it is {new}")
        self.holds({self.me.address})
        machine.save_state(new, max(seqno, 0), True)
        me = replace(self.me, uuid=new, seqno=max(seqno, 0))
        self.begin(me, rules.Decision("bootstrap", "told so"))


class Handler(BaseHTTPRequestHandler):
    agent = None
    timeout = 10
    wbufsize = -1  # one write: who asks for the health may hear the first line only, and go
    server_version, sys_version = "conpaas", ""

    def do_GET(self):
        if self.path == "/state":
            self.answer(503 if self.agent.me.state == "looking" else 200, json.dumps(self.agent.document()))
        elif self.path == "/":
            status, line = self.agent.health()
            self.answer(status, line)
        else:
            self.answer(404, "no such page")

    do_HEAD = do_GET

    def do_POST(self):
        try:
            wanted = json.loads(self.rfile.read(min(int(self.headers.get("Content-Length", 0)), 65536)))
        except ValueError:
            return self.answer(400, "no JSON")
        if self.path != "/recover" or not isinstance(wanted, dict):
            return self.answer(404, "no such page")
        if self.agent.me.primary:
            return self.answer(409, "it is primary: nothing is to be recovered")
        against = self.agent.recover(wanted)
        return self.answer(409 if against else 200, against or "begins")

    def answer(self, status, line):
        body = (line + "\n").encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *arguments):
        """Checks come every second."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, request, client_address):
        """Who went away before the answer came has had his reasons."""


def _if_it_fits(decision, answers):
    """A copy that does not fit would be begun for ever."""
    needed = max(answers[address].size for address in decision.through) * 11 // 10 + ROOM
    there = machine.free() + machine.size()
    if there >= needed:
        return decision
    return rules.Decision("wait", f"the disk is too small for the data: {there} of {needed} MiB")


def _stamps():
    files = [machine.SETTINGS, machine.ACCEPTED, *Path(__file__).parent.glob("*.py")]
    return {path: path.stat().st_mtime for path in files if path.exists()}


def _watched(process):
    try:
        return os.pidfd_open(process)
    except OSError:
        return None


def _lives(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def _say(line):
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main():
    agent = Agent()
    Handler.agent = agent

    def end(*_):
        agent.stopping.set()
        agent.awake.set()

    signal.signal(signal.SIGTERM, end)
    server = Server((agent.me.address, machine.HEALTH), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    agent.run()
