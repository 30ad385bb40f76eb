"""Every mistake an inventory can hold is found, all at once, and says what to change."""

import os
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory import InventoryError, environment
from inventory.hardware import KUNPENG_920
from inventory.mariadb import MariaDb
from inventory.model import Artifact, Environment
from inventory.places import PROJECT_ROOT
from inventory.validation import LOG_DISK_PER_MEMORY, check, find_problems

# Whether a lab runs on this machine, and what its depot holds, must not matter here.
UNFILLED = replace(environment("lab"), artifacts=())
BOTH_ARTIFACTS = tuple(
    Artifact(name=name, version="1", arch="x86_64", url=f"http://198.18.0.1/{name}", sha256="0" * 64)
    for name in ("seekdb", "loan-services")
)


LAB = replace(UNFILLED, artifacts=BOTH_ARTIFACTS)
HALF_ARM = replace(LAB, artifacts=(*BOTH_ARTIFACTS, replace(BOTH_ARTIFACTS[0], arch="aarch64")))
"""Filled for aarch64 too, and not with everything."""


def with_host(env: Environment, target: str, /, **changes: Any) -> Environment:
    return replace(env, hosts=tuple(replace(h, **changes) if h.name == target else h for h in env.hosts))


def without_hosts(env: Environment, *names: str) -> Environment:
    return replace(env, hosts=tuple(h for h in env.hosts if h.name not in names))


LOADED = with_host(LAB, "gw-a", roles=("gateway", "loadgen"))


@pytest.mark.parametrize(
    ("topology", "more"),
    [("load", {"load-a", "load-b"}), ("full", {"app-b2"}), ("core", set()), (None, set())],
)
def test_the_lab_has_more_hosts_when_they_are_asked_for(topology: str | None, more: set[str]) -> None:
    found = lab_names(topology)
    assert found.returncode == 0, found.stderr
    assert {"load-a", "load-b", "app-b2"} & set(found.stdout.split()) == more


