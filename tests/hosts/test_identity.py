"""Each host is what the inventory says it is; a stand-in says so itself."""

import pytest

from inventory.hardware import Processor
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


def _on_real_hardware(machine: Machine) -> Processor:
    if machine.spec.os.stand_in is not None:
        pytest.skip("a stand-in shows kernel, processor and memory of the machine it runs on: proves nothing")
    if machine.spec.processor is None:
        pytest.skip("the inventory does not say what processor this host has")
    return machine.spec.processor


def test_kernel(machine: Machine) -> None:
    _on_real_hardware(machine)
    assert machine.run("uname -r").startswith(machine.spec.os.kernel)


def test_processor(machine: Machine) -> None:
    wanted = _on_real_hardware(machine)
    lines = machine.run("LC_ALL=C lscpu").splitlines()
    found = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    assert (found["Vendor ID"], found["Model name"]) == (wanted.vendor_id, wanted.model_name)
    assert int(found["NUMA node(s)"]) == wanted.numa_nodes


def test_page_size(machine: Machine) -> None:
    wanted = _on_real_hardware(machine)
    assert int(machine.run("getconf PAGESIZE")) == wanted.page_size_bytes


def test_memory(machine: Machine) -> None:
    _on_real_hardware(machine)
    lines = machine.run("free --mebi").splitlines()
    total_mib = next(int(line.split()[1]) for line in lines if line.startswith("Mem:"))
    assert total_mib >= machine.spec.memory_mib * 0.95  # the kernel keeps a part of what is built in


def test_no_way_out(machine: Machine) -> None:
    assert machine.run("ip route show default") == ""
    assert "unreachable" in machine.fails("ip route get 192.0.2.1").lower()
