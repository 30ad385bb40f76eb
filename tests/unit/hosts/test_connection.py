"""The way to a host: one shared connection, a deadline, and modules that fit Kylin."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
from testinfra.modules.package import RpmPackage
from testinfra.modules.service import SystemdService

from tests.hosts import connection
from tests.hosts.connection import SharedConnection
from tests.unit.hosts.fake_host import LAB, fake

GW_A = LAB.hosts[0]


class Ssh:
    """Stands for the program ssh."""

    def __init__(self, status: int = 0, stdout: bytes = b"", stderr: bytes = b"") -> None:
        self.status, self.stdout, self.stderr = status, stdout, stderr
        self.argv: list[str] = []
        self.input = b""

    def __call__(self, argv: list[str], **how: Any) -> subprocess.CompletedProcess[bytes]:
        self.argv, self.input = argv, how.get("input", b"")
        assert how["timeout"] > 0, "a host that hangs must not hang the tests"
        return subprocess.CompletedProcess(argv, self.status, self.stdout, self.stderr)


def through(ssh: Any, monkeypatch: pytest.MonkeyPatch) -> SharedConnection:
    monkeypatch.setattr(connection.subprocess, "run", ssh)
    return SharedConnection(LAB, GW_A, sockets=Path("/run/of-this-worker"))


def test_a_command_goes_through_the_shared_connection_as_one_word(monkeypatch: pytest.MonkeyPatch) -> None:
    ssh = Ssh(stdout="信贷\n".encode())
    done = through(ssh, monkeypatch).run("cat -- %s", "a b", stdin="secret")
    assert ssh.argv[-2:] == [f"root@{GW_A.management_address}", "cat -- 'a b'"]
    assert {"ControlMaster=auto", "ControlPath=/run/of-this-worker/gw-a", "BatchMode=yes"} <= set(ssh.argv)
    assert "StrictHostKeyChecking=yes" in ssh.argv
    assert (done.stdout, ssh.input) == ("信贷\n", b"secret")
    assert not any("secret" in word for word in ssh.argv)


def test_a_command_s_own_failure_is_a_result(monkeypatch: pytest.MonkeyPatch) -> None:
    done = through(Ssh(status=3, stderr=b"no"), monkeypatch).run("false")
    assert (done.rc, done.stderr) == (3, "no")
    assert "<ssh gw-a>" in repr(done), "testinfra's own assertions name the host by this"


def test_a_host_that_cannot_be_reached_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    unreached = through(Ssh(status=255, stderr=b"No route to host\n"), monkeypatch)
    with pytest.raises(ConnectionError, match=r"^gw-a: ssh: No route to host$"):
        unreached.run("true")


def test_a_host_that_hangs_is_named_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    def hangs(argv: list[str], **how: Any) -> None:
        raise subprocess.TimeoutExpired(argv, how["timeout"])

    with pytest.raises(TimeoutError, match=r"^gw-a: did not end within 60 s: true$"):
        through(hangs, monkeypatch).run("true")


def test_the_connection_is_ended_by_its_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    ssh = Ssh()
    through(ssh, monkeypatch).close()
    assert ssh.argv[ssh.argv.index("-O") + 1] == "exit"
    assert "ControlPath=/run/of-this-worker/gw-a" in ssh.argv


def test_packages_are_asked_of_rpm_and_services_of_systemd_whatever_else_is_there() -> None:
    machine, answers = fake(
        "gw-a", {"rpm -q --quiet nginx 2>&1": (0, ""), "systemctl is-active nginx.service": (0, "")}
    )
    assert issubclass(machine.probe.package, RpmPackage)
    assert issubclass(machine.probe.service, SystemdService)
    assert machine.probe.package("nginx").is_installed
    assert machine.probe.service("nginx.service").is_running
    assert len(answers.asked) == 2, "and the system is not asked what it is"
