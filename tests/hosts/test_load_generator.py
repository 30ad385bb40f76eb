"""Hosts that make load have the generator of this checkout, and run it as nobody in particular."""

import pytest

from deploys.content import AUTHORITY
from inventory.model import Role
from inventory.ssh import LOAD_WORKER
from loadtests.workers import fingerprint
from tests.hosts.kit import Machine

pytestmark = pytest.mark.roles(Role.LOADGEN)


def test_a_load_may_begin(machine: Machine) -> None:
    assert machine.run(f"{LOAD_WORKER} check --version {fingerprint.of_code()}") == ""
    refused = machine.fails(f"{LOAD_WORKER} check --version another")
    assert "they would plan differently" in refused


def test_nobody_else_may_write_what_workers_run_and_record(machine: Machine) -> None:
    shown = machine.run(f"stat --format '%U %a' {LOAD_WORKER} {AUTHORITY} /var/lib/loanstack-load")
    assert shown.splitlines() == ["root 755", "root 644", "loadgen 700"]
    assert machine.run("find /opt/loanstack/load-generator/ ! -user root") == ""


def test_nothing_of_a_load_is_left_running(machine: Machine) -> None:
    assert machine.run("pgrep --full --list-full '[-]m locust' || true") == ""
