"""The error budget: how many requests may break each promise, and how many did. Pure.

A promise such as `p99 <= 250 ms` allows one request in a hundred to be slower; the promise of no errors
allows none. The allowed number of requests is the budget of the run (Site Reliability Workbook, chapter 2).
After it is overspent, the promise can no longer be kept, and a run with `--abort-on-fail` ends.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf

from inventory.slo import LoadSlo
from loadtests.results.figures import LoadFigures, Second
from proof.record import Outcome, Read, Write

ERRORS = "errors"
NOT_ACKNOWLEDGED = "not_acknowledged"
_SHARES = {"latency_p50_ms": 0.5, "latency_p95_ms": 0.05, "latency_p99_ms": 0.01, "latency_p999_ms": 0.001}
"""Percentile -> share of the writes that may be slower than its limit."""


@dataclass(frozen=True, kw_only=True)
class Budget:
    """The requests that may break one promise over a whole run."""

    name: str
    """`errors`, `not_acknowledged`, or the promised latency, such as `latency_p99_ms`."""
    requests: float
    """Number of requests that may break the promise."""
    limit_ms: float | None = None
    """For a latency: a slower request breaks the promise."""

    @property
    def what(self) -> str:
        """Name the requests that break the promise."""
        if self.limit_ms is not None:
            return f"writes slower than {self.limit_ms:g} ms"
        return "errors" if self.name == ERRORS else "writes that were not acknowledged"


@dataclass(frozen=True, kw_only=True)
class Spent:
    """A budget, and how many requests have spent it."""

    budget: Budget
    requests: int

    @property
    def percent(self) -> float:
        """Spent over allowed, in percent; infinite if none was allowed and some was spent."""
        if self.requests == 0:
            return 0.0
        return 100.0 * self.requests / self.budget.requests if self.budget.requests else inf

    @property
    def is_over(self) -> bool:
        """Whether the promise can no longer be kept."""
        return self.requests > self.budget.requests

    def __str__(self) -> str:
        return f"{self.requests} {self.budget.what}; the whole run may have {self.budget.requests:g}"


def budgets(slo: LoadSlo, *, writes: int, requests: int) -> tuple[Budget, ...]:
    """Return the budgets of a run under `slo`.

    + writes: writes planned in the measured window
    + requests: all requests, with queries and warm-up, because an error counts at any time
    """
    return (
        Budget(name=ERRORS, requests=slo.errors_allowed(requests)),
        Budget(name=NOT_ACKNOWLEDGED, requests=_whole(1.0 - slo.tps_ratio_min, writes)),
        *(
            Budget(name=name, requests=_whole(_SHARES[name], writes), limit_ms=limit_ms)
            for name, limit_ms in slo.latency_limits_ms.items()
        ),
    )


def spent(found: LoadFigures, slo: LoadSlo) -> tuple[Spent, ...]:
    """Return every budget of a recorded run, with the spent requests."""
    values = found.values
    planned = int(values["writes_planned"])
    answered = int(values["transactions_acknowledged"] + values.get("writes_refused", 0))
    gone = {ERRORS: int(values["errors"]), NOT_ACKNOWLEDGED: max(planned - answered, 0)}
    return tuple(
        Spent(
            budget=budget,
            requests=gone[budget.name]
            if budget.limit_ms is None
            else found.corrected.slower_than(budget.limit_ms),
        )
        for budget in budgets(slo, writes=planned, requests=int(values["requests"]))
    )


def bad_seconds(seconds: Iterable[Second], slo: LoadSlo) -> tuple[int, ...]:
    """Return the seconds that would break the promises, if these were made for each single second.

    A second is bad if a request failed in it, its p99 is above the limit, or too few of its writes were
    acknowledged.
    """
    return tuple(second.second for second in seconds if _is_bad(second, slo))


def figures(found: LoadFigures, slo: LoadSlo) -> dict[str, float]:
    """Return the budgets of a recorded run as figures: requests and percent spent, and bad seconds."""
    values: dict[str, float] = {"bad_seconds": len(bad_seconds(_measured(found), slo))}
    for each in spent(found, slo):
        values[f"budget_{each.budget.name}_requests"] = each.budget.requests
        values[f"budget_{each.budget.name}_spent_requests"] = each.requests
    return values


class Meter:
    """Counts spent budgets while the run goes on."""

    def __init__(self, allowed: Iterable[Budget]) -> None:
        """Begin with nothing spent of the budgets `allowed`."""
        self._budgets = tuple(allowed)
        self._gone = {budget.name: 0 for budget in self._budgets}
        self._limits = [(b.name, b.limit_ms / 1000.0) for b in self._budgets if b.limit_ms is not None]

    def add(self, record: Write | Read) -> None:
        """Count one request."""
        if record.is_error:
            self._gone[ERRORS] += 1
        if not isinstance(record, Write) or record.warm_up:
            return
        if record.outcome is Outcome.REFUSED:
            return
        if record.outcome is not Outcome.ACKNOWLEDGED:
            self._gone[NOT_ACKNOWLEDGED] += 1
            return
        latency_s = record.ended_s - record.planned_s
        for name, limit_s in self._limits:
            if latency_s > limit_s:
                self._gone[name] += 1

    def overspent(self) -> str | None:
        """Return which promises can no longer be kept; None while all can."""
        over = [
            str(found)
            for budget in self._budgets
            if (found := Spent(budget=budget, requests=self._gone[budget.name])).is_over
        ]
        return "; ".join(over) or None


def _measured(found: LoadFigures) -> tuple[Second, ...]:
    return found.seconds[: int(found.run_info.measured_s)]


def _is_bad(second: Second, slo: LoadSlo) -> bool:
    least = slo.worst_second_ratio_min
    slow = second.latency_p99_ms is not None and second.latency_p99_ms > slo.latency_p99_ms_max
    few = least is not None and second.acknowledged + second.refused < least * second.planned
    return bool(second.errors) or slow or few


def _whole(share: float, count: int) -> float:
    # A ratio such as 1 - 0.99 may be slightly above or below the exact value.
    return float(int(share * count + 1e-6))
