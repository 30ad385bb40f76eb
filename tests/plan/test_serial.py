"""Services that clients reach restart one host after the other, and failures end a run where they must."""

from collections.abc import Generator

import pytest
from pyinfra.api.command import StringCommand
from pyinfra.api.connect import connect_all
from pyinfra.api.exceptions import PyinfraError
from pyinfra.api.inventory import Inventory
from pyinfra.api.operation import add_op, operation
from pyinfra.api.operations import run_ops
from pyinfra.api.state import State

from deploys.component import BARRIERS, FOUNDATIONS, Stage
from deploys.facts.services import Service, ServiceState
from deploys.operations import services
from deploys.operations.barrier import barrier
from tests.plan.kit import HEALTHY_SERVICE, Site, fresh, stale, tell, told

_ALL_AT_ONCE = {
    "Keep SSH hardened": "a reload, and of the host itself",
    "Keep the firewall up": "of the host itself",
    "Keep the time": "of the host itself",
    "Keep the node exporter running": "no client waits for it",
    "Keep Prometheus running": "no client waits for it",
    "Have both databases merged each day": "a timer",
    "Have them read again and again": "a timer",
    "Have the member start": "touches only a member that is not up, and a majority must start together",
}
"""Operation -> why hosts may do it at the same time; whatever else restarts a service must be serial."""


@pytest.mark.parametrize("site_name", ["lab_site", "qinghai_site"])
def test_services_of_several_hosts_restart_in_turns(request: pytest.FixtureRequest, site_name: str) -> None:
    """Of every component, whatever its name: each unit is told that all its files are new."""
    site: Site = request.getfixturevalue(site_name)
    in_turns, at_once = set(), set()
    for database in ("oceanbase", "mariadb"):
        for host in site.env.hosts:
            for planned in site.plan(host.name, told(fresh(), {Service: stale}), data={"database": database}):
                if any("systemctl re" in str(command) for command in planned.commands):
                    (in_turns if planned.is_serial else at_once).add(planned.name.rpartition(" | ")[2])
    assert at_once <= set(_ALL_AT_ONCE)
    assert in_turns >= {
        "Keep the gateway running",
        "Keep keepalived running",
        "Keep the loan services running",
        "Keep the SQL proxy running",
        "Keep TongWeb running",
        "Keep MariaDB running",
        "Run the member with its current settings, one host after the other",
        "Keep the failover agent running beside a standby",
    }


def test_a_loan_service_serves_again_before_the_next_host_s_turn(lab_site: Site) -> None:
    planned = lab_site.plan("app-a", told(fresh(), {Service: stale}))
    keeps = next(p for p in planned if p.name.endswith("Keep the loan services running"))
    restart, serves = [str(command) for command in keeps.commands][-2:]
    assert restart == "systemctl restart loanstack-loan.service"
    assert "until curl" in serves
    assert "http://198.18.1.12:8080/readyz" in serves


@operation()
def _fails() -> Generator[StringCommand, None, None]:
    yield StringCommand("it fails")


@operation()
def _goes_on() -> Generator[StringCommand, None, None]:
    yield StringCommand("go on")


@pytest.fixture
def state() -> State:
    responses = {"it fails": {"success": False}, "restart": {"success": False}, "exit 1": {"success": False}}
    data = {"fake_delay": 0, "fake_delay_jitter": 0, "fake_responses": responses}
    inventory = Inventory((["@fake/one", "@fake/two", "@fake/three"], data))  # type: ignore[no-untyped-call]
    state = State(inventory, check_for_changes=False)
    connect_all(state)
    return state


def _names(hosts: object) -> set[str]:
    assert isinstance(hosts, set)
    return {host.name.removeprefix("@fake/") for host in hosts}


