"""Requests to the service, one after another, while its machines come and go."""

import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from conpaas_iac.kit.verdicts import Asking
from conpaas_iac.suite.bench import Bench
from conpaas_iac.usecases.inspection import ssh_command

SECONDS = 15.0  # that an answer may take
PAUSE = 0.05
FAILED = "failed: "


@dataclass
class Traffic:
    """What was sent so far."""

    how: str = ""
    sent: int = 0
    failed: list[str] = field(default_factory=list)

    def note(self, problem: str) -> None:
        """One more; an empty problem is a good answer."""
        self.sent += 1
        if problem:
            self.failed.append(problem)

    @property
    def asking(self) -> Asking:
        """As it is judged."""
        return Asking(self.sent, tuple(self.failed), self.how)


@contextmanager
def traffic(bench: Bench) -> Iterator[Traffic]:
    """Meanwhile. A type without a URL says in meta/test.yml how it is asked; of others nobody asks anything."""
    urls = bench.status().urls
    if bench.trial.request:
        with _commands(bench, bench.trial.request.group, bench.trial.request.run) as made:
            yield made
    elif bench.service in urls:
        with _visits(urls[bench.service]) as made:
            yield made
    else:
        yield Traffic()


@contextmanager
def _visits(url: str) -> Iterator[Traffic]:
    made, ended = Traffic(url), threading.Event()

    def ask() -> None:
        while not ended.is_set():
            made.note(_problem(url))
            ended.wait(PAUSE)

    with _beside(ask, ended.set):
        yield made


@contextmanager
def _beside(work: Callable[[], None], end: Callable[[], None]) -> Iterator[None]:
    """Goes on in a thread until it is told to end."""
    thread = threading.Thread(target=work, name="traffic", daemon=True)
    thread.start()
    try:
        yield
    finally:
        end()
        thread.join()


def _problem(url: str) -> str:
    try:
        with urllib.request.urlopen(url, timeout=SECONDS) as answer:
            answer.read()
    except urllib.error.HTTPError as error:
        return f"answered {error.code}" if error.code >= 500 else ""
    except OSError as error:
        return str(getattr(error, "reason", error))
    return ""


LOOP = """
export ADDRESS={address}
while true; do
  if said=$( {{ {line}
  }} 2>&1 ); then echo; else echo "failed: $(tail -n 1 <<<"$said")"; fi
  sleep {pause}
done
"""


@contextmanager
def _commands(bench: Bench, group: str, line: str) -> Iterator[Traffic]:
    made = Traffic(line)
    with bench.view() as looked:
        first = bench.members(looked, group)[0]
        script = LOOP.format(address=first.fixed_address, line=line.strip(), pause=PAUSE)
        command = ssh_command(looked.access, looked.seen[first.node].ip, "bash -s")
        environment = {"PATH": "/usr/bin:/bin", **looked.access.environment}
        pipe = subprocess.PIPE
        with subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, text=True) as process:
            assert process.stdin and process.stdout
            process.stdin.write(script)
            process.stdin.close()

            def hear() -> None:
                assert process.stdout
                for said in process.stdout:
                    made.note(said.strip().removeprefix(FAILED) if said.startswith(FAILED) else "")

            with _beside(hear, process.terminate):
                yield made
