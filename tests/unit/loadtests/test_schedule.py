"""The planned arrivals: as many as promised, where promised, each handed out once."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.plan.schedule import Plan, Schedule, Spacing, duration_s, planned
from loadtests.plan.shape import curve_of

WEIGHTS = (("drawdown", 44), ("repayment", 38), ("freeze", 0), ("grant", 18))

rates = st.one_of(st.integers(1, 2000), st.floats(0.5, 2000.0))
durations = st.floats(2.0, 5.0)


def plan(rate_per_s: float, seconds: float, spacing: Spacing, seed: int = 1, reads: float = 0.05) -> Plan:
    return planned(
        curve=curve_of("constant", rate_per_s=rate_per_s, duration_s=seconds),
        duration_s=seconds,
        weights=WEIGHTS,
        reads_per_write=reads,
        spacing=spacing,
        seed=seed,
    )


@given(rates, durations, st.sampled_from(Spacing), st.integers())
def test_a_plan_has_exactly_rate_times_duration_arrivals_in_order_within_it(rate, seconds, spacing, seed):
    found = plan(rate, seconds, spacing, seed)
    assert len(found) == len(found.operations) == round(rate * seconds)
    assert list(found.offsets_s) == sorted(found.offsets_s)
    assert found.offsets_s[0] >= 0.0
    assert found.offsets_s[-1] <= seconds


@given(rates, st.integers(1, 10_000_000))
def test_even_spacing_does_not_drift(rate, number):
    found = plan(rate, 2.0, Spacing.EVEN)
    assert found.offsets_s[len(found) - 1] == (len(found) - 1) / rate
    # Adding up 1/rate instead would be off by much more than this after millions of arrivals.
    assert abs(number / rate * rate - number) <= 1e-9 * number


def test_even_spacing_puts_the_rate_into_every_second():
    found = plan(1000, 5.0, Spacing.EVEN)
    assert Counter(int(offset) for offset in found.offsets_s) == dict.fromkeys(range(5), 1000)


def test_poisson_spacing_is_irregular_and_keeps_the_total():
    found = plan(1000, 5.0, Spacing.POISSON)
    in_second = Counter(int(offset) for offset in found.offsets_s)
    assert sum(in_second.values()) == 5000
    assert len(set(in_second.values())) > 1
    assert all(800 < count < 1200 for count in in_second.values())


@given(st.integers(1, 2000), st.floats(0.0, 20.0), st.sampled_from(Spacing))
def test_a_warm_up_grows_evenly_then_stays_and_leaves_what_is_measured_alone(rate, warm_up_s, spacing):
    found = planned(
        curve=curve_of("constant", rate_per_s=rate, duration_s=2.0),
        duration_s=2.0,
        weights=WEIGHTS,
        reads_per_write=0.0,
        spacing=spacing,
        seed=1,
        warm_up_s=warm_up_s,
    )
    early = [offset for offset in found.offsets_s if offset < 0.0]
    assert found.measured == 2 * rate
    assert len(found.operations) == len(found) == len(early) + 2 * rate
    assert list(found.offsets_s) == sorted(found.offsets_s)
    assert all(-warm_up_s <= offset for offset in early)

    def between(since: float, until: float) -> int:
        return sum(since * warm_up_s <= offset < until * warm_up_s for offset in early)

    # It grows in the first half, whose second half then holds three quarters of it, and stays in the second.
    assert between(-1.0, -0.5) == pytest.approx(rate * warm_up_s / 4.0, abs=1)
    assert between(-0.75, -0.5) == pytest.approx(0.75 * rate * warm_up_s / 4.0, abs=2)
    assert between(-0.5, -0.25) == pytest.approx(rate * warm_up_s / 4.0, abs=1)
    assert between(-0.25, 0.0) == pytest.approx(rate * warm_up_s / 4.0, abs=1)


def test_the_same_seed_plans_the_same_run_and_another_one_another():
    first, again, other = (plan(500, 2.0, Spacing.POISSON, seed) for seed in (7, 7, 8))
    assert (list(first.offsets_s), first.operations) == (list(again.offsets_s), again.operations)
    assert first.operations != other.operations


def test_the_mix_follows_the_weights_and_leaves_out_what_has_none():
    mix = Counter(plan(2000, 5.0, Spacing.EVEN).operations)
    assert set(mix) == {"drawdown", "repayment", "grant"}
    assert mix["drawdown"] == pytest.approx(4400, rel=0.1)


@given(st.integers(1, 500), st.floats(0.0, 30.0))
def test_reads_ride_along_in_their_share(count, share):
    found = plan(count, 1.0, Spacing.EVEN, reads=share)
    reads = sum(found.arrival(number, 0.0).reads for number in range(count))
    assert reads == int(count * share)


def test_a_schedule_hands_out_each_arrival_once_at_its_time():
    schedule = Schedule(plan(10, 1.0, Spacing.EVEN), start_s=100.0)
    taken = [schedule.take() for _ in range(11)]
    assert [arrival.number for arrival in taken[:10]] == list(range(10))
    assert taken[3].planned_s == 100.3
    assert taken[10] is None


def test_a_stopped_schedule_hands_out_nothing_more():
    schedule = Schedule(plan(10, 1.0, Spacing.EVEN), start_s=0.0)
    schedule.take()
    schedule.stop(after=2)
    assert schedule.left == 1
    assert schedule.take() is not None
    assert schedule.take() is None
    assert (schedule.taken, schedule.left) == (2, 0)


def test_a_stop_takes_nothing_back_and_adds_nothing():
    schedule = Schedule(plan(10, 1.0, Spacing.EVEN), start_s=0.0)
    taken = [schedule.take() for _ in range(3)]
    schedule.stop(after=1)
    assert (len(taken), schedule.left) == (3, 0)
    schedule.stop(after=99)
    assert schedule.take() is None


@pytest.mark.parametrize(("text", "seconds"), [("120s", 120.0), ("2m", 120.0), ("1h", 3600.0), ("0.5s", 0.5)])
def test_durations(text, seconds):
    assert duration_s(text) == seconds


@pytest.mark.parametrize("text", ["120", "", "s", "-5s", "0s", "1d", "10 s", "1e3s", "nan", "１２s0"])
def test_a_duration_without_a_sound_number_and_unit_is_refused(text):
    with pytest.raises(ValueError, match="allowed: a number above 0 with its unit"):
        duration_s(text)


def test_nothing_planned_is_refused():
    with pytest.raises(ValueError, match="plans no write"):
        plan(0.1, 1.0, Spacing.EVEN)
    with pytest.raises(ValueError, match="at least one above 0"):
        planned(
            curve=curve_of("constant", rate_per_s=1, duration_s=1),
            duration_s=1,
            weights=(("drawdown", 0),),
            reads_per_write=0,
            spacing=Spacing.EVEN,
            seed=1,
        )
