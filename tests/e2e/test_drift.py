"""`conpaas drift` on real machines: what is changed behind its back is named, and mended or taken over."""

import subprocess
from typing import Any

from tests.e2e.conftest import CONPAAS, Story
from tests.e2e.machines import lxc, run
from tests.schemas import check

INI = "/etc/php/8.2/fpm/conf.d/90-conpaas.ini"
FRONT = {
    "Type": "php",
    "ServiceName": "front",
    "StartupInstances": {"backend": 3},
    "Configuration": {"memory_limit": "64M"},
    "Environment": {"API_KEY": {"Secret": "api"}},
}
SECRET = "correct-horse-battery"


def drift(story: Story, *arguments: str, fails: int = 0) -> dict[str, Any]:
    """What it says, as data; no secret is ever in it."""
    said = story.conpaas("drift", story.name, "--format", "json", *arguments, fails=fails, quiet=True)
    assert SECRET not in said
    document: dict[str, Any] = check(said, "drift")
    return document


def found(document: dict[str, Any]) -> set[tuple[str, str, str]]:
    return {(each["node"], each["what"], each["text"]) for each in document["drifts"]}


def test_drift_is_named_mended_and_adopted(story: Story) -> None:
    story.write({"Services": [FRONT]})
    command = [CONPAAS, "secret", "set", story.name, "api"]
    subprocess.run(command, input=SECRET, text=True, env=story.environment, check=True, capture_output=True)
    story.conpaas("up", story.manifest)
    machines = [f"{story.name}--front-{number}" for number in (1, 2, 3)]
    assert drift(story)["checked"] == 3

    # Behind its back: files, units, a certificate, a package, a machine.
    site = "/etc/nginx/conpaas/backend.conf"  # hands the secret on to PHP
    assert SECRET in run(machines[0], "cat", site)
    run(machines[0], "sed", "-i", "s/64M/96M/", INI)
    run(machines[0], "sh", "-c", f"echo '# mine' >> {site}; chmod 0666 /etc/hosts; rm /usr/local/lib/conpaas/health")
    run(machines[0], "systemctl", "mask", "--now", "haproxy")
    run(machines[1], "systemctl", "disable", "--now", "php8.2-fpm")
    run(machines[1], "rm", "/etc/nebula/node.crt")
    lxc("config", "set", machines[1], "limits.memory=1500MiB")
    lxc("delete", "--force", machines[2])
    told = drift(story, "--files", fails=5)
    assert found(told) == {
        ("front-1", INI, "edited by hand"),
        ("front-1", site, "edited by hand"),
        ("front-1", "/etc/hosts", "mode 0666 instead of 0644"),
        ("front-1", "/usr/local/lib/conpaas/health", "missing"),
        ("front-1", "haproxy", "inactive, masked"),
        ("front-2", "size", "has 1 cpu, 1500 MiB instead of 1 cpu, 1024 MiB"),
        ("front-2", "php8.2-fpm", "inactive, does not start with the machine (disabled)"),
        ("front-2", "certificate", "cannot be read"),
        ("front-3", "machine", "gone"),
    }
    diffs = {each["what"]: each["diff"] for each in told["drifts"]}
    assert "-memory_limit = '64M'\n+memory_limit = '96M'" in diffs[INI]
    assert diffs[site] == ""
    mended = drift(story, "--revert", "--yes")
    assert mended["drifts"] == []
    assert [each["node"] for each in mended["reverted"]] == ["front-1", "front-2", "front-3"]
    assert drift(story)["checked"] == 3
    assert story.status()["well"]
    assert "No changes." in story.conpaas("up", story.manifest)

    # And back from a file to the place that asked for it, by the copy that was kept.
    told = check(story.conpaas("why", story.name, INI, "--format", "json", quiet=True), "why")
    places = {step["text"]: step["place"] for step in told["answers"][0]["steps"]}
    _, row, column = places["option memory_limit = '64M'"].rsplit(":", 2)
    assert story.manifest.read_text().splitlines()[int(row) - 1][int(column) - 1 :].startswith('"64M"')

    # What the manifest can say is taken over.
    run(machines[0], "sed", "-i", "s/^memory_limit.*/memory_limit = 128M/", INI)
    before = story.manifest.read_text()
    story.conpaas("drift", story.name, "--adopt")
    assert story.manifest.read_text() == before.replace('"64M"', '"128M"')
    story.conpaas("up", story.manifest)
    assert drift(story)["drifts"] == []
    assert "128M" in run(machines[2], "cat", INI)

    # A package of another version: the machine comes anew from its image.
    run(machines[1], "sed", "-i", "s/^\\(nginx\\t\\)[^\\t]*/\\10.1/", "/var/lib/conpaas/packages")
    assert [(each["what"], each["mend"]) for each in drift(story, fails=5)["drifts"]] == [("nginx", "replace")]
    before_id = lxc("config", "get", machines[1], "volatile.uuid")
    assert drift(story, "--revert", "--yes")["drifts"] == []
    assert lxc("config", "get", machines[1], "volatile.uuid") != before_id

    # One that does not answer keeps nobody from hearing of the others.
    run(machines[1], "systemctl", "stop", "ssh")
    run(machines[0], "systemctl", "stop", "nginx")
    mute = drift(story, fails=3)
    assert [each["node"] for each in mute["unchecked"]] == ["front-2"]
    assert found(mute) == {("front-1", "nginx", "inactive")}
    run(machines[1], "systemctl", "start", "ssh")
