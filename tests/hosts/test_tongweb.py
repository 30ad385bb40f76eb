"""TongWeb, or its stand-in where the host itself is one, and the portal on it."""

import json
from typing import Any

import pytest

from deploys import rotation
from deploys.sql_proxy import deploy as sql_proxy
from deploys.tongweb.deploy import ACCOUNTS, DATA_SOURCE
from deploys.tongweb.spec import FOLDER, RUN_DIR, TOOL, UNIT, TongWebSpec
from inventory.model import Environment, Role
from inventory.secrets import Secrets
from tests.hosts import facts
from tests.hosts.kit import Machine, eventually

pytestmark = pytest.mark.roles(Role.TONGWEB)

_HOME = f"{FOLDER}/current"


def _url(env: Environment, machine: Machine, path: str) -> str:
    return f"http://{machine.spec.address}:{env.tongweb.port}/portal{path}"


def _status(machine: Machine, url: str, *options: str) -> str:
    words = " ".join(f"'{word}'" for word in options)
    return machine.run(
        f"curl --silent --output /dev/null --write-out '%{{http_code}}' {words} '{url}' || true"
    )


def _eventually_says(machine: Machine, status: str, url: str, *options: str) -> None:
    eventually(
        f"{url} to say {status} on {machine.spec.name}",
        lambda: _status(machine, url, *options) == status,
    )


def test_it_is_what_the_inventory_says_and_says_what_it_is(machine: Machine) -> None:
    unit = machine.probe.service(UNIT).systemd_properties
    said = machine.run(f"env {unit['Environment']} {_HOME}/bin/version.sh")
    assert ("TongWeb stand-in (Apache Tomcat 9" in said) == (machine.spec.os.stand_in is not None), said
    assert ("stand-in" in unit["Description"]) == (machine.spec.os.stand_in is not None)
    assert "ThorBootstrap" in _java(machine).args


def test_the_portal_is_in_rotation_and_finds_every_loan_service(machine: Machine, env: Environment) -> None:
    status = json.loads(machine.run(f"{rotation.TOOL} tongweb status"))
    assert (status["is_well"], status["out_because"]) == (True, [])
    metrics = machine.run(f"curl --silent --fail {_url(env, machine, '/metrics')}").splitlines()
    for host in env.hosts_with(Role.LOAN):
        assert f'portal_service_up{{service="{host.address}:{env.loan.port}"}} 1' in metrics


def test_health_checks_by_head_are_answered_and_traces_are_not(machine: Machine, env: Environment) -> None:
    url = _url(env, machine, "/healthz")
    assert _status(machine, url, "--head") == "200"
    assert _status(machine, url, "--request", "OPTIONS") == "200"
    assert _status(machine, url, "--request", "TRACE") in ("403", "405")


def test_nobody_enters_the_console_with_the_manuals_passwords(machine: Machine, env: Environment) -> None:
    console = f"http://{machine.spec.management_address}:{env.tongweb.console_port}/console/rest/api/version"
    assert machine.run(f"{TOOL} secure --check") == ""
    # One wrong password each: five would lock the account.
    for user in ("thanos", "cli"):
        assert _status(machine, console, "--user", f"{user}:{user}123.com") == "401"
    assert machine.run(f"{TOOL} secure --check") == "", "and ours still works"
    elsewhere = f"http://{machine.spec.address}:{env.tongweb.console_port}/console/"
    assert _status(machine, elsewhere, "--max-time", "2") == "000"


def test_what_others_must_not_read_they_cannot(machine: Machine) -> None:
    paths = (f"{_HOME}/license.dat", f"{_HOME}/conf/tongweb.xml", ACCOUNTS, DATA_SOURCE)
    found = facts.access(machine.probe, paths)
    machine.expect("files with restricted access", found=set(found), wanted=set(paths))
    machine.expect(
        "open to others", found={path for path in found if not found[path].endswith("0")}, wanted=set()
    )


def test_applications_reach_the_primary_by_the_servers_data_source(
    machine: Machine, env: Environment, secrets: Secrets
) -> None:
    url = _url(env, machine, "/data-source")
    # A pool's first connection may be one that a failover has just ended.
    eventually(
        f"the data source of {machine.spec.name} to be at the primary",
        lambda: machine.run(f"curl --silent --max-time 5 {url} || true").strip() == "PRIMARY",
    )
    assert machine.run(f"{TOOL} configure --check") == "", "conf/tongweb.xml is what the deploy made"
    assert secrets.data_source_password not in machine.run(f"cat {_HOME}/conf/tongweb.xml")


def test_the_sql_proxy_serves_this_host_alone(machine: Machine, env: Environment) -> None:
    assert machine.probe.service(sql_proxy.UNIT).is_enabled
    port = env.tongweb.data_source.proxy_port
    sockets = machine.probe.socket.get_listening_sockets()
    of_proxy = [each for each in sockets if each.startswith("tcp://") and each.endswith(f":{port}")]
    machine.expect("sockets of the sql proxy", found=of_proxy, wanted=[f"tcp://127.0.0.1:{port}"])


def _java(machine: Machine) -> Any:
    """Return the process of TongWeb, the only one of its account on a host."""
    return machine.probe.process.get(comm="java", user=TongWebSpec.user)


def test_it_runs_with_the_memory_and_the_limits_of_the_inventory(machine: Machine, env: Environment) -> None:
    java = _java(machine)
    assert f" -Xmx{env.tongweb.heap_mib}m " in java.args
    unit = machine.probe.service(UNIT).systemd_properties
    found = {name: unit.get(name) for name in ("MainPID", "LimitNOFILE")}
    machine.expect(UNIT, found=found, wanted={"MainPID": str(java.pid), "LimitNOFILE": "65536"})
    allowed = machine.run(f"taskset --cpu-list --pid {java.pid}").rpartition(":")[2].strip()
    assert machine.spec.tongweb_cpus in (None, allowed)
    # A lab host can have no more than the machine that it is on.
    (_, most), (_, hard) = (facts.limits(machine.probe, pid) for pid in (1, java.pid))
    wanted = min(65536, int(most["Max open files"]))
    machine.expect("hard limit of open files", found=int(hard["Max open files"]), wanted=wanted)


def test_out_of_rotation_it_leaves_requests_to_the_others(machine: Machine, env: Environment) -> None:
    url = _url(env, machine, "/api/v1/products")
    entity = ("--header", f"X-Legal-Entity: {env.entities[0].code}")
    gateway = ("--header", "X-Forwarded-For: 198.19.0.9")
    machine.run(f"{rotation.TOOL} tongweb out verify")
    try:
        # It looks for reasons four times a second.
        _eventually_says(machine, "429", url, *entity, *gateway)
        assert _status(machine, url, *entity) == "200", "the host's own checks get through"
    finally:
        machine.run(f"{rotation.TOOL} tongweb in verify")
    _eventually_says(machine, "200", url, *entity, *gateway)
    assert machine.probe.file(f"{RUN_DIR}/out-of-rotation").listdir() == []
    assert "loanstack_rotation" not in machine.run("nft list tables"), "and nobody is shut out"
