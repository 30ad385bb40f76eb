"""Processor time of a transaction, by component. Pure."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from loanstack.measure.units import AGENT, ETCD, GATEWAY, LOAN_SERVICES, MARIADB, OCEANBASE, PORTAL
from loanstack.measure.usage import Row

_OF_UNIT = {
    GATEWAY: "gateways",
    PORTAL: "channel portals",
    LOAN_SERVICES: "loan services",
    AGENT: "failover agents and etcd",
    ETCD: "failover agents and etcd",
}
DATABASES = (OCEANBASE, MARIADB)
"""Units of the two databases; only one of them runs."""
_REST = "rest of the hosts"
_BESIDE = "load generator's hosts, beside it"
"""Other processes on hosts that make load; like the generator, they are not part of the system."""
GENERATOR = "load generator"
_TOLD_MS = 0.005
KERNEL = "kernel and this machine's other work"
"""In the lab: CPU time that no host's process used, such as the network between hosts."""


def by_component(
    rows: Iterable[Row], *, transactions: float, load_makers: Collection[str] = ()
) -> dict[str, float]:
    """Return {component: milliseconds of processor time per transaction}, in the order of a request's path.

    + load_makers: names of hosts that make load
    """
    spent_s: defaultdict[str, float] = defaultdict(float)
    for row in rows:
        name = f"database {row.host}" if row.unit in DATABASES else _OF_UNIT.get(row.unit, _REST)
        spent_s[_BESIDE if row.host in load_makers else name] += row.cpu_s
    databases = sorted(name for name in spent_s if name.startswith("database "))
    order = (
        "gateways",
        "channel portals",
        "loan services",
        *databases,
        "failover agents and etcd",
        _REST,
        _BESIDE,
    )
    return {name: round(1000.0 * spent_s[name] / transactions, 4) for name in order if name in spent_s}


def summary(components: Mapping[str, float]) -> str:
    """Return one line with each component's CPU time per transaction; "" if it is not known."""
    parts = ", ".join(f"{name} {took_ms:.2f}" for name, took_ms in components.items() if took_ms >= _TOLD_MS)
    return f"ms of CPU a transaction: {parts}" if parts else ""


def with_machine(
    components: Mapping[str, float], figures: Mapping[str, float], *, transactions: float
) -> dict[str, float]:
    """Return `components` with the generator, and with the rest of the machine that runs everything.

    + figures: figures of a load in the lab; elsewhere the hosts' machines are not this one
    """
    generator_ms = (
        figures.get("generator_cpu_ms_per_request", 0.0) * figures.get("requests", 0.0) / transactions
    )
    busy_ms = 1000.0 * figures.get("machine_busy_s", 0.0) / transactions
    left_ms = busy_ms - generator_ms - sum(components.values())
    return {**components, GENERATOR: round(generator_ms, 4), KERNEL: round(max(left_ms, 0.0), 4)}
