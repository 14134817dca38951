"""Keys that may push: read from files, written as lines of the manifest."""

import subprocess
from pathlib import Path

import pytest

from conpaas_iac.errors import UserError
from conpaas_iac.usecases import keys


@pytest.mark.parametrize("kind", ["ed25519", "rsa", "ecdsa"])
def test_a_key_is_what_ssh_keygen_says(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "ann at  desk", "-f", path], check=True)
    key = keys.read(path.with_suffix(".pub"))
    shown = subprocess.run(["ssh-keygen", "-lf", f"{path}.pub"], capture_output=True, text=True, check=True).stdout
    assert key.fingerprint in shown
    assert key.comment == "ann at desk"
    assert keys.parse(key.line, "again") == key
    with pytest.raises(UserError, match="is a private key") as said:
        keys.read(path)
    assert path.read_text().split()[5] not in f"{said.value.message}{said.value.remedy}"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ssh-ed25519",
        "ssh-ed25519 AAAA",
        "ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIPY6Iir76IX1YdrUFVfVMegY7I5FTwsA+ZMvS6nvWnGD",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPY6Iir76IX1YdrUFVfVMegY7I5FTwsA+ZMvS6nvWnGD a\nssh-ed25519 AAAA b",
        'command="id" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPY6Iir76IX1YdrUFVfVMegY7I5FTwsA+ZMvS6nvWnGD',
    ],
)
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(UserError, match=r"key.pub is no public key"):
        keys.parse(text, "key.pub")
