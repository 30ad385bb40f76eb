"""What may break a promise, what did, and when nothing can mend it any more."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.slo import LoadSlo
from loadtests.results import budget, figures
from proof.percentiles import Latencies
from proof.record import Outcome, Write
from tests.unit.loadtests import records

SLO = LoadSlo(latency_p50_ms_max=50.0, latency_p95_ms_max=100.0)


def slow(at_s: float, ms: float) -> Write:
    return records.write(at_s, ended_s=records.START_S + at_s + ms / 1000.0)


def meter(writes: int, slo: LoadSlo = SLO) -> budget.Meter:
    return budget.Meter(budget.budgets(slo, writes=writes, requests=writes))


@pytest.mark.parametrize(
    ("slo", "name", "allowed"),
    [
        (SLO, "errors", 0),
        (LoadSlo(errors_max=3), "errors", 3),
        (LoadSlo(error_ratio_max=0.0001), "errors", 13),
        (SLO, "not_acknowledged", 0),
        (LoadSlo(tps_ratio_min=0.99), "not_acknowledged", 1200),
        (SLO, "latency_p50_ms", 60_000),
        (SLO, "latency_p95_ms", 6000),
        (SLO, "latency_p99_ms", 1200),
        (SLO, "latency_p999_ms", 120),
    ],
)
def test_what_a_promise_allows(slo: LoadSlo, name: str, allowed: int) -> None:
    found = {one.name: one.requests for one in budget.budgets(slo, writes=120_000, requests=130_000)}
    assert found[name] == allowed


def test_a_latency_that_is_not_promised_has_no_budget() -> None:
    names = {one.name for one in budget.budgets(LoadSlo(latency_p999_ms_max=None), writes=10, requests=10)}
    assert names == {"errors", "not_acknowledged", "latency_p99_ms"}


def test_it_is_overspent_with_the_first_request_above_it() -> None:
    counting = meter(1000)
    for number in range(10):
        counting.add(slow(number, 250.1))
    assert counting.overspent() is None
    counting.add(slow(10, 250.1))
    assert counting.overspent() == "11 writes slower than 250 ms; the whole run may have 10"


def test_errors_count_wherever_they_happen_and_latency_where_it_is_measured() -> None:
    counting = meter(100)
    counting.add(records.write(-1.0, warm_up=True, ended_s=records.START_S + 9.0))
    counting.add(slow(1.0, 250.0))
    assert counting.overspent() is None
    counting.add(records.read(1.0, error="HTTP 504"))
    assert counting.overspent() == "1 errors; the whole run may have 0"
    counting.add(records.write(-1.0, warm_up=True, outcome=Outcome.INDETERMINATE, status=504))
    assert counting.overspent() == "2 errors; the whole run may have 0"
    counting.add(records.write(2.0, outcome=Outcome.UNSENT, status=0))
    assert "1 writes that were not acknowledged" in str(counting.overspent())


@given(st.lists(st.floats(min_value=0.1, max_value=5000.0), min_size=1, max_size=60))
def test_a_run_that_spent_within_its_budgets_keeps_its_percentiles(latencies_ms: list[float]) -> None:
    """Only what is certain ends a run: what is overspent is broken, by the nearest-rank percentile itself."""
    writes = [slow(number / 100.0, ms) for number, ms in enumerate(latencies_ms)]
    counting = meter(len(writes))
    for write in writes:
        counting.add(write)
    found = Latencies()
    for ms in latencies_ms:
        found.add(ms / 1000.0)
    broken = any(
        # Within the histogram's precision both answers are right.
        found.percentile_ms(percent) > limit_ms * 1.002
        for percent, limit_ms in ((50.0, 50.0), (95.0, 100.0), (99.0, 250.0), (99.9, 1500.0))
    )
    if broken:
        assert counting.overspent() is not None


def test_the_record_says_the_same_as_the_meter() -> None:
    writes = [*records.all_acknowledged()[:-2], slow(3.8, 300.0), slow(3.9, 1600.0)]
    counting = meter(40)
    for write in writes:
        counting.add(write)
    found = figures.of_records(records.run_info(), writes, [records.read(1.0, error="HTTP 504")], [])
    spent = {one.budget.name: one for one in budget.spent(found, SLO)}
    assert spent["latency_p99_ms"].requests == 2
    assert spent["latency_p95_ms"].percent == 100.0
    assert not spent["latency_p95_ms"].is_over
    assert spent["latency_p999_ms"].is_over
    assert spent["errors"].requests == 1
    assert counting.overspent() == "; ".join(
        str(one) for one in spent.values() if one.is_over and one.budget.name != "errors"
    )
    values = budget.figures(found, SLO)
    assert values["budget_latency_p95_ms_requests"] == values["budget_latency_p95_ms_spent_requests"] == 2
    assert values["bad_seconds"] == 1


def test_bad_seconds_are_slow_or_failed_or_starved() -> None:
    good = figures.Second(
        second=0,
        planned=10,
        acknowledged=10,
        errors=0,
        latency_p50_ms=10.0,
        latency_p99_ms=250.0,
        latency_max_ms=250.0,
        latency_counts=(),
    )
    seconds = (
        good,
        replace(good, second=1, errors=1),
        replace(good, second=2, latency_p99_ms=250.1),
        replace(good, second=3, acknowledged=5),
        replace(good, second=4, acknowledged=6),
        replace(good, second=5, acknowledged=0, latency_p99_ms=None),
    )
    assert budget.bad_seconds(seconds, SLO) == (1, 2, 3, 5)
