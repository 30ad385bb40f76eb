"""What a worker's clock is ahead, from questions and answers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.results.clocks import ClockReading, Offset, offset, worse

way_s = st.floats(0.0, 0.5)


def answer(ahead_s: float, there_s: float, back_s: float, sent_s: float = 1000.0) -> ClockReading:
    return ClockReading(
        sent_s=sent_s, theirs_s=sent_s + there_s + ahead_s, received_s=sent_s + there_s + back_s
    )


@given(st.floats(-5.0, 5.0), st.lists(st.tuples(way_s, way_s), min_size=1, max_size=9))
def test_a_clock_is_never_further_off_than_is_said(ahead_s, ways):
    found = offset(answer(ahead_s, there_s, back_s) for there_s, back_s in ways)
    assert abs(found.ahead_ms - ahead_s * 1000.0) <= found.give_or_take_ms + 0.001
    assert found.at_most_ms >= abs(ahead_s) * 1000.0 - 0.001


def test_the_quickest_answer_tells():
    found = offset([answer(0.25, 0.4, 0.0), answer(0.25, 0.001, 0.001), answer(0.25, 0.0, 0.4)])
    assert found == pytest.approx((250.0, 1.0), abs=0.001)


def test_of_two_measurements_the_worse_counts():
    near, far, vague = Offset(1.0, 0.5), Offset(-9.0, 0.5), Offset(0.0, 30.0)
    assert worse(near, far) == worse(far, near) == far
    assert worse(far, vague) == vague
    assert (worse(None, near), worse(near, None), worse(None, None)) == (near, near, None)
