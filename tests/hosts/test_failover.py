"""The failover agents: they run, are watched, agree on the primary, and take orders from nobody unasked."""

import json

import pytest

from deploys.failover.deploy import CONFIG
from deploys.failover.spec import AGENT_UNIT, DATABASE_TOOL, DATABASE_UNIT
from failover import signature
from inventory.model import Environment, Role
from inventory.secrets import Secrets
from tests.hosts import facts
from tests.hosts.kit import Machine, eventually

pytestmark = pytest.mark.roles(Role.OCEANBASE)

_CURL = "curl --silent --max-time 3"


def _url(machine: Machine, env: Environment, path: str) -> str:
    return f"http://{machine.spec.address}:{env.failover.agent_port}{path}"


def _status_of(machine: Machine, env: Environment, method: str, path: str) -> str:
    url = f"http://127.0.0.1:{env.failover.agent_port}{path}"
    return machine.run(f"{_CURL} --request {method} --output /dev/null --write-out '%{{http_code}}' {url}")


def test_it_is_watched_and_takes_its_database_with_it(machine: Machine, env: Environment) -> None:
    wanted = {
        "Type": "notify",
        "NotifyAccess": "main",
        "WatchdogUSec": f"{env.failover.watchdog_s}s",
        "WatchdogSignal": "9",
        "Restart": "always",
        "ActiveState": "active",
        "BoundBy": DATABASE_UNIT,
    }
    properties = machine.probe.service(AGENT_UNIT).systemd_properties
    machine.expect(AGENT_UNIT, found={name: properties.get(name) for name in wanted}, wanted=wanted)
    limit = machine.probe.service(DATABASE_UNIT).systemd_properties["TimeoutStopUSec"]
    machine.expect(f"{DATABASE_UNIT}: TimeoutStopUSec", found=limit, wanted="500ms")


def test_its_settings_are_root_s_alone(machine: Machine) -> None:
    machine.expect("access", found=facts.access(machine.probe, [CONFIG]), wanted={CONFIG: "root:root 600"})


def test_all_agents_name_the_same_primary(env: Environment, machines: dict[str, Machine]) -> None:
    databases = env.hosts_with(Role.OCEANBASE)
    allowed = [{(h.name, h.address, "serving")} for h in databases]

    def named() -> bool:
        answers = (
            json.loads(machines[h.name].run(f"{_CURL} {_url(machines[h.name], env, '/primary')}"))
            for h in databases
        )
        found = {(answer.get("host"), answer.get("address"), answer.get("phase")) for answer in answers}
        return found in allowed

    eventually("all agents to name one and the same primary, which serves", named)


def test_its_own_view_is_the_database_s(machine: Machine, env: Environment) -> None:
    role = machine.probe.check_output("%s role", DATABASE_TOOL)
    primary = json.loads(machine.run(f"{_CURL} {_url(machine, env, '/primary')}"))
    assert (primary["host"] == machine.spec.name) == (role == "PRIMARY")
    lag = _status_of(machine, env, "GET", f"/standby?lag={env.failover.max_failover_lag_ms}")
    assert lag == ("200" if role == "STANDBY" else "503")
    assert _status_of(machine, env, "GET", "/leader") == ("200" if role == "PRIMARY" else "503")


@pytest.mark.parametrize("path", ["/switchover", "/failover", "/rejoin", "/pause", "/resume"])
def test_orders_that_are_not_signed_are_refused(machine: Machine, env: Environment, path: str) -> None:
    assert _status_of(machine, env, "POST", path) == "401"


def test_orders_from_the_network_are_refused(machine: Machine, env: Environment) -> None:
    url = _url(machine, env, "/resume")
    command = f"{_CURL} --request POST --output /dev/null --write-out '%{{http_code}}' {url}"
    assert machine.run(command) == "403"


@pytest.mark.parametrize(("path", "key"), [("/status", "agent_token"), ("/primary", "agent_reading_key")])
def test_its_answers_are_signed_for_the_question(
    machine: Machine, env: Environment, secrets: Secrets, path: str, key: str
) -> None:
    nonce = signature.fresh_nonce()
    asked = f"--dump-header - --header '{signature.NONCE_HEADER}: {nonce}' {_url(machine, env, path)}"
    head, _, body = machine.run(f"{_CURL} {asked}").partition("\r\n\r\n")
    lines = dict(line.split(": ", 1) for line in head.splitlines()[1:])
    expected = signature.of_answer(
        getattr(secrets, key), nonce=nonce, target=path, status=int(head.split()[1]), body=body.encode()
    )
    assert lines[signature.SIGNATURE_HEADER] == expected
