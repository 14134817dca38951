"""One process of this machine at a time: a lock of the operating system that ends with its holder."""

import fcntl
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from conpaas_iac.errors import LeaseHeldError
from conpaas_iac.settings import Settings
from conpaas_iac.system.files import private_folder


@contextmanager
def alone(settings: Settings, name: str) -> Iterator[None]:
    """Hold `name` ("image-php-…"), which belongs to this machine; raises LeaseHeldError saying who does.

    Applications are held by leases in the backend (holding.py), which work between machines.
    """
    path = private_folder(settings.state / "holders") / f"{name}.json"
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise LeaseHeldError(f"{name} is being made by another run: {_said(file.read())}") from None
        file.truncate(0)
        json.dump({"pid": os.getpid(), "since": time.strftime("%H:%M:%S"), "command": " ".join(sys.argv[1:3])}, file)
        file.flush()
        yield


def _said(text: str) -> str:
    try:
        holder = json.loads(text)
        return f"process {holder['pid']}, `conpaas {holder['command']}`, since {holder['since']}"
    except (ValueError, KeyError):
        return "it has just begun"
