"""Hosts that make load have the generator of this checkout, and run it as nobody in particular."""

import pytest

from deploys.content import AUTHORITY
from deploys.load_generator.spec import FOLDER, LoadGeneratorSpec
from inventory.model import Role
from inventory.ssh import LOAD_WORKER
from loadtests.workers import fingerprint
from tests.hosts import facts
from tests.hosts.kit import Machine

pytestmark = pytest.mark.roles(Role.LOADGEN)


def test_a_load_may_begin(machine: Machine) -> None:
    assert machine.run(f"{LOAD_WORKER} check --version {fingerprint.of_code()}") == ""
    refused = machine.fails(f"{LOAD_WORKER} check --version another")
    assert "they would plan differently" in refused


def test_nobody_else_may_write_what_workers_run_and_record(machine: Machine) -> None:
    user, records = LoadGeneratorSpec.user, LoadGeneratorSpec.records
    wanted = {LOAD_WORKER: "root:root 755", AUTHORITY: "root:root 644", records: f"{user}:{user} 700"}
    machine.expect("access", found=facts.access(machine.probe, wanted), wanted=wanted)
    others = machine.run("find %s/ ! -user root -o ! -type l -perm /022", FOLDER)
    machine.expect("files that others than root may write", found=others, wanted="")
    assert machine.probe.user(user).shell.endswith("/nologin")


def test_nothing_of_a_load_is_left_running(machine: Machine) -> None:
    left = [process for process in machine.probe.process.filter() if " -m locust" in process.args]
    machine.expect("processes of a load", found=left, wanted=[])
