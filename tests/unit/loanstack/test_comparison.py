"""Ratios of two databases over rounds, and what the runs together prove."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.database_kind import DatabaseKind
from loanstack.results import comparison
from loanstack.results.comparison import COMPARED, OURS, PEER, Ran
from proof.titles import shown, unit
from proof.verdict import Verdict


def ran(
    database: DatabaseKind,
    round_: int = 1,
    *,
    verdict: Verdict = Verdict.PASS,
    exact: bool = True,
    reasons: tuple[str, ...] = (),
    **figures: float,
) -> Ran:
    return Ran(
        database=database,
        round=round_,
        folder=f"{round_}-{database}",
        verdict=verdict,
        is_exact=exact,
        reasons=reasons,
        figures=figures,
    )


def figures_of(*runs: Ran) -> dict[str, float]:
    return {name: value for row in comparison.compare(runs) for name, value in row.figures.items()}


def test_ratios_are_ours_over_the_peer_s_round_by_round() -> None:
    found = figures_of(
        ran(OURS, 1, latency_p99_ms=20.0, tps_acknowledged=800.0),
        ran(PEER, 1, latency_p99_ms=40.0, tps_acknowledged=800.0),
        ran(OURS, 2, latency_p99_ms=40.0, tps_acknowledged=800.0),
        ran(PEER, 2, latency_p99_ms=20.0, tps_acknowledged=800.0),
    )
    assert found["ratio_latency_p99_ms"] == 1.0
    assert (found["ratio_latency_p99_ms_min"], found["ratio_latency_p99_ms_max"]) == (0.5, 2.0)
    assert found["ratio_tps"] == 1.0
    assert found["oceanbase_latency_p99_ms"] == pytest.approx(math.sqrt(800.0), abs=1e-3)


def test_a_round_that_lacks_one_side_is_left_out() -> None:
    found = figures_of(
        ran(OURS, 1, tps_acknowledged=900.0),
        ran(PEER, 1, tps_acknowledged=300.0),
        ran(OURS, 2, tps_acknowledged=10.0),
    )
    assert (found["ratio_tps"], found["oceanbase_tps_acknowledged"]) == (3.0, 900.0)


def test_a_run_that_proves_nothing_is_compared_with_nothing() -> None:
    assert (
        figures_of(ran(OURS, tps_acknowledged=9.0), ran(PEER, verdict=Verdict.INVALID, tps_acknowledged=1.0))
        == {}
    )


def test_what_is_zero_on_one_side_has_no_ratio() -> None:
    assert figures_of(ran(OURS, standby_lag_p99_ms=5.0), ran(PEER, standby_lag_p99_ms=0.0)) == {}


@given(
    pairs=st.lists(
        st.tuples(st.floats(min_value=0.01, max_value=1e4), st.floats(min_value=0.01, max_value=1e4)),
        min_size=1,
        max_size=6,
    )
)
def test_the_ratio_lies_within_its_spread_and_turns_over_with_the_sides(
    pairs: list[tuple[float, float]],
) -> None:
    def row(ours: int, peer: int) -> comparison.Row:
        runs = [
            ran(database, number, tps_acknowledged=pair[side])
            for number, pair in enumerate(pairs, start=1)
            for database, side in ((OURS, ours), (PEER, peer))
        ]
        (found,) = comparison.compare(runs)
        return found

    there, back = row(0, 1), row(1, 0)
    assert there.least <= there.ratio * (1 + 1e-9)
    assert there.ratio <= there.most * (1 + 1e-9)
    assert there.ratio * back.ratio == pytest.approx(1.0)
    assert there.ratio == pytest.approx(there.ours / there.peer)


BOTH = (ran(OURS), ran(PEER))


def test_all_runs_valid_and_exact_is_a_pass_whichever_way_the_ratios_fall() -> None:
    assert comparison.judge(BOTH, rounds=1) == (Verdict.PASS, ())
    slower = (ran(OURS, tps_acknowledged=1.0), ran(PEER, tps_acknowledged=100.0))
    assert comparison.judge(slower, rounds=1)[0] is Verdict.PASS


def test_a_broken_promise_of_one_side_is_a_result_and_is_said() -> None:
    broken = ran(PEER, verdict=Verdict.FAIL, reasons=("latency p99 300 ms; promised: at most 250 ms",))
    assert comparison.judge((ran(OURS), broken), rounds=1)[0] is Verdict.PASS
    assert "1-mariadb, promise not kept: latency p99 300 ms; promised: at most 250 ms" in comparison.summary(
        (), (ran(OURS), broken)
    )


@pytest.mark.parametrize(
    ("runs", "verdict"),
    [
        ((ran(OURS), ran(PEER, verdict=Verdict.INVALID, reasons=("busy",))), Verdict.INVALID),
        ((ran(OURS), ran(PEER, exact=False, verdict=Verdict.FAIL, reasons=("1 fen",))), Verdict.FAIL),
        ((ran(OURS, exact=False, verdict=Verdict.INVALID, reasons=("x",)), ran(PEER)), Verdict.FAIL),
        ((ran(OURS),), Verdict.INVALID),
        ((), Verdict.INVALID),
    ],
)
def test_what_is_no_proof(runs: tuple[Ran, ...], verdict: Verdict) -> None:
    found, reasons = comparison.judge(runs, rounds=1)
    assert found is verdict
    assert reasons


def test_the_claim_stands_beside_what_was_measured() -> None:
    runs = (ran(OURS, tps_acknowledged=1500.0), ran(PEER, tps_acknowledged=1000.0))
    (line,) = comparison.summary(comparison.compare(runs), runs)
    assert "OceanBase 1,500, MariaDB 1,000; measured 1.50 times, claimed 3 times" in line
    assert "--find-capacity" in line
    capacity = tuple(
        ran(database, capacity_tps=tps, tps_acknowledged=1.0)
        for database, tps in ((OURS, 1300.0), (PEER, 1300.0))
    )
    (line,) = comparison.summary(comparison.compare(capacity), capacity)
    assert line.startswith("Capacity")
    assert "--find-capacity" not in line


def test_a_ratio_has_no_unit() -> None:
    for name in COMPARED.values():
        assert unit(name) == unit(f"{name}_max") == ""
    assert shown("ratio_latency_p99_ms", 0.51) == "0.51"
    assert shown("oceanbase_latency_p99_ms", 20.0) == "20 ms"
