"""The shell of who may push knows two commands on one repository, and nothing else."""

from pathlib import Path
from types import ModuleType

import pytest

from conpaas_iac.core.templates import Templates
from tests.unit.roles.rendered import TYPES, program, render

GIT: ModuleType = program("php", "git")


@pytest.mark.parametrize(
    ("asked", "does"),
    [
        ("git-receive-pack '/code.git'", "receive-pack"),
        ("git-upload-pack 'code.git'", "upload-pack"),
        ("git upload-pack '/code'", "upload-pack"),
        ("git-upload-pack '/srv/git/code.git'", "upload-pack"),
    ],
)
def test_git_is_let_in(asked: str, does: str, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[tuple[str, list[str]]] = []
    monkeypatch.setattr(GIT.os, "execv", lambda path, words: done.append((path, words)))
    GIT.main("git", ["-c", asked])
    assert done == [("/usr/bin/git", ["git", does, "/srv/git/code.git"])]


@pytest.mark.parametrize(
    "asked",
    [
        "", "id", "sh", "git-upload-pack '/etc'", "git-receive-pack '/code.git'; id", "git-upload-archive '/code.git'",
        "git-receive-pack '../code.git'", "git-receive-pack --help", "git-upload-pack '/code.git' --exec=id",
        "git-receive-pack '/code.git'\nid", "/usr/lib/openssh/sftp-server", "scp -t .",
    ],
)  # fmt: skip
def test_nothing_else_is(asked: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(GIT.os, "execv", lambda *words: pytest.fail(f"it ran {words}"))
    with pytest.raises(GIT.Failed, match="nothing else"):
        GIT.main("git", ["-c", asked])


@pytest.mark.parametrize("words", [[], ["install"], ["archive", "HEAD"], ["restore"], ["-c"]])
def test_what_the_tool_asks_is_roots_alone(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(GIT.os, "getuid", lambda: 999)
    with pytest.raises(GIT.Failed, match="nothing else"):
        GIT.main("git", words)


def test_who_pushed_is_the_comment_of_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys, used = tmp_path / "keys", tmp_path / "used"
    keys.write_text("# written by conpaas\nrestrict ssh-ed25519 AAAAone ann at desk\nrestrict ssh-rsa AAAAtwo\n")
    monkeypatch.setattr(GIT, "KEYS", keys)
    monkeypatch.setenv("SSH_USER_AUTH", str(used))
    for data, who in (("AAAAone", "ann at desk"), ("AAAAtwo", "AAAAtwo"), ("AAAAother", "")):
        used.write_text(f"publickey ssh-ed25519 {data}\n")
        assert GIT.pusher() == who


def test_every_key_is_restricted() -> None:
    texts, kind = Templates(), TYPES["php"]
    context = {"service": {"name": "web", "fields": {"Keys": ["ssh-rsa AAAAa x", "ssh-rsa AAAAb"]}}}
    text = texts.rendered(kind, "/srv/git/keys", {**context, "application": {"name": "shop"}}, {})
    assert [line for line in text.splitlines() if not line.startswith("#")] == [
        "restrict ssh-rsa AAAAa x",
        "restrict ssh-rsa AAAAb",
    ]


def test_a_staged_version_answers_to_its_machine_alone() -> None:
    text = render("php", code="v1")["/etc/nginx/conpaas/backend.conf"]
    staged = text[text.index("server_name staged.conpaas.internal") :].partition("\nserver {")[0]
    assert "allow 10.42.32.1;\n    deny all;" in staged and "root /run/conpaas/staged;" in staged
    assert "staged" not in render("php", code="")["/etc/nginx/conpaas/backend.conf"]
