"""Facts for many names at once: one command each, and what is missing is seen as missing."""

import pytest

from tests.hosts import facts
from tests.unit.hosts.fake_host import fake


def test_units_are_read_by_one_command_a_paragraph_each() -> None:
    command = "systemctl show --property=Id,ActiveState,UnitFileState nginx.service away.service"
    answer = (
        "Id=nginx.service\nActiveState=active\nUnitFileState=enabled\n\n"
        "Id=away.service\nActiveState=inactive\nUnitFileState=\n"
    )
    machine, answers = fake("gw-a", {command: (0, answer)})
    found = facts.units(machine.probe, ("nginx.service", "away.service"), "ActiveState", "UnitFileState")
    assert found == {
        "nginx.service": {"ActiveState": "active", "UnitFileState": "enabled"},
        "away.service": {"ActiveState": "inactive", "UnitFileState": ""},
    }
    assert len(answers.asked) == 1


def test_a_value_with_an_equals_sign_stays_whole() -> None:
    found = facts.of_units("Id=a.service\nEnvironment=JAVA_HOME=/opt/jdk\n", ["a.service"])
    assert found == {"a.service": {"Environment": "JAVA_HOME=/opt/jdk"}}


def test_kernel_settings_are_read_by_name_and_a_missing_one_is_left_out() -> None:
    answer = "net.ipv4.ip_local_port_range = 3500\t65535\n"
    machine, _ = fake("gw-a", {"sysctl net.ipv4.ip_local_port_range no.such": (255, answer)})
    found = facts.kernel_settings(machine.probe, ("net.ipv4.ip_local_port_range", "no.such"))
    assert found == {"net.ipv4.ip_local_port_range": "3500 65535"}


def test_comments_of_a_settings_file_are_no_settings() -> None:
    assert facts.of_kernel("# a = b\nfs.aio-max-nr = 1048576\n") == {"fs.aio-max-nr": "1048576"}


def test_signatures_of_either_kind_count_and_missing_packages_are_left_out() -> None:
    answer = (
        "nginx|RSA/SHA256, Mon 1 Dec 2026, Key ID 0123|(none)\n"
        "chrony|(none)|RSA/SHA1, Mon 1 Dec 2026, Key ID 4567\n"
        "stray|(none)|(none)\n"
        "package etcd is not installed\n"
    )
    assert facts.of_signatures(answer) == {
        "nginx": "RSA/SHA256, Mon 1 Dec 2026, Key ID 0123",
        "chrony": "RSA/SHA1, Mon 1 Dec 2026, Key ID 4567",
        "stray": "",
    }


def test_access_is_read_for_all_paths_at_once() -> None:
    command = "stat --dereference --format '%n|%U:%G %a' '/a b' /gone"
    machine, _ = fake("gw-a", {command: (1, "/a b|root:root 600\n")})
    assert facts.access(machine.probe, {"/gone", "/a b"}) == {"/a b": "root:root 600"}
    assert facts.access(machine.probe, ()) == {}


def test_the_oldest_process_of_a_program_is_its_first() -> None:
    row = "{comm}  0.0  {pid}  0.0  Tue Dec  1 00:00:00 2026  /opt/{comm}\n"
    answer = "COMMAND %CPU PID %MEM STARTED COMMAND\n" + "".join(
        row.format(comm=comm, pid=pid) for comm, pid in (("java", 3), ("seekdb", 9), ("seekdb", 7))
    )
    system = {"uname -s": (0, "Linux"), "cat /etc/os-release": (0, "ID=kylin"), "uname -m": (0, "x86_64")}
    shell = {"realpath /bin/ps": (0, "/bin/ps"), "test -e /bin/busybox": (1, "")}
    ps = {"ps -Aww -o comm:50,pcpu:50,pid:50,pmem:50,lstart:50,args": (0, answer)}
    machine, _ = fake("ob-a", system | shell | ps)
    assert facts.oldest_process(machine.probe, "seekdb") == 7
    with pytest.raises(AssertionError, match="expected a process of nginx, found none"):
        facts.oldest_process(machine.probe, "nginx")


def test_limits_are_soft_and_hard() -> None:
    table = (
        "Limit                     Soft Limit           Hard Limit           Units     \n"
        "Max open files            1024                 524288               files     \n"
        "Max core file size        unlimited            unlimited            bytes     \n"
    )
    machine, _ = fake("ob-a", {"cat /proc/7/limits": (0, table)})
    soft, hard = facts.limits(machine.probe, 7)
    assert soft == {"Max open files": "1024", "Max core file size": "unlimited"}
    assert hard["Max open files"] == "524288"
