"""How results look. Plans are in test_plan.py."""

import io
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console, RenderableType

from conpaas_iac.backend.record import Certificate, Join, Record
from conpaas_iac.network.joins import Port
from conpaas_iac.plans import plandocument
from conpaas_iac.plans.plan import FileChange, MachineChange, Plan
from conpaas_iac.usecases.deployment import Result
from conpaas_iac.usecases.joining import Joined, Wanted
from conpaas_iac.usecases.listing import Listing
from conpaas_iac.views import report
from conpaas_iac.views.status import ApplicationStatus, NodeStatus
from conpaas_iac.views.status import joined as joined_status
from tests import schemas
from tests.builders import build, service


def text(view: RenderableType) -> str:
    console = Console(file=io.StringIO(), width=160)
    console.print(view)
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def test_headline_counts() -> None:
    one = report.headline(build(service()), 0.04).plain
    assert one == "shop: 1 service on lxd, 1 machine   range 10.42.0.0/16, plan 0.0 s"
    assert "no cloud, 0 machines" in report.headline(build(service(start=False)), 1).plain


def test_status() -> None:
    node = NodeStatus("web-1", "web", ("proxy",), "10.42.16.1", "lxd", "10.60.0.9", "running", "well", True)
    said = text(report.status_view(ApplicationStatus("shop", "default", (node,), {"web": "http://10.60.0.9/"}, {}, ())))
    assert "shop (default): 1 of 1 machines well" in said
    assert "web-1" in said
    assert "lxd 10.60.0.9" in said
    assert "web: http://10.60.0.9/" in said
    assert "none yet" in said


@pytest.mark.parametrize(("days", "said"), [(364, "364 days"), (1, "1 day: `conpaas up` renews it"), (-3, "expired: ")])
def test_status_says_what_is_left_of_certificates(days: int, said: str) -> None:
    node = NodeStatus("web-1", "web", (), "10.42.16.1", "lxd", "10.60.0.9", "running", "well", True, days)
    assert said in text(report.status_view(ApplicationStatus("shop", "default", (node,), {}, {}, ())))


def test_list() -> None:
    said = text(report.list_view([Listing("shop", "staging", 3, "10.42.0.0/16")])).splitlines()
    assert said[0].split() == ["application", "environment", "machines", "range"]
    assert said[1].split() == ["shop", "staging", "3", "10.42.0.0/16"]


def test_a_join() -> None:
    begins = datetime(2030, 1, 1, 12, tzinfo=UTC)
    certificate = Certificate("ab", begins, begins + timedelta(hours=2))
    join = Join("alice", "10.42.0.1", ("front",), "alice@laptop", (certificate,))
    ports = tuple(Port("front", f"front-{k}", f"10.42.16.{k}", port, "tcp") for k in (1, 2) for port in (80, 8443))
    wanted = Wanted("shop", "staging", "alice", ("front",), timedelta(hours=2), "alice@laptop")
    joined = Joined(join, ports, Path("/home/alice/my vpn"), Path("/opt/nebula"), False)
    lines = text(report.join_view(wanted, joined)).splitlines()
    assert lines[0] == "alice is 10.42.0.1 in shop until 2030-01-01 14:00 UTC:"
    assert lines[2].split() == ["front-2", "10.42.16.2", "80/tcp,", "8443/tcp"]
    assert lines[3] == "Start it:     sudo /opt/nebula -config '/home/alice/my vpn/config.yml'"
    assert "conpaas join shop --as alice -e staging --end" in lines[4]
    assert "pkill -HUP" in text(report.join_view(wanted, replace(joined, is_renewed=True)))
    document = schemas.check(json.dumps(report.join_document(wanted, joined)), "join")
    assert [port["node"] for port in document["reach"]] == ["front-1", "front-1", "front-2", "front-2"]
    status = ApplicationStatus("shop", "staging", (), {}, {}, (), joined_status(Record(joins=(join,)), begins))
    said = text(report.status_view(status))
    assert "joined: alice (alice@laptop) as 10.42.0.1, reaches front, 2 h left" in said


def test_the_result_of_an_up_as_json() -> None:
    plan = Plan("shop", "default", "10.42.0.0/16", (), 1)
    document = json.loads(json.dumps(report.result_document(Result(plan, {"web": "http://10.60.0.9/"}), 1.234)))
    assert (document["version"], document["seconds"], document["urls"]) == (2, 1.23, {"web": "http://10.60.0.9/"})
    assert document["plan"]["summary"].startswith("No changes.")


def test_documents_are_what_the_schemas_say() -> None:
    file = FileChange("/etc/hosts", "", "nothing", "a", "b")
    change = MachineChange("web-1", "web", "change", "10.42.16.1", "1 file of its configuration", (file,))
    plan = Plan("shop", "default", "10.42.0.0/16", (change,), 2, ("a note",))
    checked = schemas.check(json.dumps(plandocument.document(plan)), "plan")
    assert checked["changes"][0]["files"][0]["diff"].endswith("-a\n+b")
    result = Result(plan, {"web": "http://10.60.0.9/"})
    assert schemas.check(json.dumps(report.result_document(result, 1.234)), "result")["seconds"] == 1.23
