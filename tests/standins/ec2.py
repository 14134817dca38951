"""EC2's API on loopback: instances and images are the stand-in's, all else (regions, types, quotas, us) is moto's."""

import re
import threading
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from fnmatch import fnmatch
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.error import HTTPError
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from moto.server import ThreadedMotoServer

from tests.standins import aws
from tests.standins.lab import Absent, Lab, Record

CODES = {"running": 16, "stopped": 80, "terminated": 48}


class Api:
    """Actions of our own; the others are handed on."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.busy = 0  # how many of the next requests are answered with "request limit exceeded"
        self.own = {
            "DescribeInstances": self.instances,
            "StartInstances": self.start,
            "StopInstances": self.stop,
            "TerminateInstances": self.terminate,
            "ModifyInstanceAttribute": self.modify,
            "DescribeImages": self.images,
            "DescribeAddresses": self.addresses,
        }

    def answer(self, said: Mapping[str, str]) -> tuple[int, str] | None:
        """What we say; None where moto is to say it."""
        action = self.own.get(said.get("Action", ""))
        if action is None:
            return None
        if self.busy:
            self.busy -= 1
            return 503, failure("RequestLimitExceeded", "Request limit exceeded.")
        try:
            return 200, f"<{said['Action']}Response><requestId>r</requestId>{action(said)}</{said['Action']}Response>"
        except Absent as error:
            return 400, failure("InvalidInstanceID.NotFound", str(error))

    def instances(self, said: Mapping[str, str]) -> str:
        """Those that are gone are shown as terminated where they are asked for by id, for a while."""
        servers, wanted, conditions = self.lab.servers(), values(said, "InstanceId"), filters(said)
        found = {key: shown(self.lab, key, each) for key, each in servers.items() if not wanted or key in wanted}
        found |= {key: gone(key) for key in wanted if key not in servers}
        fitting = {
            key: text
            for key, text in found.items()
            if all(holds(servers.get(key, {}), *each) for each in conditions.items())
        }
        items = (
            f"<item><reservationId>r-{key}</reservationId><instancesSet>{text}</instancesSet></item>"
            for key, text in fitting.items()
        )
        return f"<reservationSet>{''.join(items)}</reservationSet>"

    def start(self, said: Mapping[str, str]) -> str:
        return self._each(said, aws.start)

    def stop(self, said: Mapping[str, str]) -> str:
        return self._each(said, aws.stop)

    def terminate(self, said: Mapping[str, str]) -> str:
        return self._each(said, aws.remove_server)

    def _each(self, said: Mapping[str, str], act: Any) -> str:
        with self.lab.locked():
            for key in values(said, "InstanceId"):
                act(self.lab, key)
        return "<instancesSet/>"

    def modify(self, said: Mapping[str, str]) -> str:
        kind = said["InstanceType.Value"]
        cpu, memory = aws.size({"instanceType": kind})
        with self.lab.locked():
            self.lab.note(said["InstanceId"], type=kind, cpu=cpu, memory=memory)
        return "<return>true</return>"

    def images(self, said: Mapping[str, str]) -> str:
        wanted, names = values(said, "ImageId"), filters(said).get("name", ["*"])
        items = (
            f"<item><imageId>{each['id']}</imageId><name>{each['label']}</name></item>"
            for each in self.lab.images().values()
            if (each["id"] in wanted if wanted else any(fnmatch(each["label"], name) for name in names))
        )
        return f"<imagesSet>{''.join(items)}</imagesSet>"

    def addresses(self, said: Mapping[str, str]) -> str:
        items = (f"<item><publicIp>{each['ip']}</publicIp></item>" for each in self.lab.all("address").values())
        return f"<addressesSet>{''.join(items)}</addressesSet>"


def values(said: Mapping[str, str], name: str) -> list[str]:
    """Of InstanceId.1, InstanceId.2 …"""
    return [value for key, value in said.items() if re.fullmatch(rf"{re.escape(name)}\.\d+", key)]


def filters(said: Mapping[str, str]) -> dict[str, list[str]]:
    """Name -> values; one of them has to hold."""
    numbers = sorted({key.split(".")[1] for key in said if key.startswith("Filter.")})
    return {said[f"Filter.{number}.Name"]: values(said, f"Filter.{number}.Value") for number in numbers}


def holds(server: Record, name: str, wanted: list[str]) -> bool:
    """Whether a server is one that the filter asks for."""
    tags = server.get("tags", {})
    if name == "tag-key":
        return any(key in tags for key in wanted)
    known = {"instance-state-name": state(server), "instance-type": server.get("type", "")}
    value = tags.get(name.removeprefix("tag:"), "") if name.startswith("tag:") else known[name]
    return any(fnmatch(value, pattern) for pattern in wanted)


def state(server: Record) -> str:
    """As EC2 calls it."""
    return {"Running": "running", "": "terminated"}.get(server.get("status", ""), "stopped")


def shown(lab: Lab, key: str, server: Record) -> str:
    """An instance as EC2 shows it."""
    pairs = ((escape(name), escape(value)) for name, value in server["tags"].items())
    tags = "".join(f"<item><key>{name}</key><value>{value}</value></item>" for name, value in pairs)
    public = aws.associated(lab, key) or server["public"]
    return (
        f"<item><instanceId>{key}</instanceId><imageId>{server['image']}</imageId>"
        f"<instanceState><code>{CODES[state(server)]}</code><name>{state(server)}</name></instanceState>"
        f"<instanceType>{server['type']}</instanceType><launchTime>{server['made'][:19]}.000Z</launchTime>"
        f"<privateIpAddress>{server['address']}</privateIpAddress>"
        + (f"<ipAddress>{public}</ipAddress>" if public else "")
        + f"<cpuOptions><coreCount>{server['cpu']}</coreCount><threadsPerCore>1</threadsPerCore></cpuOptions>"
        f"<tagSet>{tags}</tagSet></item>"
    )


def gone(key: str) -> str:
    """One that was terminated."""
    return (
        f"<item><instanceId>{key}</instanceId><instanceState><code>48</code><name>terminated</name></instanceState>"
        "<tagSet/></item>"
    )


def failure(code: str, message: str) -> str:
    """As EC2 says it."""
    error = f"<Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
    return f"<Response><Errors>{error}</Errors><RequestID>r</RequestID></Response>"


@contextmanager
def served(lab: Lab) -> Iterator[tuple[Api, dict[str, str]]]:
    """The API, and the variables that lead boto3 to it."""
    api, others = Api(lab), ThreadedMotoServer(port=0, verbose=False)
    others.start()
    host, port = others.get_host_and_port()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *arguments: Any) -> None:
            """Quiet."""

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            is_form = "form-urlencoded" in self.headers.get("Content-Type", "")
            said = {key: each[0] for key, each in parse_qs(body.decode()).items()} if is_form else {}
            answered = api.answer(said)
            code, content, kind = (*answered, "text/xml") if answered else self._handed_on(body)
            data = content.encode() if isinstance(content, str) else content
            self.send_response(code)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def _handed_on(self, body: bytes) -> tuple[int, bytes, str]:
            headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
            request = urllib.request.Request(f"http://{host}:{port}{self.path}", body, headers)
            try:
                with urllib.request.urlopen(request) as answer:
                    return answer.status, answer.read(), answer.headers["Content-Type"]
            except HTTPError as error:
                return error.code, error.read(), error.headers.get("Content-Type", "text/xml")

        do_GET = do_POST

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield api, {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_address[1]}",
            "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "of-the-stand-in",
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
    finally:
        server.shutdown()
        server.server_close()
        others.stop()
