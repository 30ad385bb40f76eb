"""What should run runs, also after the next boot, and nothing has failed."""

import pytest

from deploys.derived import footprints
from deploys.failover.spec import AGENT_UNIT, DATABASE_UNIT
from inventory.model import Environment, Role
from tests.hosts.kit import Machine


def test_services_run_and_are_enabled(machine: Machine, env: Environment) -> None:
    units = [unit for footprint in footprints(env, machine.spec) for unit in footprint.units]
    states = machine.run(f"systemctl is-active {' '.join(units)}").split()
    enabled = machine.run(f"systemctl is-enabled {' '.join(units)}").split()
    assert dict(zip(units, states, strict=True)) == dict.fromkeys(units, "active")
    assert dict(zip(units, enabled, strict=True)) == dict.fromkeys(units, "enabled")


def test_no_unit_has_failed(machine: Machine) -> None:
    assert machine.run("systemctl --failed --no-legend --plain") == ""


@pytest.mark.roles(Role.OCEANBASE)
def test_only_its_agent_starts_a_database(machine: Machine) -> None:
    """An old primary that started by itself, at a boot or after a crash, would be a second one."""
    assert machine.run(f"systemctl is-active {DATABASE_UNIT}").strip() == "active"
    shown = machine.run(f"systemctl show --property=Restart,UnitFileState,BindsTo {DATABASE_UNIT}")
    assert set(shown.split()) == {"Restart=no", "UnitFileState=static", f"BindsTo={AGENT_UNIT}"}
    assert machine.run(f"find /etc/systemd/system -name {DATABASE_UNIT} -path '*.wants/*'") == ""


_PROGRAMS = {
    Role.OCEANBASE: "seekdb",
    Role.TONGWEB: "java",
    Role.LOAN: "python3",
    Role.GATEWAY: "nginx",
}


@pytest.mark.roles(*_PROGRAMS)
def test_workloads_do_not_run_as_root(machine: Machine) -> None:
    for program in (program for role, program in _PROGRAMS.items() if machine.spec.has(role)):
        users = machine.run(f"ps -C {program} -o user=,args=").splitlines()
        workers = [line for line in users if "master process" not in line]
        assert workers, program
        assert [line for line in workers if line.startswith("root ")] == []
