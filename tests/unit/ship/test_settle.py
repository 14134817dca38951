"""Which units are started, reloaded, stopped; and how a failure is told."""

import importlib.util
from types import ModuleType
from typing import Any

import pytest

from tests.unit.ship.conftest import PLUGINS


@pytest.fixture(scope="module")
def settle() -> ModuleType:
    spec = importlib.util.spec_from_file_location("settle", PLUGINS / "modules" / "conpaas_settle.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


NEW, UP, GONE = ("loaded", "inactive", "disabled"), ("loaded", "active", "enabled"), ("not-found", "inactive", "")


@pytest.mark.parametrize(
    ("found", "pending", "expected"),
    [
        ({"fpm": UP, "nginx": UP, "haproxy": GONE}, {}, []),
        (
            {"fpm": NEW, "nginx": UP, "haproxy": NEW},
            {"fpm": "reload", "nginx": "reload", "systemd-sysctl": "restart"},
            [("restart", "systemd-sysctl"), ("enable", "fpm"), ("start", "fpm"), ("reload-or-restart", "nginx")],
        ),
        ({"fpm": UP, "nginx": UP, "haproxy": UP}, {"haproxy": "reload"}, [("disable --now", "haproxy")]),
        (
            {"fpm": ("loaded", "failed", "enabled"), "nginx": UP, "haproxy": ("loaded", "failed", "disabled")},
            {"nginx": "restart"},
            [("reset-failed", "fpm"), ("start", "fpm"), ("restart", "nginx")],
        ),
        (
            {"fpm": ("masked", "inactive", "masked"), "nginx": UP, "haproxy": GONE},
            {},
            [("unmask", "fpm"), ("enable", "fpm"), ("start", "fpm")],
        ),
    ],
)
def test_steps(settle: ModuleType, found: Any, pending: Any, expected: Any) -> None:
    shipped = {"units": ["fpm", "nginx"], "idle_units": ["haproxy"]}
    assert settle.steps(shipped, {"units": pending}, found) == expected


def test_a_taken_port_is_told_with_its_holder(settle: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    holder = 'LISTEN 0 5 0.0.0.0:80 0.0.0.0:* users:(("python3",pid=732,fd=3))'
    monkeypatch.setattr(settle, "output", lambda *command: holder if command[-1] == "sport = :80" else "")
    lines = [
        "Starting haproxy.service - HAProxy Load Balancer...",
        "[ALERT]    (561) : Binding [/etc/haproxy/haproxy.cfg:30] for frontend public: cannot bind socket "
        "(Address already in use) for [0.0.0.0:80]",
        "haproxy.service: Failed with result 'exit-code'.",
    ]
    told = settle.explain(settle.UnitFailed("haproxy", "start", lines))
    assert told.startswith("haproxy does not start: Binding [/etc/haproxy")
    assert told.endswith("; port 80 is held by python3 (process 732)")


def test_nginx_and_silence(settle: ModuleType) -> None:
    line = '2026/11/21 09:00:00 [emerg] 263#263: bind() to 10.0.0.1:8080 failed (98: Address already in use)'
    told = settle.explain(settle.UnitFailed("nginx", "reload-or-restart", ["nginx.service: Failed", line]))
    assert "10.0.0.1:8080" in told and "port 8080 is held by" in told
    assert settle.explain(settle.UnitFailed("x", "start", [])) == "x does not start: it said nothing"


def test_what_was_said_at_the_end_of_what_ran_before_explains_no_start(settle: ModuleType) -> None:
    before = ["Send failed", "Stopped tomcat10.service - Tomcat.", "Starting tomcat10.service - Tomcat...", "it broke"]
    assert settle.of_start("tomcat10", before) == before[2:]
    assert settle.of_start("tomcat10", ["Dependency failed for x", "it broke"]) == ["it broke"]
