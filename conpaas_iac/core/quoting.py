"""Values put safely into configuration files: pure functions, the templates' filters.

Each returns the value as one token of its format, whatever characters it holds; what cannot be held is a UserError.
"""

import html
import re
import shlex
from collections.abc import Callable, Mapping

from conpaas_iac.errors import UserError


def php_ini(value: str) -> str:
    """For php.ini and php-fpm pools: between single quotes all is literal, a single quote goes between double ones."""
    _refuse(value, "\0", "a PHP setting")
    parts = [f"'{part}'" if part else "" for part in value.split("'")]
    return '"\'"'.join(parts) or '""'


def fits_fpm(value: str) -> bool:
    """Whether env[…] of a php-fpm pool can hold it: it reads line by line, refuses "" and takes "$X" for a variable.

    What a secret holds is not known yet: no.
    """
    return bool(value) and value[0] not in "$⟦" and not set(value) & set("\n\r\0")


def nginx(value: str) -> str:
    """For an nginx parameter, which has no escape for "$": the configuration defines `geo $dollar {default "$";}`."""
    _refuse(value, "\0", "an nginx parameter")
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("$", "${dollar}") + '"'


def haproxy(value: str) -> str:
    """For an HAProxy argument: strong quotes, where only the single quote is special."""
    _refuse(value, "\0\n\r", "an HAProxy argument")
    return "'" + value.replace("'", "'\\''") + "'"


def systemd(value: str) -> str:
    """For a value in a systemd EnvironmentFile: between double quotes lines may end, and nothing is expanded."""
    _refuse(value, "\0", "a systemd environment file")
    return '"' + re.sub(r'(["\\`$])', r"\\\1", value) + '"'


def comment(value: str) -> str:
    """For the rest of a comment line."""
    return re.sub(r"[\x00-\x1f\x7f]+", " ", value)


def _refuse(value: str, characters: str, what: str) -> None:
    if any(character in value for character in characters):
        raise UserError(f"a value with a line end or a zero character cannot stand in {what}")


QUESTIONS: Mapping[str, Callable[[str], object]] = {"fits_fpm": fits_fpm}
FILTERS: Mapping[str, Callable[[str], object]] = {
    "php_ini": php_ini,
    "nginx": nginx,
    "haproxy": haproxy,
    "systemd": systemd,
    "shell": shlex.quote,
    "regex": re.escape,
    "html": html.escape,
    "comment": comment,
}
