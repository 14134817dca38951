"""What ssh and git said in earnest (OpenSSH 9.2, git 2.39), and the one line that is made of it."""

import pytest

from conpaas_iac.system import git_words
from conpaas_iac.system.git_words import Host

URL = "ssh://git@203.0.113.7:2222/srv/fleet.git"
NOT_READ = """\
fatal: Could not read from remote repository.

Please make sure you have the correct access rights
and the repository exists.
"""
UNKNOWN = "Host key verification failed.\n" + NOT_READ
STRICT = "No ED25519 host key is known for 203.0.113.7 and you have requested strict checking.\n" + UNKNOWN
CHANGED = """\
@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @
@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
IT IS POSSIBLE THAT SOMEONE IS DOING SOMETHING NASTY!
Someone could be eavesdropping on you right now (man-in-the-middle attack)!
It is also possible that a host key has just been changed.
The fingerprint for the ED25519 key sent by the remote host is
SHA256:bG9uZyBhbmQgb2Rk/+4.
Please contact your system administrator.
Add correct host key in /home/ann/.ssh/known_hosts to get rid of this message.
Offending ED25519 key in /home/ann/.ssh/known_hosts:4
  remove with:
  ssh-keygen -f "/home/ann/.ssh/known_hosts" -R "[203.0.113.7]:2222"
Host key for [203.0.113.7]:2222 has changed and you have requested strict checking.
""" + UNKNOWN
DENIED = "git@203.0.113.7: Permission denied (publickey).\n" + NOT_READ
OPEN = """\
@         WARNING: UNPROTECTED PRIVATE KEY FILE!          @
Permissions 0644 for '/home/ann/.ssh/id' are too open.
It is required that your private key files are NOT accessible by others.
This private key will be ignored.
Load key "/home/ann/.ssh/id": bad permissions
""" + DENIED
HOOK = """\
Enumerating objects: 5, done.
Total 5 (delta 0), reused 0 (delta 0), pack-reused 0
remote: Resolving deltas: 100% (1/1), done.        \nremote: main is protected        \nremote: ask ann        \nTo ssh://203.0.113.7/srv/fleet.git
 ! [remote rejected] HEAD -> main (pre-receive hook declined)
error: failed to push some refs to 'ssh://203.0.113.7/srv/fleet.git'
"""
FULL = """\
error: remote unpack failed: unable to create temporary object directory
 ! [remote rejected] HEAD -> main (unpacker error)
error: failed to push some refs to 'ssh://203.0.113.7/srv/fleet.git'
"""
RACE = """\
remote: error: cannot lock ref 'refs/heads/main': is at 9c1 but expected 0b2
 ! [remote rejected] HEAD -> main (cannot lock ref 'refs/heads/main': is at 9c1 but expected 0b2)
error: failed to push some refs to 'ssh://203.0.113.7/srv/fleet.git'
"""
SECOND = """\
 ! [rejected]        main -> main (fetch first)
error: failed to push some refs to 'ssh://203.0.113.7/srv/fleet.git'
"""
CUT = """\
remote: Enumerating objects: 5, done.
Connection to 203.0.113.7 closed by remote host.
fetch-pack: unexpected disconnect while reading sideband packet
fatal: protocol error: bad pack header
"""

