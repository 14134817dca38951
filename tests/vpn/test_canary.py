"""Nothing of the authority's key where it does not belong, looked for while `up` runs and everywhere after it."""

import base64
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from conpaas_iac import settings
from conpaas_iac.engine.engine import Engine
from tests.e2e.machines import run
from tests.e2e.network import Network

HEADER = "NEBULA ED25519 PRIVATE KEY"  # of authorities; machines have X25519 keys
NODE_FOLDERS = ("/etc", "/var", "/root", "/home", "/tmp", "/run", "/srv", "/opt", "/dev/shm")


@contextmanager
def watched(seen: set[str]) -> Iterator[None]:
    """Collects the arguments of every process of this host, its containers' included."""
    done = threading.Event()

    def look() -> None:
        while not done.wait(0.005):
            for process in Path("/proc").iterdir():
                with suppress(OSError):  # no process, or it has ended
                    seen.add((process / "cmdline").read_bytes().replace(b"\0", b" ").decode("latin-1"))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield
        assert thread.is_alive()
    finally:
        done.set()
        thread.join()


def canaries(keys: str) -> list[str]:
    """The secret half of each key as text (whole lines, parts of lines, hexadecimal) and what announces it."""
    bodies = [base64.b64decode("".join(body.split())) for body in re.findall(r"-----\n(.*?)-----END", keys, re.DOTALL)]
    assert bodies and all(len(body) == 64 for body in bodies)  # seed, public half
    seeds = [body[:32] for body in bodies]
    texts = [base64.b64encode(seed)[:40].decode() for seed in seeds]
    return [HEADER, *texts, *(text[8:32] for text in texts), *(seed.hex() for seed in seeds)]


def test_the_authoritys_key_is_nowhere(network: Network) -> None:
    story, arguments, said = network.story, set[str](), []
    story.write({"Services": [{"Type": "php", "ServiceName": name, **more} for name, more in network.services.items()]})
    with watched(arguments):
        said.append(story.conpaas("plan", story.manifest))
        said.append(story.conpaas("up", story.manifest))
        said.append(story.conpaas("plan", story.manifest, "--format", "json"))
        said.append(story.conpaas("up", story.manifest, "--format", "json"))
    engine = Engine.find(settings.load(story.environment), story.name, "default")
    assert engine
    wanted = canaries(engine.machines().keys)
    programs = " ".join(arguments)
    for program in ("pulumi", "ansible", "nebula-cert", "conpaas up", "pulumi-resource-conpaas"):
        assert program in programs, f"{program} was not seen, so nothing is known of it"
    assert not [canary for canary in wanted if canary in programs]
    assert not [canary for canary in wanted if any(canary in text for text in said)]

    found = []
    state = story.folder.parent
    for path in [*state.rglob("*"), *Path("/dev/shm").rglob("conpaas-*/**/*"), *settings.load().state.rglob("*.log")]:
        if path.is_file() and not path.is_socket():
            text = path.read_bytes().decode("latin-1")
            found += [path for canary in wanted if canary in text or canary in re.sub(r"\\n|\s", "", text)]
    assert found == []
    for node in ("a-1", "b-1"):
        look = ("grep", "-rlaF", "-D", "skip", "-f", "-", *NODE_FOLDERS)
        assert run(network.machine(node), *look, stdin="\n".join(wanted), check=False).strip() == ""
        # The search finds what is there.
        assert "/etc/nebula/node.key" in run(
            network.machine(node), *look, stdin="NEBULA X25519 PRIVATE KEY\n", check=False
        )
        journal = run(network.machine(node), "journalctl", "--no-pager", "--output=export")
        assert not [canary for canary in wanted if canary in journal]
    host = subprocess.run(["journalctl", "--since=-5min", "-o", "cat"], capture_output=True, text=True, check=False)
    assert not [canary for canary in wanted if canary in host.stdout]
