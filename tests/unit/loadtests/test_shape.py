"""Shapes of the planned rate: as many writes below the curve as said, each at its time, nonsense refused."""

from bisect import bisect_right
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.plan.schedule import Spacing, planned
from loadtests.plan.shape import Curve, Stretch, curve_of

rates = st.just(0.0) | st.floats(0.01, 2000.0)
stretches = st.builds(Stretch, length_s=st.floats(0.5, 60.0), from_per_s=rates, to_per_s=rates)
curves = st.lists(stretches, min_size=1, max_size=6).map(lambda found: Curve(stretches=tuple(found)))


def area_until(curve: Curve, at_s: float) -> float:
    """The writes due by then, by summing up what the curve is made of: not how it is computed there."""
    area = 0.0
    for stretch in curve.stretches:
        part_s = min(max(at_s, 0.0), stretch.length_s)
        rate = stretch.from_per_s + (stretch.to_per_s - stretch.from_per_s) * part_s / stretch.length_s
        area += part_s * (stretch.from_per_s + rate) / 2.0
        at_s -= stretch.length_s
    return area


@given(curves, st.floats(0.0, 1.0))
def test_a_write_is_due_when_so_many_lie_below_the_curve(curve: Curve, share: float) -> None:
    writes = curve.writes * share
    at_s = curve.time_of(writes)
    assert 0.0 <= at_s <= sum(stretch.length_s for stretch in curve.stretches) + 1e-9
    assert area_until(curve, at_s) == pytest.approx(writes, rel=1e-6, abs=1e-3)


@given(curves, st.lists(st.floats(0.0, 1.0), min_size=2, max_size=20).map(sorted))
def test_later_writes_are_due_later(curve: Curve, shares: list[float]) -> None:
    times_s = [curve.time_of(curve.writes * share) for share in shares]
    assert times_s == pytest.approx(sorted(times_s), abs=1e-6)


@given(st.floats(1.0, 2000.0), st.floats(1.0, 2000.0), st.sampled_from(Spacing))
def test_a_ramp_has_its_rate_at_each_moment(low: float, high: float, spacing: Spacing) -> None:
    curve = curve_of(f"ramp:{low}..{high}", rate_per_s=None, duration_s=10.0)
    assert curve.writes == pytest.approx(10.0 * (low + high) / 2.0)
    plan = planned(
        curve=curve,
        duration_s=10.0,
        weights=(("drawdown", 1),),
        reads_per_write=0.0,
        spacing=spacing,
        seed=1,
    )
    assert plan.measured == round(curve.writes)
    if spacing is Spacing.EVEN:
        halfway = bisect_right(plan.offsets_s, 5.0)
        assert halfway == pytest.approx(5.0 * (low + (low + high) / 2.0) / 2.0, abs=1.5)


def test_steps_have_equal_shares_of_the_duration() -> None:
    curve = curve_of("steps:100,300,50.5", rate_per_s=None, duration_s=6.0)
    seconds = Counter(int(curve.time_of(number)) for number in range(round(curve.writes)))
    assert [seconds[second] for second in range(6)] == [100, 100, 300, 300, 51, 50]


def test_a_recorded_day_is_stretched_and_scaled_to_its_mean(tmp_path: Path) -> None:
    day = tmp_path / "day.csv"
    day.write_text("# Monday\nsecond,writes\n0,10\n3600,0\n7200,50\n10800,20\n")
    curve = curve_of(f"replay:{day}", rate_per_s=200.0, duration_s=8.0)
    seconds = Counter(int(curve.time_of(number) / 2.0) for number in range(round(curve.writes)))
    assert curve.writes == pytest.approx(1600.0)
    assert [seconds[step] for step in range(4)] == [200, 0, 1000, 400]


@pytest.mark.parametrize(
    ("shape", "rate_per_s", "complaint"),
    [
        ("wave", 10.0, "allowed: constant, ramp:A..B"),
        ("constant:5", 10.0, "allowed: constant"),
        ("replay:", 10.0, "allowed: constant"),
        ("ramp:5", None, r"such as ramp:200\.\.1200"),
        ("ramp:a..5", None, "rate 'a'; allowed: a number of writes a second"),
        ("ramp:5..-1", None, "rate '-1'"),
        ("ramp:0..0", None, "at least one rate above 0"),
        ("ramp:5..6", 10.0, "leave --rate out"),
        ("steps:", None, "rate ''"),
        ("steps:1,,2", None, "rate ''"),
        ("steps:1,nan", None, "rate 'nan'"),
        ("steps:inf", None, "rate 'inf'"),
        ("constant", None, "needs --rate"),
    ],
)
def test_what_is_no_shape_is_refused(shape: str, rate_per_s: float | None, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        curve_of(shape, rate_per_s=rate_per_s, duration_s=10.0)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "holds 0 steps; allowed: at least 2 rows"),
        ("second,writes\n0,1\n", "holds 1 steps"),
        ("0,1\n60\n", "row 2 is '60'"),
        ("0,1\n60,-1\n", "row 2 is '60,-1'"),
        ("0,1\n60,x\n", "row 2 is '60,x'"),
        ("0,1\n60,1\n90,1\n", "in equal steps; they grow by 30 to 60"),
        ("0,1\n0,1\n", "in equal steps"),
        ("0,0\n60,0\n", "plans no write"),
    ],
)
def test_a_recorded_day_that_is_none_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    day = tmp_path / "day.csv"
    day.write_text(text)
    with pytest.raises(ValueError, match=complaint):
        curve_of(f"replay:{day}", rate_per_s=10.0, duration_s=10.0)


def test_a_recorded_day_that_is_not_there_is_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"none\.csv cannot be read: No such file"):
        curve_of(f"replay:{tmp_path / 'none.csv'}", rate_per_s=10.0, duration_s=10.0)
