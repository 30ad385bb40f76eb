"""Kernel, limits, SSH and time as the baseline has them."""

import pytest

from deploys import platform
from deploys.baseline.deploy import SYSCTL
from deploys.baseline.spec import kernel_settings
from inventory.model import Environment, Role
from tests.hosts.kit import Machine, eventually


def test_kernel_settings_are_written(machine: Machine) -> None:
    text = machine.probe.file(SYSCTL).content_string
    for key, value in kernel_settings(machine.spec):
        assert f"{key} = {value}\n" in text
    assert ("NOT APPLIED HERE" in text) == (machine.spec.os.stand_in is not None)


def test_kernel_runs_with_them(machine: Machine) -> None:
    kernel = dict(kernel_settings(machine.spec))
    values = machine.run(f"sysctl --values {' '.join(kernel)}").splitlines()
    found = dict(zip(kernel, (" ".join(v.split()) for v in values), strict=True))
    differing = {key: found[key] for key in kernel if found[key] != kernel[key]}
    if differing and machine.spec.os.stand_in is not None:
        pytest.skip(f"a stand-in shares its machine's kernel, which has {differing}")
    assert differing == {}


@pytest.mark.roles(Role.OCEANBASE)
def test_a_database_s_kernel_makes_no_transparent_huge_pages(machine: Machine) -> None:
    found = machine.run("cat /sys/kernel/mm/transparent_hugepage/enabled 2>/dev/null || echo '[never]'")
    if "[never]" not in found and machine.spec.os.stand_in is not None:
        pytest.skip(f"a stand-in shares its machine's kernel, which has {found.strip()}")
    assert "[never]" in found


@pytest.mark.roles(Role.OCEANBASE)
def test_limits_of_the_running_database(machine: Machine) -> None:
    lines = machine.run(
        "cat /proc/$(pgrep --oldest seekdb)/limits; grep 'open files' /proc/1/limits"
    ).splitlines()
    soft = {line[:26].strip(): line[26:47].strip() for line in lines[1:-1]}
    assert soft["Max core file size"] == "unlimited"
    assert soft["Max stack size"] == "unlimited"
    wanted = 655350
    if machine.spec.os.stand_in is not None:
        wanted = min(wanted, int(lines[-1].split()[4]))  # a container may not raise its machine's hard limit
    assert int(soft["Max open files"]) >= wanted


def test_ssh_is_hardened(machine: Machine) -> None:
    effective = machine.run("sshd -T").splitlines()
    for line in (
        "passwordauthentication no",
        "permitrootlogin without-password",
        "x11forwarding no",
        f"allowtcpforwarding {'remote' if machine.spec.has(Role.LOADGEN) else 'no'}",
        "maxauthtries 3",
    ):
        assert line in effective


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
    arguments = machine.run("ps -C chronyd -o args=").split()
    assert ("-x" in arguments) == (machine.spec.os.stand_in is not None)
    assert platform.of(machine.spec).chrony_user in arguments
