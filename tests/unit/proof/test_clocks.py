"""What another clock is ahead, from questions and answers; and what a run with such clocks proves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory import environment
from inventory.model import Role
from proof import clocks, promised
from proof.clocks import ClockReading, Offset, offset, worse
from proof.objectives import evaluate
from proof.record import HostClock, Moment
from proof.verdict import Verdict, overall

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
    assert found.at_least_ms <= abs(ahead_s) * 1000.0 + 0.001


def test_the_quickest_answer_tells():
    found = offset([answer(0.25, 0.4, 0.0), answer(0.25, 0.001, 0.001), answer(0.25, 0.0, 0.4)])
    assert found == pytest.approx((250.0, 1.0), abs=0.001)


def test_of_two_measurements_the_worse_counts():
    near, far, vague = Offset(1.0, 0.5), Offset(-9.0, 0.5), Offset(0.0, 30.0)
    assert worse(near, far) == worse(far, near) == far
    assert worse(far, vague) == vague
    assert (worse(None, near), worse(near, None), worse(None, None)) == (None, None, None)


LAB = environment("lab")
LIMIT_MS = promised.CLOCKS_TOGETHER.limit


def read_of_all(**ahead_ms: float | None) -> tuple[HostClock, ...]:
    """Clocks of all hosts at both moments, known to 1 ms: `ob_a_end=70.0`; the others are 0.2 ms ahead."""
    told = {name.replace("_", "-"): ms for name, ms in ahead_ms.items()}
    found = []
    for host in LAB.hosts:
        for moment in Moment:
            ms = told.get(f"{host.name}-{moment}", 0.2)
            unsure_ms = None if ms is None else 1.0
            found.append(HostClock(host=host.name, moment=moment, ahead_ms=ms, give_or_take_ms=unsure_ms))
    return tuple(found)


def judged(found: tuple[HostClock, ...]) -> tuple[Verdict, tuple[str, ...]]:
    return overall(evaluate([promised.CLOCKS_TOGETHER], clocks.figures(found), details=clocks.details(found)))


def test_the_furthest_clock_is_shown_with_how_well_it_is_known() -> None:
    assert clocks.figures(read_of_all(ob_a_begin=-7.0, gw_a_end=3.0)) == {
        "clock_offset_max_ms": 7.0,
        "clock_offset_uncertainty_ms": 1.0,
        "clock_offset_certain_ms": 6.0,
    }


@pytest.mark.parametrize("sign", [-1.0, 1.0])
@pytest.mark.parametrize("moment", Moment)
def test_a_clock_that_is_certainly_apart_leaves_the_run_unproved(sign: float, moment: Moment) -> None:
    within = read_of_all(**{f"ob_b_{moment}": sign * (LIMIT_MS + 1.0)})
    assert judged(within).verdict is Verdict.PASS
    apart_ms = sign * (LIMIT_MS + 70.0)
    verdict, (reason,) = judged(read_of_all(**{f"ob_b_{moment}": apart_ms}))
    assert verdict is Verdict.INVALID
    assert f"119 ms (ob-b {apart_ms:+.1f} ms, give or take 1.0, at the {moment} of the run)" in reason
    assert reason.endswith("allowed: at most 50 ms")


def test_a_clock_that_may_be_apart_is_not_blamed() -> None:
    vague = HostClock(host="ob-b", moment=Moment.BEGIN, ahead_ms=300.0, give_or_take_ms=290.0)
    assert judged((vague,)).verdict is Verdict.PASS


def test_clocks_that_nobody_read_leave_the_run_unproved() -> None:
    silent = [f"{host.name}-{moment}".replace("-", "_") for host in LAB.hosts for moment in Moment]
    for found in ((), read_of_all(**dict.fromkeys(silent))):
        assert judged(found).verdict is Verdict.INVALID


def test_a_host_that_does_not_tell_its_time_is_named_unless_the_fault_hit_it() -> None:
    assert list(clocks.unread(read_of_all(), LAB)) == []
    found = read_of_all(ob_a_end=None, gw_a_end=None, ob_b_begin=None)
    assert list(clocks.unread(found, LAB, broken={"ob-a", "ob-b"})) == [
        "the clocks of ob-b could not be read at the begin of the run",
        "the clocks of gw-a could not be read at the end of the run",
    ]
    without = tuple(each for each in read_of_all() if each.host != "app-b" or each.moment is Moment.BEGIN)
    (reason,) = clocks.unread(without, LAB)
    assert reason == "the clocks of app-b could not be read at the end of the run"


def test_a_host_that_makes_load_may_be_lost_and_what_nobody_asked_is_no_reason_here() -> None:
    env = environment("qinghai")
    found = [
        HostClock(host=host.name, moment=moment, ahead_ms=0.0, give_or_take_ms=1.0)
        for host in env.hosts
        for moment in Moment
        if not host.has(Role.LOADGEN)
    ]
    assert list(clocks.unread(found, env)) == []
    assert list(clocks.unread((), env)) == []
