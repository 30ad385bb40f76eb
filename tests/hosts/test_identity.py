"""Each host is what the inventory says it is; a stand-in says so itself."""

import pytest

from tests.hosts.kit import Machine


def test_operating_system(machine: Machine) -> None:
    lines = machine.probe.file("/etc/os-release").content_string.splitlines()
    found = {k: v.strip('"') for k, _, v in (line.partition("=") for line in lines if "=" in line)}
    wanted = machine.spec.os
    assert (found["ID"], found["VERSION_ID"]) == (wanted.id, wanted.version_id)
    assert wanted.codename in found["VERSION"]


def test_stand_in_admits_it(machine: Machine) -> None:
    marker = machine.probe.file("/etc/loanstack-stand-in")
    if machine.spec.os.stand_in is None:
        assert not marker.exists
    else:
        assert marker.content_string.strip() == machine.spec.os.stand_in


def test_architecture_and_name(machine: Machine) -> None:
    assert machine.run("uname -m; hostname").split() == [machine.spec.arch, machine.spec.name]


def test_processor_and_memory(machine: Machine) -> None:
    if machine.spec.os.stand_in is not None:
        pytest.skip("a stand-in shows the processor and memory of the machine it runs on: proves nothing")
    found = machine.run("lscpu; free --mebi")
    assert machine.spec.cpu_model is None or machine.spec.cpu_model in found
    total_mib = next(int(line.split()[1]) for line in found.splitlines() if line.startswith("Mem:"))
    assert total_mib >= machine.spec.memory_mib * 0.95  # the kernel keeps a part of what is built in


def test_no_way_out(machine: Machine) -> None:
    assert machine.run("ip route show default") == ""
    assert "unreachable" in machine.fails("ip route get 192.0.2.1").lower()
