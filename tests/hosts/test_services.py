"""What should run runs, also after the next boot, and nothing has failed."""

import pytest

from deploys.derived import footprints
from deploys.failover.spec import AGENT_UNIT, DATABASE_UNIT
from inventory.model import Environment, Role
from tests.hosts import facts
from tests.hosts.kit import Machine


def test_services_run_and_are_enabled(machine: Machine, env: Environment) -> None:
    units = [unit for footprint in footprints(env, machine.spec) for unit in footprint.units]
    wanted = {"ActiveState": "active", "UnitFileState": "enabled"}
    found = facts.units(machine.probe, units, *wanted)
    machine.expect("units", found=found, wanted=dict.fromkeys(units, wanted))


def test_no_unit_has_failed(machine: Machine) -> None:
    failed = machine.probe.check_output("systemctl --failed --no-legend --plain")
    machine.expect("failed units", found=failed, wanted="")


@pytest.mark.roles(Role.OCEANBASE)
def test_only_its_agent_starts_a_database(machine: Machine) -> None:
    """An old primary that started by itself, at a boot or after a crash, would be a second one."""
    database = machine.probe.service(DATABASE_UNIT)
    assert database.is_running
    wanted = {"Restart": "no", "UnitFileState": "static", "BindsTo": AGENT_UNIT}
    found = {name: database.systemd_properties.get(name) for name in wanted}
    machine.expect(DATABASE_UNIT, found=found, wanted=wanted)
    links = machine.run("find /etc/systemd/system -name %s -path '*.wants/*'", DATABASE_UNIT)
    machine.expect("links that start it at a boot", found=links, wanted="")


def test_workloads_do_not_run_as_root(machine: Machine, env: Environment) -> None:
    accounts = dict(pair for footprint in footprints(env, machine.spec) for pair in footprint.accounts)
    if not accounts:
        pytest.skip("no component of this host declares an account of its own")
    units = facts.units(machine.probe, tuple(accounts), "MainPID")
    for unit, account in accounts.items():
        running = {str(process.pid) for process in machine.probe.process.filter(user=account)}
        main = units[unit]["MainPID"]
        assert main in running, (
            f"{machine.spec.name}: {unit}: expected process {main} of {account}, found {running}"
        )
