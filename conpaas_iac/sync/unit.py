"""A systemd unit that follows a repository."""

from collections.abc import Sequence

UNIT = """\
[Unit]
Description=conpaas follows {url}
Wants=network-online.target
After=network-online.target

[Service]
# CONPAAS_BACKEND, PULUMI_CONFIG_PASSPHRASE_FILE, credentials of clouds …, each as NAME=value; 0600
EnvironmentFile=-/etc/conpaas/fleet.env
ExecStart={command}
Restart=always
RestartSec=10
# A stop lets steps that run end first; what is left then goes on at the next start.
KillMode=mixed
TimeoutStopSec=300
SuccessExitStatus=130

[Install]
WantedBy=multi-user.target
"""


def text(url: str, command: Sequence[str]) -> str:
    """The unit; systemd's own signs in words are taken as they are."""
    return UNIT.format(url=url.replace("%", "%%").replace("\n", " "), command=" ".join(map(_quoted, command)))


def _quoted(word: str) -> str:
    plain = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$").replace("\n", "\\n")
    return plain if plain and plain == word and not any(sign in word for sign in " \t';") else f'"{plain}"'
