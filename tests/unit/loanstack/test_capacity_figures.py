"""What a search concludes: the confidence of its ends, the knee, figures, verdict and words."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loanstack.capacity.conclusion import conclude
from loanstack.capacity.confidence import interval, statement
from loanstack.capacity.knee import knee
from loanstack.capacity.probed import Probed, as_json, curve, from_json, ran_out
from loanstack.capacity.search import Probe, Search
from proof.verdict import Verdict

PASS, FAIL, INVALID = Verdict.PASS, Verdict.FAIL, Verdict.INVALID
SEARCH = Search(from_per_s=400, to_per_s=10_000, resolution=0.1, repeats=1, promised_per_s=1200)
FREE = Search(from_per_s=400, to_per_s=10_000, resolution=0.1, repeats=1)
FOUND = ((400, PASS), (800, PASS), (1600, FAIL), (1200, PASS), (1386, FAIL), (1290, FAIL))


def probes(*found: tuple[int, Verdict]) -> list[Probe]:
    return [Probe(rate_per_s=rate, verdict=verdict) for rate, verdict in found]


def probed(rate: int, verdict: Verdict, p99_ms: float, ran_out: str = "ran out: x") -> Probed:
    return Probed(
        folder=f"probe-{rate}",
        rate_per_s=rate,
        verdict=verdict,
        reasons=(),
        figures={"latency_p99_ms": p99_ms},
        ran_out=ran_out,
    )


@pytest.mark.parametrize(
    ("passed", "valid", "low", "high"),
    # The ends where all or none passed are (alpha / 2) ** (1 / n); the others as R's binom.test gives them.
    [
        (3, 3, 0.025 ** (1 / 3), 1.0),
        (0, 3, 0.0, 1 - 0.025 ** (1 / 3)),
        (8, 10, 0.4439, 0.9748),
        (1, 1, 0.025, 1),
    ],
)
def test_the_interval_is_the_exact_one(passed: int, valid: int, low: float, high: float) -> None:
    assert interval(passed, valid) == pytest.approx((low, high), abs=1e-4)


@given(st.integers(1, 40).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_covers_what_was_seen_and_is_mirrored(counts: tuple[int, int]) -> None:
    passed, valid = counts
    low, high = interval(passed, valid)
    assert 0.0 <= low <= passed / valid <= high <= 1.0
    assert interval(valid - passed, valid) == pytest.approx((1 - high, 1 - low), abs=1e-9)


def test_the_confidence_is_said_with_its_source() -> None:
    assert (
        statement(3, 3)
        == "3 of 3 passed; 95% Clopper-Pearson: a probe there passes with probability 0.29 to 1.00"
    )


@pytest.mark.parametrize(
    ("points", "expected"),
    # As the package kneed 0.9.0 finds them on the logarithms (S=1, convex, increasing).
    [
        ([(100, 20), (200, 21), (400, 22), (800, 25), (1131, 40), (1345, 300), (1600, 5000)], 1131),
        ([(100, 10), (200, 20), (300, 30), (400, 40)], None),
        ([(100, 20), (200, 21), (400, 22), (800, 25)], None),
        ([(100, 20), (200, 20), (800, 5000)], None),
    ],
)
def test_the_knee_is_where_kneedle_finds_it(
    points: list[tuple[float, float]], expected: float | None
) -> None:
    assert knee(points) == expected


@given(st.floats(0.1, 100.0), st.floats(0.5, 50.0))
def test_the_knee_does_not_depend_on_units(per_rate: float, per_ms: float) -> None:
    points = [(100.0, 20.0), (400.0, 22.0), (800.0, 25.0), (1131.0, 40.0), (1345.0, 900.0), (1600.0, 5000.0)]
    scaled = knee([(rate * per_rate, ms * per_ms) for rate, ms in points])
    assert scaled == pytest.approx(1131.0 * per_rate)


def test_no_knee_where_latency_is_the_same_everywhere() -> None:
    assert knee([(100, 5), (200, 5), (300, 5), (400, 5)]) is None


def test_a_capacity_has_both_its_ends() -> None:
    found = conclude(SEARCH, probes(*FOUND))
    assert found.verdict is PASS
    assert found.figures == {
        "capacity_tps": 1200,
        "capacity_tps_low": 1200,
        "capacity_tps_high": 1290,
        "capacity_probes": 6,
        "capacity_probes_invalid": 0,
    }
    assert found.summary[0] == "capacity: 1,200/s keep every promise, 1,290/s do not"
    assert len(found.summary) == 3


def test_a_capacity_below_the_promise_fails() -> None:
    found = conclude(
        SEARCH,
        probes((400, PASS), (800, PASS), (1600, FAIL), (1200, FAIL), (980, FAIL), (885, FAIL), (841, PASS)),
    )
    assert (found.verdict, found.reasons) == (FAIL, ("capacity: below 885/s; promised: at least 1,200/s",))


def test_what_was_not_probed_is_a_lower_bound_and_no_capacity() -> None:
    to_100 = Search(from_per_s=50, to_per_s=100, resolution=0.05, repeats=1, promised_per_s=1200)
    found = conclude(to_100, probes((50, PASS), (100, PASS)))
    assert found.summary[0] == "capacity: at least 100/s; nothing above 100/s was probed"
    assert found.verdict is INVALID
    assert "capacity_tps" not in found.figures
    assert found.figures["capacity_tps_low"] == 100
    no_promise = Search(from_per_s=50, to_per_s=100, resolution=0.05, repeats=1)
    assert conclude(no_promise, probes((50, PASS), (100, PASS))).verdict is PASS


def test_a_lower_bound_that_is_high_enough_keeps_the_promise() -> None:
    low = Search(from_per_s=900, to_per_s=1300, resolution=0.05, repeats=1, promised_per_s=1200)
    found = conclude(low, probes((900, PASS), (1300, PASS)))
    assert (found.verdict, "capacity_tps" in found.figures) == (PASS, False)


def test_a_rate_at_which_nothing_was_proved_is_no_end() -> None:
    blind = [(rate, INVALID) for rate in (800, 566, 476, 436) for _ in range(3)]
    found = conclude(FREE, probes((400, PASS), *blind))
    assert found.verdict is INVALID
    assert found.reasons == ("nothing was proved at 436/s in 3 tries",)
    assert "capacity_tps_high" not in found.figures
    assert found.figures["capacity_probes_invalid"] == 12


@pytest.mark.parametrize(("search", "verdict"), [(FREE, FAIL), (SEARCH, FAIL)])
def test_a_first_rate_that_is_not_kept_is_no_capacity(search: Search, verdict: Verdict) -> None:
    found = conclude(search, probes((400, FAIL)))
    assert found.verdict is verdict
    assert found.summary[0] == "capacity: below 400/s, the lowest rate that was probed"


def test_a_first_rate_above_the_promise_proves_nothing_about_it() -> None:
    high = Search(from_per_s=1500, to_per_s=3000, resolution=0.1, repeats=1, promised_per_s=1200)
    assert conclude(high, probes((1500, FAIL))).verdict is INVALID


def test_what_was_found_before_an_early_end_is_said_and_proves_nothing() -> None:
    found = conclude(SEARCH, probes(*FOUND[:4]), ended="interrupted")
    assert (found.verdict, found.reasons) == (INVALID, ("interrupted",))
    assert found.summary[0] == "capacity, as far as it was searched: at least 1,200/s, below 1,600/s"
    assert "capacity_tps" not in found.figures
    assert conclude(SEARCH, [], ended="interrupted").summary == ("capacity: nothing was measured",)


def test_money_that_is_wrong_outranks_every_capacity() -> None:
    found = conclude(SEARCH, probes(*FOUND), corrupt="2-probe: 1 write missing")
    assert (found.verdict, found.reasons) == (FAIL, ("2-probe: 1 write missing",))
    assert "capacity_tps" not in found.figures


def test_the_curve_is_of_medians_and_knows_no_invalid_probe() -> None:
    done = [
        probed(200, PASS, 30.0),
        probed(100, PASS, 10.0),
        probed(200, FAIL, 50.0),
        probed(300, INVALID, 9.0),
    ]
    assert curve(done, "latency_p99_ms") == [(100.0, 10.0), (200.0, 40.0)]


def test_what_ran_out_is_said_by_the_first_failure_at_the_upper_end() -> None:
    done = [
        probed(100, PASS, 10.0, "a"),
        probed(400, FAIL, 10.0, "b"),
        probed(200, INVALID, 10.0, "c"),
        probed(200, FAIL, 10.0, "d"),
        probed(200, FAIL, 10.0, "e"),
    ]
    assert ran_out(done) == "at 200/s d"
    assert ran_out(done[:1]) is None


def test_probes_survive_their_file() -> None:
    done = [probed(100, PASS, 10.0), probed(200, INVALID, 10.0)]
    found = as_json(FREE, done, conclude(FREE, [one.probe for one in done]), limit_ms=250.0)
    assert from_json(found) == tuple(done)
    assert math.isclose(found["latency_p99_ms_max"], 250.0)