def _fail_and_meet(state: State, needed: tuple[str, ...]) -> None:
    # pyinfra takes the n-th operations of hosts for one, so the other hosts have one in this place as well.
    one, *others = state.inventory
    add_op(state, _fails, host=one)  # type: ignore[no-untyped-call]
    add_op(state, _goes_on, host=others)  # type: ignore[no-untyped-call]
    add_op(state, barrier, needed=needed)  # type: ignore[no-untyped-call]
    add_op(state, _goes_on)  # type: ignore[no-untyped-call]
    run_ops(state)


def test_a_barrier_ends_the_run_if_a_host_failed_that_the_rest_stands_on(state: State) -> None:
    with pytest.raises(PyinfraError, match="No hosts remaining"):
        _fail_and_meet(state, needed=("@fake/one", "@fake/two"))
    assert _names(state.failed_hosts) == {"one", "two", "three"}


def test_a_barrier_lets_the_others_go_on_if_nothing_stands_on_the_host_that_failed(state: State) -> None:
    _fail_and_meet(state, needed=("@fake/two",))
    assert _names(state.failed_hosts) == {"one"}


def test_a_host_that_the_run_never_reached_does_not_end_it(state: State) -> None:
    two = state.inventory.get_host("@fake/two")
    state.activated_hosts.discard(two)
    state.fail_hosts({two})
    _fail_and_meet(state, needed=("@fake/two",))
    assert _names(state.failed_hosts) == {"one", "two"}


@pytest.mark.parametrize("stage", FOUNDATIONS)
def test_the_rest_stands_on_etcd_the_agents_and_the_databases(
    lab_site: Site, monkeypatch: pytest.MonkeyPatch, stage: Stage
) -> None:
    databases = {"ob-a", "ob-b"}
    name = BARRIERS[stage]
    assert _needed(lab_site, monkeypatch)[name] == databases | {"mon-c"}
    assert _needed(lab_site, monkeypatch, only="failover")[name] == (
        set() if stage == Stage.ETCD else databases
    )
    assert _needed(lab_site, monkeypatch, only="gateway")[name] == set()


def _needed(site: Site, monkeypatch: pytest.MonkeyPatch, **data: str) -> dict[str, set[str]]:
    """Return, of each barrier, the hosts that it asks for."""
    found: dict[str, set[str]] = {}
    monkeypatch.setattr("deploys.converge.barrier", lambda *, name, needed: found.update({name: set(needed)}))
    site.plan("gw-a", fresh(), data=data)
    return found


@operation()
def _kept() -> Generator[StringCommand, None, None]:
    yield from services.commands_to_run("x.service", restart_after=("/etc/x",))


@pytest.mark.parametrize(("serial", "restarted"), [(True, 1), (False, 3)])
def test_where_a_restart_failed_the_hosts_whose_turn_comes_later_keep_what_runs(
    state: State, serial: bool, restarted: int
) -> None:
    def new_files(unit: str, paths: tuple[str, ...], starts: tuple[str, ...]) -> ServiceState:
        return stale(unit, paths, starts)

    for host in state.inventory:
        tell(host, {Service: new_files})
    add_op(state, _kept, _serial=serial)  # type: ignore[no-untyped-call]
    with pytest.raises(PyinfraError, match="No hosts remaining"):
        run_ops(state)
    ran = {
        host.name: [str(c) for data in state.ops[host].values() for c in data.operation_meta._commands or ()]
        for host in state.inventory
    }
    did = {name for name, commands in ran.items() if "systemctl restart x.service" in commands}
    assert len(did) == restarted
    for name, commands in ran.items():
        if name not in did:
            assert "x.service keeps running as it is, because its restart failed on" in commands[0]


def test_a_healthy_service_is_no_reason_to_refuse(state: State) -> None:
    for host in state.inventory:
        tell(host, {Service: lambda unit, paths, starts: HEALTHY_SERVICE})
    add_op(state, _kept, _serial=True)  # type: ignore[no-untyped-call]
    run_ops(state)
    assert _names(state.failed_hosts) == set()