SCAN = "ssh-keyscan -p 2222 203.0.113.7"
WORDS = [
    (UNKNOWN, "refused: the host key of [203.0.113.7]:2222 is not known here", f"{SCAN} >> ~/.ssh/known_hosts, once"),
    (STRICT, "refused: the host key of [203.0.113.7]:2222 is not known here", f"`{SCAN} | ssh-keygen -lf -`"),
    (
        CHANGED,
        "refused: the host key of [203.0.113.7]:2222 is not the one in /home/ann/.ssh/known_hosts, it shows "
        "SHA256:bG9uZyBhbmQgb2Rk/+4",
        'ssh-keygen -f "/home/ann/.ssh/known_hosts" -R "[203.0.113.7]:2222"; '
        f"{SCAN} >> /home/ann/.ssh/known_hosts, once",
    ),
    (DENIED, "git@203.0.113.7 takes none of the keys here (publickey)", "ssh -T -p 2222 git@203.0.113.7"),
    (
        'Load key "/junk": error in libcrypto\n' + DENIED,
        'git@203.0.113.7 takes none of the keys here (publickey); Load key "/junk": error in libcrypto', "ssh-add",
    ),
    (
        "no such identity: /none: No such file or directory\n" + DENIED,
        "git@203.0.113.7 takes none of the keys here (publickey); no such identity: /none", "ssh-add",
    ),
    (OPEN, "ssh leaves out the key /home/ann/.ssh/id, which others may read", "chmod 600 /home/ann/.ssh/id"),
    (
        "fatal: '/srv/fleet.git' does not appear to be a git repository\n" + NOT_READ,
        "git: '/srv/fleet.git' does not appear to be a git repository", "git@203.0.113.7:PATH in the user's home",
    ),
    (
        "ssh: Could not resolve hostname nowhere.invalid: Name or service not known\n" + NOT_READ,
        "git: Could not resolve hostname nowhere.invalid: Name or service not known", "",
    ),
    (
        "ssh: connect to host 203.0.113.7 port 2222: Connection refused\n" + NOT_READ,
        "git: connect to host 203.0.113.7 port 2222: Connection refused", "",
    ),
    (
        "Connection reset by 203.0.113.7 port 22\n" + NOT_READ, "git: Connection reset by 203.0.113.7 port 22", "",
    ),
    ("ERROR: Repository not found.\n" + NOT_READ, "git: Repository not found.", ""),
    (
        "sh: 1: git-upload-pack: not found\n" + NOT_READ,
        "git-upload-pack is not found at [203.0.113.7]:2222", "apt-get install git",
    ),
    (
        "fatal: protocol error: bad line length character: This\n",
        "git: protocol error: bad line length character: This", "ssh -p 2222 git@203.0.113.7 true",
    ),
    (CUT, "the connection to [203.0.113.7]:2222 broke in the middle", ""),
    (HOOK, "the server refuses it: pre-receive hook declined: main is protected ask ann", "pull request"),
    (FULL, "git: remote unpack failed: unable to create temporary object directory", ""),
    ("fatal: couldn't find remote ref refs/heads/main\n", "git: couldn't find remote ref refs/heads/main", ""),
    ("", "git: failed", ""),
]  # fmt: skip


@pytest.mark.parametrize(("said", "message", "remedy"), WORDS)
def test_one_line_and_what_helps(said: str, message: str, remedy: str) -> None:
    found, helps = git_words.explained(said, URL)
    assert found == message
    assert remedy in helps
    assert bool(remedy) == bool(helps)


def test_where_the_address_is_not_known() -> None:
    message, remedy = git_words.explained(UNKNOWN, "/home/ann/fleet")
    assert message == "refused: the host key of the server is not known here"
    assert remedy.startswith("ssh-keyscan HOST >> ")


@pytest.mark.parametrize(("said", "second"), [(RACE, True), (SECOND, True), (HOOK, False), (FULL, False), (CUT, False)])
def test_who_came_second(said: str, second: bool) -> None:
    assert git_words.came_second(said) == second


@pytest.mark.parametrize(
    ("said", "unreached", "cut"),
    [
        (UNKNOWN, True, False), (DENIED, True, False), (CUT, False, True), (HOOK, False, False), ("", False, False),
        ("Connection reset by 203.0.113.7 port 22\n" + NOT_READ, True, False),
    ],
)  # fmt: skip
def test_whether_the_other_side_did_something(said: str, unreached: bool, cut: bool) -> None:
    assert (git_words.is_unreached(said), git_words.is_cut(said)) == (unreached, cut)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("git@shop.test:fleet.git", Host("shop.test", "git")),
        ("shop.test:/srv/fleet.git", Host("shop.test")),
        ("git@[fd00::1]:fleet.git", Host("fd00::1", "git")),
        ("ssh://git@shop.test:2222/srv/fleet.git", Host("shop.test", "git", "2222")),
        ("ssh://[fd00::1]:22/fleet.git", Host("fd00::1")),
        ("https://shop.test/fleet.git", None),
        ("file:///srv/fleet.git", None),
        ("/srv/fleet.git", None),
        ("./a:b", None),
    ],
)
def test_where_a_repository_is(address: str, expected: Host | None) -> None:
    assert git_words.host(address) == expected
