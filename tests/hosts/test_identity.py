"""Each host is what the inventory says it is; a stand-in says so itself."""

import pytest

from inventory.hardware import Processor
from tests.hosts.kit import Machine


def test_operating_system(machine: Machine) -> None:
    # testinfra reads the id and the number of the version; the codename is in its name only.
    system, wanted = machine.probe.system_info, machine.spec.os
    found = (system.type, system.distribution, system.release)
    machine.expect("operating system", found=found, wanted=("linux", wanted.id, wanted.version_id))
    assert machine.probe.file("/etc/os-release").contains(f"^VERSION=.*{wanted.codename}")


def test_stand_in_admits_it(machine: Machine) -> None:
    marker = machine.probe.file("/etc/loanstack-stand-in")
    if machine.spec.os.stand_in is None:
        assert not marker.exists
    else:
        assert marker.content_string.strip() == machine.spec.os.stand_in


def test_architecture_and_name(machine: Machine) -> None:
    found = {"architecture": machine.probe.system_info.arch, "name": machine.probe.check_output("hostname")}
    machine.expect("host", found=found, wanted={"architecture": machine.spec.arch, "name": machine.spec.name})


def _on_real_hardware(machine: Machine) -> Processor:
    if machine.spec.os.stand_in is not None:
        pytest.skip("a stand-in shows kernel, processor and memory of the machine it runs on: proves nothing")
    if machine.spec.processor is None:
        pytest.skip("the inventory does not say what processor this host has")
    return machine.spec.processor


def test_kernel(machine: Machine) -> None:
    _on_real_hardware(machine)
    assert machine.probe.sysctl("kernel.osrelease").startswith(machine.spec.os.kernel)


def test_processor(machine: Machine) -> None:
    wanted = _on_real_hardware(machine)
    lines = machine.run("LC_ALL=C lscpu").splitlines()
    shown = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    expected = {
        "Vendor ID": wanted.vendor_id,
        "Model name": wanted.model_name,
        "NUMA node(s)": str(wanted.numa_nodes),
    }
    machine.expect("processor", found={name: shown.get(name) for name in expected}, wanted=expected)


def test_page_size(machine: Machine) -> None:
    wanted = _on_real_hardware(machine)
    found = int(machine.probe.check_output("getconf PAGESIZE"))
    machine.expect("page size in bytes", found=found, wanted=wanted.page_size_bytes)


def test_memory(machine: Machine) -> None:
    _on_real_hardware(machine)
    lines = machine.run("free --mebi").splitlines()
    total_mib = next(int(line.split()[1]) for line in lines if line.startswith("Mem:"))
    assert total_mib >= machine.spec.memory_mib * 0.95  # the kernel keeps a part of what is built in


def test_no_way_out(machine: Machine) -> None:
    routes = machine.run("ip -4 route show default; ip -6 route show default 2>&1 || true")
    machine.expect("default routes", found=routes, wanted="")
    assert "unreachable" in machine.fails("ip route get 192.0.2.1").lower()
