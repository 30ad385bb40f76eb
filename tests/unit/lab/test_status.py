"""The table of `lab status` on a narrow terminal."""

from rich.console import Console

from inventory import environment
from lab.status import HostState, HostStatus, table


def test_no_name_address_or_value_is_cut_at_eighty_columns(capsys):
    hosts = environment("lab").hosts
    statuses = [
        HostStatus(
            name=host.name,
            centre=host.centre,
            roles=tuple(host.roles),
            address=host.address,
            management_address=host.management_address,
            state=HostState.UP,
            uptime_s=3_725.0,
            memory_mib=1_234.0,
        )
        for host in hosts
    ]
    Console(width=80).print(table(statuses))
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 80
    for host in hosts:
        assert host.name in shown
        assert host.address in shown
        assert all(role in shown for role in host.roles)
    assert shown.count("1,234 MiB") == len(hosts)
    assert "…" not in shown
