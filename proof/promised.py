"""The objectives of each kind of run, from the limits in the inventory. Pure."""

from dataclasses import dataclass, replace

from inventory.drill_slo import DrillLimit, DrillSlo
from inventory.slo import DeploySlo, LoadSlo
from proof.clocks import CERTAIN_OFFSET
from proof.objectives import Objective

SLOWDOWN = "others_slowdown_p99_ratio"
"""Latency of the other legal entities while one entity has a storm, over their latency before."""
P95_FROM_REPEATS = 20
"""With fewer repeats the 95th percentile is the longest value, which has its own limit."""
OVER_REPEATS = {
    "rto_ms": "rto_ms_max",
    "rto_sustained_ms": "rto_sustained_ms_max",
    "silence_ms": "silence_ms_max",
    "error_ratio": "error_ratio_max",
    "lost_window_ms": "lost_window_ms_p99",
    CERTAIN_OFFSET: f"{CERTAIN_OFFSET}_max",
}
"""Figure of one run -> its name over several runs; other figures are added up."""
CLOCKS_TOGETHER = Objective(figure=CERTAIN_OFFSET, limit=50.0, of_evidence=True)
"""Times of different hosts are compared with limits of 300 ms and more: when a fault acted, when agents
fenced, which write was acknowledged last. Servers that keep time by NTP are within some milliseconds."""
NO_HOST_FAILED = Objective(figure="hosts_failed", limit=0)
"""Objective of every deploy."""


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """What a load is made of, as far as its objectives depend on that."""

    may_refuse: bool = False
    """A definite no can be the right answer to a write."""
    has_storm: bool = False
    """One legal entity asks for more than its part."""
    mostly_reads: bool = False
    """Queries are what it is made of."""


PLAIN_TRAFFIC = Traffic()


def of_first_deploy(slo: DeploySlo) -> tuple[Objective, ...]:
    """Return the objectives of a deploy onto fresh hosts."""
    return (Objective(figure="deploy_s", limit=slo.first_s_max), NO_HOST_FAILED)


def of_second_deploy(slo: DeploySlo) -> tuple[Objective, ...]:
    """Return the objectives of a deploy onto converged hosts."""
    return (
        Objective(figure="operations_changed", limit=slo.second_changes_max),
        Objective(figure="deploy_s", limit=slo.second_s_max),
        NO_HOST_FAILED,
    )


def of_upgrade(*, under_load: bool) -> tuple[Objective, ...]:
    """Return the objectives of an upgrade.

    + under_load: our clients make requests during the upgrade, none of which may fail
    """
    served = (
        Objective(figure="acknowledged_ratio", limit=0.8, at_least=True),
        Objective(figure="errors", limit=0),
    )
    return (Objective(figure="hosts_rolled_back", limit=0), *(served if under_load else ()))


def of_verify() -> tuple[Objective, ...]:
    """Return the objectives of a validation: every test passes, and at least one passes on each host."""
    return (
        Objective(figure="tests_passed", limit=1, at_least=True),
        Objective(figure="tests_failed", limit=0),
        Objective(figure="hosts_untested", limit=0),
    )


def of_seed(*, customers: int, max_healthy_lag_ms: float) -> tuple[Objective, ...]:
    """Return the objectives of a seeding; + customers: number of customers that must exist afterwards."""
    return (
        Objective(figure="customers", limit=customers, at_least=True),
        Objective(figure="standby_lag_ms", limit=max_healthy_lag_ms),
    )


def of_load(
    load: LoadSlo, deploy: DeploySlo, *, rate_per_s: float, traffic: Traffic = PLAIN_TRAFFIC
) -> tuple[Objective, ...]:
    """Return the objectives of a load at `rate_per_s`.

    + traffic: what it is made of
    """
    may_refuse = traffic.may_refuse
    return (
        *of_clients(load, rate_per_s=rate_per_s, traffic=traffic),
        # In such a load, the movements of a few limits go to a few hosts, so shares are uneven.
        *_least("service_share_min", None if may_refuse else load.service_share_min),
        *([Objective(figure="overdraws_acknowledged", limit=0)] if may_refuse else []),
        *of_hosts(load, deploy, rate_per_s=rate_per_s),
        Objective(figure="acknowledged_lost", limit=0),
        Objective(figure="acknowledged_doubled", limit=0),
        CLOCKS_TOGETHER,
    )