def test_two_cores_that_emulate_as_well_are_driven_less_hard(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = environment("lab").prove_pace
    program = "from inventory import environment as e; print(e('lab').prove_pace.load_per_s)"
    argv = [sys.executable, "-c", program]
    monkeypatch.setenv("LOANSTACK_LAB_TOPOLOGY", "full")
    asked = subprocess.run(argv, cwd=PROJECT_ROOT, capture_output=True, text=True, check=True)
    assert 0 < float(asked.stdout) < usual.load_per_s


def test_a_topology_that_is_none_is_refused() -> None:
    refused = lab_names("huge")
    assert refused.returncode != 0
    assert "LOANSTACK_LAB_TOPOLOGY = 'huge'; allowed: core, load, full" in refused.stderr


def lab_names(topology: str | None) -> "subprocess.CompletedProcess[str]":
    """Print the names of the lab's hosts in a process of its own: the inventory reads it once."""
    program = "from inventory import environment; print(*(h.name for h in environment('lab').hosts))"
    variables = {name: value for name, value in os.environ.items() if name != "LOANSTACK_LAB_TOPOLOGY"}
    if topology is not None:
        variables["LOANSTACK_LAB_TOPOLOGY"] = topology
    argv = [sys.executable, "-c", program]
    return subprocess.run(argv, cwd=PROJECT_ROOT, env=variables, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", ["lab", "qinghai"])
def test_the_shipped_environments_are_sound(name: str) -> None:
    assert list(find_problems(environment(name))) == []


@pytest.mark.parametrize(
    ("broken", "where", "field", "value", "allowed"),
    [
        (
            with_host(LAB, "gw-a", processor=KUNPENG_920),
            "gw-a",
            "arch",
            "x86_64",
            "aarch64: the host is said",
        ),
        (with_host(LAB, "gw-a", roles=("gatway",)), "gw-a", "roles", "gatway", "gateway, tongweb, loan"),
        (with_host(LAB, "gw-a", roles=()), "gw-a", "roles", (), "at least one of"),
        (with_host(LAB, "app-a", address="198.18.1.13"), "ob-a", "address", "198.18.1.13", "app-a.address"),
        (with_host(LAB, "app-a", name="ob-a"), "ob-a", "name", "ob-a", "no other host"),
        (without_hosts(LAB, "mon-c"), "lab", "hosts", "no monitor", "at least one host with role monitor"),
        (without_hosts(LAB, "app-a", "app-b"), "lab", "hosts", "no loan", "role loan"),
        (without_hosts(LAB, "ob-a"), "ob-b", "database_role", "STANDBY", "one host with PRIMARY"),
        (with_host(LAB, "ob-b", database_role="PRIMARY"), "ob-b", "database_role", "PRIMARY", "ob-a is"),
        (
            with_host(LAB, "ob-b", database_role="FOLLOWER"),
            "ob-b",
            "database_role",
            "FOLLOWER",
            "PRIMARY, STANDBY",
        ),
        (with_host(LAB, "gw-a", database_role="PRIMARY"), "gw-a", "database_role", "PRIMARY", "None: only"),
        (with_host(LAB, "app-a", arch="sparc"), "app-a", "arch", "sparc", "x86_64, aarch64"),
        (with_host(LAB, "app-a", centre="d"), "app-a", "centre", "d", "a, b, c"),
        (with_host(LAB, "app-a", address="198.18.2.12"), "app-a", "address", "198.18.2.12", "198.18.1.0/24"),
        (with_host(LAB, "app-a", address="nowhere"), "app-a", "address", "nowhere", "198.18.1.0/24"),
        (with_host(LAB, "gw-b", dmz_address=None), "gw-b", "dmz_address", None, "198.19.0.0/24"),
        (with_host(LAB, "app-a", tongweb_cpus="0-"), "app-a", "tongweb_cpus", "0-", "0-31 or 0,2"),
        (LOADED, "gw-a", "roles", ("gateway", "loadgen"), "alone"),
        (with_host(LAB, "app-a", roles=("loadgen",)), "app-a", "dmz_address", None, "where clients stand"),
        (with_host(LAB, "ob-a", memory_mib=1024), "ob-a", "memory_mib", 1024, "database.memory_mib (2048)"),
        (
            with_host(HALF_ARM, "app-b", arch="aarch64"),
            "app-b",
            "arch",
            "aarch64",
            "'loan-services' exists for (x86_64)",
        ),
        (
            replace(LAB, database=replace(LAB.database, rpc_port=2881)),
            "ob-a",
            "database.rpc_port",
            2881,
            "database.sql_port has this one",
        ),
        (
            replace(LAB, loan=replace(LAB.loan, port=70_000)),
            "app-a",
            "loan.port",
            70_000,
            "1 to 65535",
        ),
        (
            replace(LAB, database=replace(LAB.database, log_disk_size_mib=6143)),
            "lab",
            "database.log_disk_size_mib",
            6143,
            ">= 6144",
        ),
        (
            replace(LAB, database=replace(LAB.database, datafile_maxsize_mib=256)),
            "lab",
            "database.datafile_maxsize_mib",
            256,
            ">= datafile_size_mib (512)",
        ),
        (
            replace(LAB, journey=replace(LAB.journey, weights=(("withdrawal", 1),))),
            "lab",
            "journey.weights",
            "withdrawal",
            "drawdown",
        ),
        (
            replace(LAB, mariadb=MariaDb(sql_port=2882)),
            "ob-a",
            "mariadb.sql_port",
            2882,
            "database.rpc_port has",
        ),
        (
            replace(LAB, mariadb=MariaDb(buffer_pool_share=1.5)),
            "lab",
            "mariadb.buffer_pool_share",
            1.5,
            "above 0, at most 1",
        ),
        (replace(LAB, loan=replace(LAB.loan, port=80.5)), "app-a", "loan.port", 80.5, "1 to 65535"),
        (
            with_host(LAB, "app-a", name="App A"),
            "App A",
            "name",
            "App A",
            "small letters, digits and hyphens",
        ),
        (
            replace(LAB, database=replace(LAB.database, schema="loan`; DROP")),
            "lab",
            "database.schema",
            "loan`; DROP",
            "a letter first",
        ),
        (
            replace(LAB, failover=replace(LAB.failover, loop_interval_ms=0)),
            "lab",
            "failover.loop_interval_ms",
            0,
            "a whole number from 20 to 10000",
        ),
        (
            replace(LAB, failover=replace(LAB.failover, degrade_after_s=86_401)),
            "lab",
            "failover.degrade_after_s",
            86_401,
            "None, or a number from 1 to 86400",
        ),
        (replace(LAB, entities=()), "lab", "entities", (), "at least one legal entity"),
    ],
)
def test_a_mistake_names_place_field_value_and_what_is_allowed(
    broken: Environment, where: str, field: str, value: object, allowed: str
) -> None:
    matching = [p for p in find_problems(broken) if (p.where, p.field, p.value) == (where, field, value)]
    assert len(matching) == 1, list(map(str, find_problems(broken)))
    assert allowed in matching[0].allowed


def test_an_empty_depot_is_not_a_missing_artifact() -> None:
    assert list(find_problems(UNFILLED)) == []


def test_a_depot_that_an_earlier_version_filled_is_not_a_mistake() -> None:
    """It is filled again while the lab comes up, for which the inventory must be sound."""
    assert "failover-agent" not in {artifact.name for artifact in LAB.artifacts}
    assert list(find_problems(LAB)) == []


def test_an_artifact_that_an_inventory_forgot_is_one() -> None:
    real = environment("qinghai")
    forgotten = replace(real, artifacts=tuple(a for a in real.artifacts if a.name != "failover-agent"))
    problems = list(find_problems(forgotten))
    assert {problem.where for problem in problems} == {"ob-a1", "ob-b1"}
    assert all("'failover-agent' exists for (none)" in problem.allowed for problem in problems)


def test_all_mistakes_come_in_one_error() -> None:
    broken = with_host(LAB, "gw-a", roles=("gatway",), arch="sparc")
    broken = without_hosts(broken, "mon-c")
    with pytest.raises(InventoryError) as caught:
        check(broken)
    fields = {problem.field for problem in caught.value.problems}
    assert fields >= {"roles", "arch", "hosts"}
    text = str(caught.value)
    assert all(str(problem) in text for problem in caught.value.problems)
    assert isinstance(caught.value, ValueError)


@given(memory_mib=st.integers(256, 2048), log_disk_size_mib=st.integers(256, 8192))
def test_the_log_disk_is_measured_against_the_memory(memory_mib: int, log_disk_size_mib: int) -> None:
    sized = replace(LAB.database, memory_mib=memory_mib, log_disk_size_mib=log_disk_size_mib)
    found = [p.field for p in find_problems(replace(LAB, database=sized))]
    assert ("database.log_disk_size_mib" in found) == (log_disk_size_mib < LOG_DISK_PER_MEMORY * memory_mib)


def test_an_unknown_environment_names_the_known_ones() -> None:
    with pytest.raises(KeyError, match="lab, qinghai"):
        environment("tibet")
