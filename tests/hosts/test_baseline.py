"""Kernel, limits, SSH and time as the baseline has them."""

import pytest

from deploys import platform
from deploys.baseline.deploy import SYSCTL
from deploys.baseline.spec import kernel_settings
from deploys.oceanbase.spec import ARTIFACT
from inventory.model import Environment, Role
from tests.hosts import facts
from tests.hosts.kit import Machine, difference, eventually


def test_kernel_settings_are_written(machine: Machine) -> None:
    text = machine.probe.file(SYSCTL).content_string
    # A "-" in front lets a boot go on where the kernel is another's.
    written = {name.removeprefix("-"): value for name, value in facts.of_kernel(text).items()}
    machine.expect(SYSCTL, found=written, wanted=dict(kernel_settings(machine.spec)))
    assert ("NOT APPLIED HERE" in text) == (machine.spec.os.stand_in is not None)


def test_kernel_runs_with_them(machine: Machine) -> None:
    wanted = dict(kernel_settings(machine.spec))
    found = facts.kernel_settings(machine.probe, tuple(wanted))
    if found != wanted and machine.spec.os.stand_in is not None:
        pytest.skip(f"a stand-in shares its machine's kernel: {difference(found, wanted)}")
    machine.expect("kernel settings", found=found, wanted=wanted)


@pytest.mark.roles(Role.OCEANBASE)
def test_a_database_s_kernel_makes_no_transparent_huge_pages(machine: Machine) -> None:
    found = machine.run("cat /sys/kernel/mm/transparent_hugepage/enabled 2>/dev/null || echo '[never]'")
    if "[never]" not in found and machine.spec.os.stand_in is not None:
        pytest.skip(f"a stand-in shares its machine's kernel, which has {found.strip()}")
    assert "[never]" in found


@pytest.mark.roles(Role.OCEANBASE)
def test_limits_of_the_running_database(machine: Machine) -> None:
    soft, _ = facts.limits(machine.probe, facts.oldest_process(machine.probe, ARTIFACT))
    for name in ("Max core file size", "Max stack size"):
        machine.expect(name, found=soft[name], wanted="unlimited")
    most = 655350
    if machine.spec.os.stand_in is not None:  # a container may not raise its machine's hard limit
        most = min(most, int(facts.limits(machine.probe, 1)[1]["Max open files"]))
    assert int(soft["Max open files"]) >= most, f"expected at least {most}, found {soft['Max open files']}"


def test_ssh_is_hardened(machine: Machine) -> None:
    effective = {line.partition(" ")[::2] for line in machine.probe.check_output("sshd -T").splitlines()}
    wanted = {
        "passwordauthentication": "no",
        "permitrootlogin": "without-password",
        "x11forwarding": "no",
        "allowtcpforwarding": "remote" if machine.spec.has(Role.LOADGEN) else "no",
        "maxauthtries": "3",
    }
    found = {name: value for name, value in effective if name in wanted}
    machine.expect("settings of sshd", found=found, wanted=wanted)


def test_time_comes_from_the_monitor(machine: Machine, env: Environment) -> None:
    if machine.spec.has(Role.MONITOR):
        assert "10" in machine.run("chronyc -n tracking")  # the local reference it gives away
        return
    givers = [h.address for h in env.hosts_with(Role.MONITOR)]

    def answered() -> bool:
        rows = [line.split(",") for line in machine.run("chronyc -c -n sources").splitlines()]
        return all(any(row[2] == giver and row[5] != "0" for row in rows) for giver in givers)

    eventually(f"{machine.spec.name} to hear the time from {givers}", answered)


def test_clock_of_a_stand_in_is_left_alone(machine: Machine) -> None:
    user = platform.of(machine.spec).chrony_user
    running = machine.probe.process.filter(user=user, comm="chronyd")
    assert running, f"{machine.spec.name}: expected chronyd to run as {user}, found no such process"
    for process in running:
        assert ("-x" in process.args.split()) == (machine.spec.os.stand_in is not None), process.args
