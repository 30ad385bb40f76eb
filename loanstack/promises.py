"""Promises: what a run must show, next to what it showed; pure."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from chaos.findings import Verdict
from inventory.drill_slo import DrillSlo
from inventory.slo import DeploySlo, LoadSlo
from loadtests import others
from loadtests.scenarios import SCENARIOS
from loanstack.figures import shown, title

_ROUNDING = 1e-9
"""Relative: two quotients that mean the same may differ by a bit."""


@dataclass(frozen=True, kw_only=True)
class Promise:
    """A limit for one figure: at least or at most."""

    figure: str
    limit: float
    at_least: bool = False

    def met_by(self, figures: Mapping[str, float]) -> bool | None:
        """Say whether `figures` keep it; None if the figure was not measured."""
        value = figures.get(self.figure)
        if value is None:
            return None
        slack = _ROUNDING * abs(self.limit)
        return value >= self.limit - slack if self.at_least else value <= self.limit + slack

    def __str__(self) -> str:
        word = "at least" if self.at_least else "at most"
        return f"{word} {shown(self.figure, self.limit)}"


NO_HOST_FAILED = Promise(figure="hosts_failed", limit=0)
"""What every deploy promises."""


def judge(promises: Iterable[Promise], figures: Mapping[str, float]) -> tuple[Verdict, tuple[str, ...]]:
    """Return the verdict over `promises` and a reason for each that is not kept.

    A figure that is missing makes the run INVALID: what was not measured was not proved.
    """
    broken: list[str] = []
    unknown: list[str] = []
    for promise in promises:
        met = promise.met_by(figures)
        if met is None:
            unknown.append(f"{title(promise.figure)} was not measured (promised: {promise})")
        elif not met:
            measured = shown(promise.figure, figures[promise.figure])
            broken.append(f"{title(promise.figure)}: {measured}; promised: {promise}")
    if broken:
        return Verdict.FAIL, (*broken, *unknown)
    return (Verdict.INVALID if unknown else Verdict.PASS), tuple(unknown)


def of_first_deploy(slo: DeploySlo) -> tuple[Promise, ...]:
    """Return what a deploy onto fresh hosts promises."""
    return (Promise(figure="deploy_s", limit=slo.first_s_max), NO_HOST_FAILED)


def of_second_deploy(slo: DeploySlo) -> tuple[Promise, ...]:
    """Return what a deploy onto converged hosts promises."""
    return (
        Promise(figure="operations_changed", limit=slo.second_changes_max),
        Promise(figure="deploy_s", limit=slo.second_s_max),
        NO_HOST_FAILED,
    )


def of_upgrade() -> tuple[Promise, ...]:
    """Return what an upgrade promises."""
    return (Promise(figure="hosts_rolled_back", limit=0),)


def of_verify() -> tuple[Promise, ...]:
    """Return what a validation promises: every test passes, and one at least on each host."""
    return (
        Promise(figure="tests_passed", limit=1, at_least=True),
        Promise(figure="tests_failed", limit=0),
        Promise(figure="hosts_untested", limit=0),
    )


def of_seed(*, customers: int, lag_limit_ms: float) -> tuple[Promise, ...]:
    """Return what a seeding of so many customers promises."""
    return (
        Promise(figure="customers", limit=customers, at_least=True),
        Promise(figure="standby_lag_ms", limit=lag_limit_ms),
    )


def of_load(
    load: LoadSlo, deploy: DeploySlo, *, rate_per_s: float, scenario: str = "journey"
) -> tuple[Promise, ...]:
    """Return what a load run at `rate_per_s` promises."""
    worst, ratio = load.worst_second_ratio_min, load.error_ratio_max
    asked, slowdown = SCENARIOS[scenario], load.others_slowdown_p99_ratio_max
    # Movements of the few limits that may be used up go to few hosts.
    share = None if asked.may_refuse else load.service_share_min
    # Where a definite no can be the right answer, it keeps the rate too.
    rate = "tps_answered" if asked.may_refuse else "tps_acknowledged"
    return (
        Promise(figure=rate, limit=load.tps_ratio_min * rate_per_s, at_least=True),
        Promise(figure="errors", limit=load.errors_max)
        if ratio is None
        else Promise(figure="error_ratio", limit=ratio),
        *(Promise(figure=name, limit=most_ms) for name, most_ms in load.latency_limits_ms.items()),
        *([] if worst is None else [Promise(figure="worst_second_ratio", limit=worst, at_least=True)]),
        *([] if share is None else [Promise(figure="service_share_min", limit=share, at_least=True)]),
        Promise(figure="standby_lag_p99_ms", limit=load.standby_lag_p99_ms_max),
        *([Promise(figure=others.RATIO, limit=slowdown)] if asked.storm and slowdown is not None else []),
        *([Promise(figure="overdraws_acknowledged", limit=0)] if asked.may_refuse else []),
        *of_hosts(load, deploy, rate_per_s=rate_per_s),
        *_of_history(),
    )


def of_hosts(load: LoadSlo, deploy: DeploySlo, *, rate_per_s: float) -> tuple[Promise, ...]:
    """Return what a load may cost the hosts: memory; processor time only at a rate that it is judged at."""
    limits: dict[str, float | None] = {"memory_mib_total": deploy.memory_mib_max}
    if rate_per_s >= load.cpu_judged_from_per_s:
        limits["cpu_ms_per_transaction"] = load.cpu_ms_per_transaction_max
        limits["cpu_ms_per_transaction_at_reference_speed"] = load.cpu_ms_at_reference_speed_max
        limits["cpu_ms_per_request_portal"] = load.portal_cpu_ms_per_request_max
        limits["generator_cpu_ms_per_request"] = load.generator_cpu_ms_per_request_max
    return tuple(Promise(figure=name, limit=most) for name, most in limits.items() if most is not None)


def of_capacity(load: LoadSlo, *, figure: str = "capacity_tps") -> tuple[Promise, ...]:
    """Return what a search for the capacity promises; + figure: that it is shown by."""
    least = load.capacity_tps_min
    return () if least is None else (Promise(figure=figure, limit=least, at_least=True),)


P95_FROM_REPEATS = 20
"""Of fewer repeats the 95th percentile is the longest, which has a limit of its own."""


def of_drill(slo: DrillSlo, name: str, *, may_lose: bool, repeats: int = 1) -> tuple[Promise, ...]:
    """Return what the drill `name` promises.

    + may_lose: acknowledged writes of the last moments may be missing afterwards
    + repeats: how often it runs
    """
    limit = slo.of(name)
    found = [
        Promise(figure="rto_ms_max", limit=limit.rto_ms_max),
        Promise(figure="rto_sustained_ms_max", limit=limit.rto_sustained_ms_max),
        Promise(figure="silence_ms_max", limit=limit.silence_ms_max),
    ]
    if limit.rto_ms_p95 is not None and repeats >= P95_FROM_REPEATS:
        found.append(Promise(figure="rto_ms_p95", limit=limit.rto_ms_p95))
    if limit.errors_max is not None:
        found.append(Promise(figure="errors", limit=limit.errors_max))
    else:
        found.append(Promise(figure="error_ratio_max", limit=limit.error_ratio_max))
    if not may_lose:
        found.append(Promise(figure="acknowledged_lost", limit=0))
    elif limit.lost_window_ms_p99 is not None:
        found.append(Promise(figure="lost_window_ms_p99", limit=limit.lost_window_ms_p99))
    return (*found, *of_all_drills(slo))


def of_all_drills(slo: DrillSlo) -> tuple[Promise, ...]:
    """Return what every drill promises, and so all of them together."""
    return (
        Promise(figure="acknowledged_doubled", limit=slo.doubled_max),
        Promise(figure="two_primaries_seen", limit=0),
        Promise(figure="residue", limit=0),
    )


def _of_history() -> tuple[Promise, ...]:
    return (
        Promise(figure="acknowledged_lost", limit=0),
        Promise(figure="acknowledged_doubled", limit=0),
    )


def to_list(promises: Iterable[Promise]) -> list[dict[str, Any]]:
    """Return `promises` as JSON."""
    return [asdict(promise) for promise in promises]


def from_list(found: Iterable[Mapping[str, Any]]) -> tuple[Promise, ...]:
    """Return the promises in JSON written by `to_list`."""
    return tuple(
        Promise(figure=str(p["figure"]), limit=float(p["limit"]), at_least=bool(p["at_least"])) for p in found
    )
