"""Shares of a load: together they are the whole, and no two have anything in common."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.plan.schedule import Spacing, planned
from loadtests.plan.shape import curve_of
from loadtests.plan.share import WHOLE, Share
from tests.unit.loadtests.test_schedule import WEIGHTS

workers = st.integers(1, 9)


def shares(of: int) -> list[Share]:
    return [Share(number=number, of=of) for number in range(1, of + 1)]


@given(workers, st.integers(10, 400), st.floats(0.0, 3.0), st.sampled_from(Spacing), st.integers())
def test_shares_partition_a_plan(of, rate, reads, spacing, seed):
    whole = planned(
        curve=curve_of("constant", rate_per_s=rate, duration_s=2.0),
        duration_s=2.0,
        weights=WEIGHTS,
        reads_per_write=reads,
        spacing=spacing,
        seed=seed,
        warm_up_s=1.0,
    )
    parts = [share.plan(whole) for share in shares(of)]
    arrivals = [part.arrival(index, 1000.0) for part in parts for index in range(len(part))]
    assert sorted(arrivals) == [whole.arrival(number, 1000.0) for number in range(len(whole))]
    assert [arrival.number % of for arrival in arrivals] == [
        worker for worker, part in enumerate(parts) for _ in range(len(part))
    ]
    assert sum(part.measured for part in parts) == whole.measured
    assert sum(part.rate_per_s for part in parts) == pytest.approx(whole.rate_per_s)


@given(workers, st.integers(1, 300))
def test_shares_partition_the_users_who_keep_their_customers(of, users):
    found = [list(share.users(users)) for share in shares(of)]
    assert sorted(number for part in found for number in part) == list(range(users))


def test_one_worker_makes_the_whole():
    assert shares(1) == [WHOLE]
    assert list(WHOLE.users(3)) == [0, 1, 2]
