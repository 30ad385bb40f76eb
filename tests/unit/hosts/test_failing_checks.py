"""Host tests themselves, on fake hosts on which something is wrong."""

import json
from collections.abc import Callable

import pytest

from deploys.derived import footprints, packages_for
from inventory.model import Host, Role
from tests.hosts import test_failover, test_network, test_packages, test_secrets, test_services
from tests.unit.hosts.fake_host import LAB, fake

MON_C = next(host for host in LAB.hosts if host.name == "mon-c")


def _units(host: Host) -> list[str]:
    return [unit for each in footprints(LAB, host) for unit in each.units]


def _show(units: list[str], stopped: str = "") -> dict[str, tuple[int, str]]:
    told = "\n".join(
        f"Id={unit}\nActiveState={'failed' if unit == stopped else 'active'}\nUnitFileState=enabled\n"
        for unit in units
    )
    return {f"systemctl show --property=Id,ActiveState,UnitFileState {' '.join(units)}": (0, told)}


def test_a_unit_that_does_not_run_is_named_with_its_host_and_state() -> None:
    units = _units(MON_C)
    machine, _ = fake("mon-c", _show(units))
    test_services.test_services_run_and_are_enabled(machine, LAB)
    machine, _ = fake("mon-c", _show(units, stopped="etcd.service"))
    with pytest.raises(
        AssertionError, match=r"^mon-c: units: etcd\.service: expected .*'active'.* found .*'failed'"
    ):
        test_services.test_services_run_and_are_enabled(machine, LAB)


def test_a_package_that_is_missing_or_unsigned_is_named() -> None:
    wanted = packages_for(LAB, MON_C)
    query = "rpm --query --queryformat '%{NAME}|%{RSAHEADER:pgpsig}|%{SIGPGP:pgpsig}\\n' " + " ".join(wanted)
    rows = {name: f"{name}|RSA/SHA256, Key ID 01|(none)" for name in wanted}

    def on(rows: dict[str, str]) -> None:
        machine, _ = fake("mon-c", {query: (0, "\n".join(rows.values()))})
        test_packages.test_packages_are_installed_and_signed(machine, LAB)

    on(rows)
    with pytest.raises(AssertionError, match=r"mon-c: packages without a signature: .*chrony"):
        on({**rows, "chrony": "chrony|(none)|(none)"})
    with pytest.raises(AssertionError, match="mon-c: installed packages: expected and not found: chrony"):
        on({**rows, "chrony": "package chrony is not installed"})


def test_agents_that_name_two_primaries_are_no_agreement(monkeypatch: pytest.MonkeyPatch) -> None:
    def at_once(what: str, check: Callable[[], object]) -> None:
        assert check(), what

    monkeypatch.setattr(test_failover, "eventually", at_once)
    databases = {h.name: h for h in LAB.hosts_with(Role.OCEANBASE)}

    def on(named: dict[str, str]) -> None:
        machines = {}
        for asked, leader in named.items():
            url = f"http://{databases[asked].address}:{LAB.failover.agent_port}/primary"
            said = {"host": leader, "address": databases[leader].address, "phase": "serving"}
            machines[asked], _ = fake(asked, {f"curl --silent --max-time 3 {url}": (0, json.dumps(said))})
        test_failover.test_all_agents_name_the_same_primary(LAB, machines)

    first, *others = databases
    on(dict.fromkeys(databases, first))
    with pytest.raises(AssertionError, match="one and the same primary"):
        on({first: first, **{name: name for name in others}})


def test_a_file_with_a_secret_that_others_may_read_is_named() -> None:
    paths = sorted(path for each in footprints(LAB, LAB.hosts[1]) for path in each.secret_files)
    command = f"stat --dereference --format '%n|%U:%G %a' {' '.join(paths)}"
    rows = {path: f"{path}|root:root 600" for path in paths} | {paths[0]: f"{paths[0]}|root:root 644"}
    machine, _ = fake("app-a", {command: (0, "\n".join(rows.values()))})
    with pytest.raises(AssertionError) as failed:
        test_secrets.test_files_with_secrets_are_for_one_account_alone(machine, LAB)
    assert str(failed.value) == (
        f"app-a: access to files with secrets: {paths[0]}: expected 'root:root 600', found 'root:root 644'"
    )


def _sockets(*lines: str) -> dict[str, tuple[int, str]]:
    return {
        "uname -s": (0, "Linux\n"),
        "cat /etc/os-release": (0, "ID=kylin\n"),
        "uname -m": (0, "x86_64\n"),
        "command -v command": (0, "command\n"),
        "command -v ss": (0, "/usr/sbin/ss\n"),
        "/usr/sbin/ss --numeric --listening": (0, "\n".join(("Netid State", *lines))),
    }


def test_a_port_that_listens_needlessly_is_named_and_one_of_loopback_is_not() -> None:
    local = "tcp LISTEN 0 128 127.0.0.1:5555 0.0.0.0:*"
    machine, _ = fake(
        "mon-c", _sockets("tcp LISTEN 0 128 0.0.0.0:22 0.0.0.0:*", local, "udp UNCONN 0 0 [::1]:323 [::]:*")
    )
    test_network.test_listens_only_where_it_should(machine, LAB)
    for line in ("tcp LISTEN 0 128 *:5555 *:*", "tcp LISTEN 0 128 198.18.1.31:5555 0.0.0.0:*"):
        machine, _ = fake("mon-c", _sockets(line))
        with pytest.raises(AssertionError, match=r"mon-c: ports .* found and not expected: \('tcp', 5555\)"):
            test_network.test_listens_only_where_it_should(machine, LAB)
