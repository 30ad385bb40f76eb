"""Every reason for which a load does not pass."""

from dataclasses import replace

import pytest

from inventory.slo import LoadSlo
from loadtests.results.figures import LoadFigures
from loadtests.results.judge import judge_record
from proof.percentiles import Latencies
from proof.verdict import Verdict
from tests.unit.loadtests import records

SLO = LoadSlo()
GOOD = {
    "tps_acknowledged": 10.0,
    "writes_recorded": 40,
    "requests": 42,
    "errors": 0,
    "latency_p99_ms": 250.0,
    "standby_lag_p99_ms": 500.0,
    "standby_lag_samples": 16,
    "standby_lag_unknown": 0,
    "standby_lag_unheard": 4,
    "standby_lag_unheard_longest_s": 5.0,
    "sent_ratio": 1.0,
    "latency_p999_ms": 1500.0,
    "worst_second_ratio": 0.6,
}


def found(*, without: str = "", run_info: dict | None = None, **changed: float) -> LoadFigures:
    values = {**GOOD, **changed}
    values.pop(without, None)
    return LoadFigures(
        corrected=Latencies(),
        uncorrected=Latencies(),
        run_info=records.run_info(**(run_info or {})),
        values=values,
        seconds=(),
        errors_by_kind={"rejected: HTTP 503 unavailable": 2, "indeterminate: timed out": 1},
    )


def test_a_run_exactly_at_its_promises_passes():
    assert judge_record(found(), SLO).verdict is Verdict.PASS
    assert judge_record(found(), SLO).reasons == ()


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"tps_acknowledged": 9.99}, "Acknowledged transactions per second: 9.99; promised: at least 10"),
        ({"errors": 3}, "Errors: 3 (2 x rejected: HTTP 503 unavailable, 1 x indeterminate: timed out)"),
        (
            {"latency_p99_ms": 250.1},
            "Latency p99, from the planned start: 250.1 ms; promised",
        ),
        (
            {"latency_p999_ms": 1500.1},
            "Latency p99.9, from planned start: 1500.1 ms; promised",
        ),
        ({"worst_second_ratio": 0.594}, "Worst second, share acknowledged: 0.59; promised: at least 0.60"),
        ({"standby_lag_p99_ms": 501.0}, "Standby lag p99: 501 ms; promised: at most 500 ms"),
    ],
)
def test_a_broken_promise_fails(changed, reason):
    judgement = judge_record(found(**changed), SLO)
    assert judgement.verdict is Verdict.FAIL
    assert len(judgement.reasons) == 1
    assert judgement.reasons[0].startswith(reason)


def test_a_run_that_ended_itself_has_failed():
    run_info = {"stopped_s": records.START_S + 3.0, "aborted": "3 errors; the whole run may have 0"}
    judgement = judge_record(found(run_info=run_info, errors=3), SLO)
    assert judgement.verdict is Verdict.FAIL
    assert judgement.reasons[0] == (
        "ended after 3.0 of 4 s, as a promise could not be kept: 3 errors; the whole run may have 0"
    )


@pytest.mark.parametrize(
    ("run_info", "changed", "reason"),
    [
        ({"stopped_s": records.START_S + 3.0}, {}, "ended after 3.0 of 4 s"),
        ({}, {"writes_recorded": 39}, "the ledger holds 39 of 40 planned writes"),
        ({"cpu_percent": 90.5}, {}, "the load generator used 90 % of a core"),
        ({"lateness_p99_ms": 101.0}, {}, "started ready arrivals up to 101 ms late"),
        ({}, {"standby_lag_samples": 0}, "the standby was not seen to follow: 4 samples"),
        (
            {},
            {"standby_lag_unheard": 5},
            "neither database answered 5 of 21 samples of the lag; allowed: at most 20%",
        ),
        (
            {"held_back": 1},
            {"sent_ratio": 37 / 40},
            "0.9250 of the 40 planned writes were sent in their time",
        ),
    ],
)
def test_a_run_that_was_not_the_planned_one_proves_nothing_not_even_a_failure(run_info, changed, reason):
    judgement = judge_record(found(run_info=run_info, errors=3, **changed), SLO)
    assert judgement.verdict is Verdict.INVALID
    assert reason in judgement.reasons[0]
    assert any(each.startswith("Errors: 3") for each in judgement.reasons[1:])


@pytest.mark.parametrize(
    ("figures", "reason"),
    [
        (
            found(standby_lag_samples=1, standby_lag_unheard=0),
            "the standby's lag was measured 1 times; needed: at least 2",
        ),
        (
            found(standby_lag_unheard_longest_s=5.1),
            "for 5.1 s without a break no database reported its position",
        ),
        (
            found(without="latency_p99_ms"),
            "Latency p99, from the planned start: not measured (no write was acknowledged)",
        ),
        (
            found(without="standby_lag_p99_ms", standby_lag_unknown=1),
            "Standby lag p99: not measured (1 of 17 samples show no standby that follows",
        ),
    ],
)
def test_a_missing_measurement_is_no_pass_and_no_excuse(figures, reason):
    judgement = judge_record(figures, SLO)
    assert judgement.verdict is Verdict.INVALID
    assert judgement.reasons[0].startswith(reason)
    failed = replace(figures, values={**figures.values, "errors": 1})
    assert judge_record(failed, SLO).verdict is Verdict.FAIL
    assert len(judge_record(failed, SLO).reasons) == 2


def test_what_is_not_promised_breaks_nothing():
    loose = LoadSlo(latency_p999_ms_max=None, worst_second_ratio_min=None)
    slow = found(latency_p50_ms=9e9, latency_p95_ms=9e9, latency_p999_ms=9e9, worst_second_ratio=0.0)
    assert judge_record(slow, loose).verdict is Verdict.PASS
    strict = replace(loose, latency_p50_ms_max=20.0, latency_p95_ms_max=50.0)
    assert [reason.split(",")[0] for reason in judge_record(slow, strict).reasons] == [
        "Latency p50",
        "Latency p95",
    ]


def test_all_reasons_are_given():
    judgement = judge_record(
        found(tps_acknowledged=1.0, errors=1, latency_p99_ms=9e9, standby_lag_p99_ms=9e9), SLO
    )
    assert len(judgement.reasons) == 4


def test_a_generator_may_stand_still_for_a_second_and_no_longer():
    assert judge_record(found(run_info={"stall_ms": 1000.0}), SLO).verdict is Verdict.PASS
    judgement = judge_record(found(run_info={"stall_ms": 1001.0}), SLO)
    assert judgement.verdict is Verdict.INVALID
    assert judgement.reasons[0].startswith(
        "the load generator itself stood still for 1.0 s; allowed: at most 1 s"
    )
