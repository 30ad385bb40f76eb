"""The outage as clients saw it, on literal records."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proof.outage import PARTS, errors_by_kind, errors_by_second, find_outage, first_error_s, parts_ms
from proof.record import Write
from tests.unit.chaos.histories import event, write


def steady(from_s: float, to_s: float, *, per_second: int = 10, name: str = "s") -> list[Write]:
    count = round((to_s - from_s) * per_second)
    return [write(f"{name}{from_s}-{n}", ended_s=from_s + n / per_second) for n in range(count)]


def failing(from_s: float, to_s: float, *, per_second: int = 10) -> list[Write]:
    """Planned as `steady` has them, and refused."""
    refused = steady(from_s, to_s, per_second=per_second, name="refused")
    return [replace(found, outcome="rejected", status=503) for found in refused]


TIMELINE = (
    event(50.0, "promoted"),  # an earlier drill's: not of this outage
    event(200.0, "fault"),
    event(200.7, "detected"),
    event(200.8, "decided"),
    event(201.5, "fenced"),
    event(201.9, "promoted"),
)


def test_the_outage_is_the_longest_gap_around_the_fault() -> None:
    writes = [*steady(180, 200), *steady(203, 220)]
    outage = find_outage(writes, fault_s=200.0, until_s=220.0)
    assert outage is not None
    assert outage.last_before_s == pytest.approx(199.9)
    assert outage.first_after_s == pytest.approx(203.0)
    assert outage.rto_ms == pytest.approx(3100)
    assert outage.rate_before == pytest.approx(10.0)
    assert outage.rto_sustained_ms == pytest.approx(3100)


def test_a_longer_gap_before_the_fault_is_not_the_outage() -> None:
    outage = find_outage([*steady(100, 110), *steady(190, 200), *steady(202, 220)], fault_s=200, until_s=220)
    assert outage is not None
    assert outage.rto_ms == pytest.approx(2100)


def test_a_lone_answer_in_the_middle_does_not_end_the_outage_for_good() -> None:
    writes = [*steady(180, 200), *failing(200, 207), write("lone", ended_s=205.0), *steady(207, 220)]
    outage = find_outage(writes, fault_s=200.0, until_s=220.0)
    assert outage is not None
    assert outage.first_after_s == 205.0
    assert outage.sustained_s == pytest.approx(207.0, abs=0.21)


def test_an_outage_to_the_end_is_never_over_for_good() -> None:
    writes = [*steady(180, 200), *steady(203, 220, per_second=5), *failing(200, 220, per_second=5)]
    outage = find_outage(writes, fault_s=200.0, until_s=220.0)
    assert outage is not None
    assert outage.rto_sustained_ms is None


@pytest.mark.parametrize("again_s", [205.0, 217.5, 219.6, 220.4])
def test_a_moments_pause_is_no_outage_wherever_it_lies(again_s: float) -> None:
    """What came in meanwhile is acknowledged right after it; the observation may end amid it."""
    late = [
        write(f"late{n}", planned_s=again_s - 1.5 + n / 100, ended_s=again_s + n / 1000) for n in range(150)
    ]
    writes = [
        *steady(180, again_s - 1.5, per_second=100),
        *late,
        *steady(again_s + 0.2, 221.0, per_second=100),
    ]
    outage = find_outage(writes, fault_s=200.0, until_s=220.0)
    assert outage is not None
    assert outage.sustained_s == 200.0
    assert outage.rto_sustained_ms == outage.rto_ms


def test_a_trickle_is_no_recovery() -> None:
    trickle = [write(f"t{n}", ended_s=202.9 + 2.9 * n) for n in range(4)]
    writes = [*steady(180, 200), *trickle, *failing(200, 212), *steady(212, 230)]
    outage = find_outage(writes, fault_s=200.0, until_s=230.0)
    assert outage is not None
    assert outage.rto_ms == pytest.approx(3000)
    assert outage.rto_sustained_ms == pytest.approx(12_000, abs=210)


@pytest.mark.parametrize("how", ["refused", "late"])
def test_half_of_the_clients_for_a_while_is_an_outage_whatever_pause_comes_later(how: str) -> None:
    other = failing(200, 212, per_second=50)
    if how == "late":
        other = [replace(w, outcome="acknowledged", ended_s=w.planned_s + 5.1) for w in other]
    half = steady(200, 212, per_second=50, name="half")
    whole = [*steady(212, 225, per_second=100), *steady(225.2, 230, per_second=100)]
    writes = [*steady(180, 200, per_second=100), *half, *other, *whole]
    outage = find_outage(writes, fault_s=200.0, until_s=230.0)
    assert outage is not None
    assert outage.rto_ms <= 210
    assert outage.rto_sustained_ms == pytest.approx(12_000, abs=310)


def test_where_the_end_of_the_fault_brings_clients_back_it_counts_from_there() -> None:
    half, other = steady(200, 214, per_second=50, name="half"), failing(200, 214, per_second=50)
    writes = [*steady(180, 200, per_second=100), *half, *other, *steady(214, 230, per_second=100)]
    outage = find_outage(writes, fault_s=200.0, since_s=212.0, until_s=230.0)
    assert outage is not None
    assert outage.rto_sustained_ms == pytest.approx(2000, abs=310)


@pytest.mark.parametrize(
    "writes", [[], steady(180, 199), steady(201, 220)], ids=["none", "no after", "no before"]
)
def test_no_recovery_can_be_measured(writes: list[Write]) -> None:
    assert find_outage(writes, fault_s=200.0, until_s=220.0) is None


def test_answers_that_were_on_their_way_are_no_recovery() -> None:
    writes = [*steady(180, 200), write("on its way", ended_s=200.005)]
    assert find_outage(writes, fault_s=200.0, until_s=220.0) is None


def test_the_parts_follow_the_timeline() -> None:
    first = write("first", ended_s=202.5)
    outage = find_outage([write("last", ended_s=200.0), first], fault_s=200.0, until_s=203)
    assert outage is not None
    # A row of before the fault, one that the old primary still wrote, and two in the new one.
    assert parts_ms(outage, TIMELINE, commits_s=[190.0, 200.0, 202.45, 202.4]) == {
        "detect": pytest.approx(700),
        "decide": pytest.approx(100),
        "fence": pytest.approx(700),
        "promote": pytest.approx(400),
        "reroute": pytest.approx(500),
        "recover": pytest.approx(100),
    }


def test_services_that_are_there_before_the_command_returned_end_the_promotion() -> None:
    outage = find_outage(
        [write("last", ended_s=200.0), write("first", ended_s=201.8)], fault_s=200.0, until_s=202
    )
    assert outage is not None
    parts = parts_ms(outage, TIMELINE, commits_s=[201.7])
    assert (parts["promote"], parts["reroute"], parts["recover"]) == (
        pytest.approx(200),
        pytest.approx(0),
        pytest.approx(100),
    )


@given(
    times=st.lists(st.floats(190, 230), max_size=8),
    names=st.lists(st.sampled_from(["detected", "decided", "fenced", "promoted", "fault"]), max_size=8),
    length=st.floats(0.001, 20),
    commits=st.lists(st.floats(180, 230), max_size=4),
)
def test_the_parts_always_add_up(
    times: list[float], names: list[str], length: float, commits: list[float]
) -> None:
    after = write("after", ended_s=200 + length)
    outage = find_outage([write("before", ended_s=200.0), after], fault_s=200.0, until_s=200 + length)
    assert outage is not None
    timeline = [event(at, name) for at, name in zip(times, names, strict=False)]
    parts = parts_ms(outage, timeline, commits_s=commits)
    assert tuple(parts) == PARTS
    assert all(part >= 0 for part in parts.values())
    assert sum(parts.values()) == pytest.approx(outage.rto_ms)


def test_errors_by_kind_and_second() -> None:
    writes = [
        *steady(198, 200),
        write("e1", ended_s=200.2, outcome="rejected", status=503),
        write("e2", ended_s=200.9, outcome="indeterminate", status=504),
        write("e3", ended_s=201.1, outcome="rejected", status=503),
        write("e4", ended_s=201.2, outcome="indeterminate", status=0, error="timeout"),
    ]
    assert errors_by_kind(writes) == {
        "indeterminate 504": 1,
        "indeterminate timeout": 1,
        "rejected 503": 2,
    }
    assert errors_by_second(writes, fault_s=200.0) == {
        0: {"indeterminate 504": 1, "rejected 503": 1},
        1: {"indeterminate timeout": 1, "rejected 503": 1},
    }
    assert first_error_s(writes, fault_s=200.0) == 200.2
    assert first_error_s(steady(198, 200), fault_s=199.0) is None
