"""Where the processor time of a transaction goes."""

from loanstack.measure import cpu_breakdown
from loanstack.measure.usage import Row


def row(host: str, unit: str, cpu_s: float) -> Row:
    return Row(host=host, unit=unit, cpu_s=cpu_s, memory_mib=0.0)


ROWS = (
    row("gw-a", "nginx", 10.0),
    row("gw-b", "nginx", 2.0),
    row("app-a", "loanstack-loan", 30.0),
    row("ob-a", "loanstack-oceanbase", 40.0),
    row("ob-b", "loanstack-oceanbase", 8.0),
    row("ob-a", "loanstack-failover", 1.0),
    row("mon-c", "etcd", 0.5),
    row("mon-c", "prometheus", 0.7),
    row("ob-b", "other", 0.3),
)


def test_components_lie_along_a_requests_way_and_add_up() -> None:
    found = cpu_breakdown.by_component(ROWS, transactions=100_000)
    assert list(found.items()) == [
        ("gateways", 0.12),
        ("loan services", 0.3),
        ("database ob-a", 0.4),
        ("database ob-b", 0.08),
        ("failover agents and etcd", 0.015),
        ("rest of the hosts", 0.01),
    ]


def test_hosts_that_make_load_are_no_part_of_the_system() -> None:
    rows = (*ROWS, row("load-a", "other", 1.5), row("load-b", "nginx", 0.5))
    found = cpu_breakdown.by_component(rows, transactions=100_000, load_makers={"load-a", "load-b"})
    without = cpu_breakdown.by_component(ROWS, transactions=100_000)
    assert found == {**without, "load generator's hosts, beside it": 0.02}
    assert list(found)[-1] == "load generator's hosts, beside it"


def test_mariadb_stands_where_oceanbase_stood() -> None:
    rows = (row("ob-a", "loanstack-mariadb", 20.0), row("ob-b", "loanstack-mariadb", 5.0))
    found = cpu_breakdown.by_component(rows, transactions=100_000)
    assert found == {"database ob-a": 0.2, "database ob-b": 0.05}


def test_what_no_process_of_a_host_used_is_the_kernels() -> None:
    figures = {"generator_cpu_ms_per_request": 0.2, "requests": 110_000, "machine_busy_s": 130.0}
    components = cpu_breakdown.by_component(ROWS, transactions=100_000)
    found = cpu_breakdown.with_machine(components, figures, transactions=100_000)
    assert found[cpu_breakdown.GENERATOR] == 0.22
    assert round(found[cpu_breakdown.KERNEL], 4) == round(1.3 - 0.925 - 0.22, 4)
    assert cpu_breakdown.with_machine(components, {}, transactions=100_000)[cpu_breakdown.KERNEL] == 0.0