def of_clients(
    load: LoadSlo, *, rate_per_s: float, traffic: Traffic = PLAIN_TRAFFIC
) -> tuple[Objective, ...]:
    """Return the objectives on the record of a load: results of the clients, and the standby's lag.

    + traffic: what the load is made of
    """
    ratio = load.error_ratio_max
    # If a definite no can be the right answer, it counts towards the rate too.
    rate = "tps_answered" if traffic.may_refuse else "tps_acknowledged"
    return (
        Objective(figure=rate, limit=load.tps_ratio_min * rate_per_s, at_least=True),
        Objective(figure="errors", limit=load.errors_max)
        if ratio is None
        else Objective(figure="error_ratio", limit=ratio),
        *(Objective(figure=name, limit=most_ms) for name, most_ms in load.latency_limits_ms.items()),
        *_most("latency_reads_p99_ms", load.latency_reads_p99_ms_max if traffic.mostly_reads else None),
        *_least("worst_second_ratio", load.worst_second_ratio_min),
        Objective(figure="standby_lag_p99_ms", limit=load.standby_lag_p99_ms_max),
        *_most(SLOWDOWN, load.others_slowdown_p99_ratio_max if traffic.has_storm else None),
    )


def of_hosts(load: LoadSlo, deploy: DeploySlo, *, rate_per_s: float) -> tuple[Objective, ...]:
    """Return the objectives on the hosts' memory, and on processor time at a rate at which it is judged."""
    limits: dict[str, float | None] = {"memory_mib_total": deploy.memory_mib_max}
    if rate_per_s >= load.cpu_judged_from_per_s:
        limits["cpu_ms_per_transaction"] = load.cpu_ms_per_transaction_max
        limits["cpu_ms_per_transaction_at_reference_speed"] = load.cpu_ms_at_reference_speed_max
        limits["cpu_ms_per_request_portal"] = load.portal_cpu_ms_per_request_max
        limits["generator_cpu_ms_per_request"] = load.generator_cpu_ms_per_request_max
    return tuple(objective for name, limit in limits.items() for objective in _most(name, limit))


def of_capacity(load: LoadSlo, *, figure: str = "capacity_tps") -> tuple[Objective, ...]:
    """Return the objectives of a capacity search; + figure: the figure that holds the capacity."""
    return _least(figure, load.capacity_tps_min)


def of_drill(slo: DrillSlo, name: str, *, may_lose: bool) -> tuple[Objective, ...]:
    """Return the objectives of one run of the drill `name`.

    + may_lose: whether the last acknowledged writes before the fault may be missing afterwards

    Raises:
        NoObjectivesError: the inventory has no limits for the drill.
    """
    limit = slo.of(name)
    lost_ms = limit.lost_window_ms_p99 if may_lose else None
    return (
        Objective(figure="rto_ms", limit=limit.rto_ms_max),
        Objective(figure="rto_sustained_ms", limit=limit.rto_sustained_ms_max),
        Objective(figure="silence_ms", limit=limit.silence_ms_max),
        _errors(limit),
        *([] if may_lose else [Objective(figure="acknowledged_lost", limit=0)]),
        *_most("lost_window_ms", lost_ms),
        CLOCKS_TOGETHER,
        *of_all_drills(slo),
    )


def of_repeats(slo: DrillSlo, name: str, *, may_lose: bool, repeats: int) -> tuple[Objective, ...]:
    """Return the objectives of `repeats` runs of the drill `name`: those of each run, and the RTO's p95."""
    p95_ms = slo.of(name).rto_ms_p95 if repeats >= P95_FROM_REPEATS else None
    each = of_drill(slo, name, may_lose=may_lose)
    over_all = (replace(one, figure=OVER_REPEATS.get(one.figure, one.figure)) for one in each)
    return (*over_all, *_most("rto_ms_p95", p95_ms))


def of_all_drills(slo: DrillSlo) -> tuple[Objective, ...]:
    """Return the objectives of all drills together: those that hold for every drill."""
    return (
        Objective(figure="acknowledged_doubled", limit=slo.doubled_max),
        Objective(figure="two_primaries_seen", limit=0),
        Objective(figure="residue", limit=0),
    )


def _errors(limit: DrillLimit) -> Objective:
    if limit.errors_max is not None:
        return Objective(figure="errors", limit=limit.errors_max)
    return Objective(figure="error_ratio", limit=limit.error_ratio_max)


def _most(figure: str, limit: float | None) -> tuple[Objective, ...]:
    return () if limit is None else (Objective(figure=figure, limit=limit),)


def _least(figure: str, limit: float | None) -> tuple[Objective, ...]:
    return () if limit is None else (Objective(figure=figure, limit=limit, at_least=True),)
