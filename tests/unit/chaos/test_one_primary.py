"""Two writable databases are seen, and a handover is not taken for them."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaos.findings import Verdict
from chaos.history import Probe
from chaos.one_primary import PROBES_MIN, episodes, one_primary_throughout, second_primaries
from tests.unit.chaos.histories import history, probes


def seen(*groups: list[Probe]) -> int:
    return len(second_primaries([probe for group in groups for probe in group]))


def test_a_handover_is_no_second_primary() -> None:
    assert seen(probes("a", "+++++------"), probes("b", "------+++++")) == 0


def test_a_primary_that_went_silent_and_never_comes_back_is_none() -> None:
    assert seen(probes("a", "+++++?"), probes("b", "------+++++")) == 0


def test_a_primary_that_comes_back_writable_is_seen() -> None:
    # The write that hung while it was paused is answered first; the next ones are accepted at once.
    paused = [*probes("a", "+++++"), Probe(host="a", sent_s=0.5, answered_s=20.0, accepted=True)]
    assert seen([*paused, *probes("a", "++", from_s=20.0)], probes("b", "-" * 30 + "+" * 200)) > 0


def test_a_lone_write_within_anothers_time_is_seen() -> None:
    assert seen(probes("a", "-----+-----"), probes("b", "+++++++++++", from_s=0.05)) == 1


def test_roles_that_swap_twice_are_no_two_primaries() -> None:
    assert seen(probes("a", "+++---+++"), probes("b", "---+++---")) == 0


def test_a_refusal_in_between_leaves_it_open() -> None:
    assert [(e.host, e.from_s < e.until_s) for e in episodes(probes("a", "+-++"))] == [
        ("a", False),
        ("a", True),
    ]


def test_an_answer_that_came_late_proves_only_that_it_came() -> None:
    # Sent before the other's first and answered in its time: it may have been carried out before.
    late = [Probe(host="a", sent_s=1.0, answered_s=3.0, accepted=True)]
    assert seen(late, probes("b", "+" * 50, from_s=2.0)) == 0


GOOD = (*probes("ob-a", "+" * PROBES_MIN), *probes("ob-b", "-" * PROBES_MIN))


def test_one_primary_passes_with_its_figures() -> None:
    found = one_primary_throughout(history(probes=GOOD))
    assert (found.verdict, found.reasons) == (Verdict.PASS, ())
    assert found.figures == {"two_primaries_seen": 0, "probes": 40, "probes_accepted": 20}


def test_two_primaries_fail_and_are_listed() -> None:
    both = (*probes("ob-a", "+++++"), *probes("ob-b", "+", from_s=0.15))
    found = one_primary_throughout(history(probes=both))
    assert found.verdict is Verdict.FAIL
    assert found.figures["two_primaries_seen"] == 1
    assert (found.listed[0]["host"], found.listed[0]["other_host"]) == ("ob-b", "ob-a")


@pytest.mark.parametrize(
    ("tried", "says"),
    [
        ((), "on 0 databases"),
        (probes("ob-a", "+" * PROBES_MIN), "on 1 databases"),
        ((*probes("ob-a", "+" * PROBES_MIN), *probes("ob-b", "---")), "3 direct writes were tried on ob-b"),
        ((*probes("ob-a", "-" * 20), *probes("ob-b", "-" * 20)), "no direct write was accepted"),
    ],
)
def test_too_few_attempts_prove_nothing(tried: Sequence[Probe], says: str) -> None:
    found = one_primary_throughout(history(probes=tuple(tried)))
    assert found.verdict is Verdict.INVALID
    assert any(says in reason for reason in found.reasons)


Times = tuple[float, float]


def session(
    host: str, writable: Sequence[Times], delays: Sequence[Times], until_s: float, begun_s: float
) -> list[Probe]:
    """What one session to a database `writable` at times sees; `delays`: to the act, to the answer."""
    found, at_s, number = [], begun_s, 0
    while at_s < until_s:
        to_act, to_answer = delays[number % len(delays)]
        acted_s = at_s + to_act
        answered_s = acted_s + to_answer
        accepted = any(begun <= acted_s < ended for begun, ended in writable)
        found.append(Probe(host=host, sent_s=at_s, answered_s=answered_s, accepted=accepted))
        at_s, number = max(at_s + 0.2, answered_s), number + 1
    return found


def observed(
    host: str, writable: Sequence[Times], delays: Sequence[Sequence[Times]], until_s: float
) -> list[Probe]:
    """What a prober with two sessions that take turns sees."""
    return [
        probe
        for number, one in enumerate(delays)
        for probe in session(host, writable, one, until_s, begun_s=number * 0.1)
    ]


one_session = st.lists(st.tuples(st.floats(0, 0.1), st.floats(0, 0.1)), min_size=1, max_size=5)
delays = st.lists(one_session, min_size=2, max_size=2)
# Each reign and each interregnum is long enough for the other side to be refused in it.
reigns = st.lists(st.tuples(st.sampled_from(["a", "b"]), st.floats(0.5, 3), st.floats(0, 2)), max_size=6)


@given(reigns, delays, delays)
def test_whoever_reigns_one_at_a_time_is_never_taken_for_two(
    course: list[tuple[str, float, float]], delays_a: list[list[Times]], delays_b: list[list[Times]]
) -> None:
    at_s = 0.0
    writable: dict[str, list[Times]] = {"a": [], "b": []}
    for host, lasts_s, pause_s in course:
        writable[host].append((at_s, at_s + lasts_s))
        at_s += lasts_s + pause_s
    both = [
        *observed("a", writable["a"], delays_a, at_s + 1),
        *observed("b", writable["b"], delays_b, at_s + 1),
    ]
    assert second_primaries(both) == ()


@given(st.floats(0, 3), st.floats(1.0, 3), delays, delays)
def test_two_that_reign_at_once_for_a_second_are_seen(
    begun_s: float, lasts_s: float, delays_a: list[list[Times]], delays_b: list[list[Times]]
) -> None:
    second = [(begun_s, begun_s + lasts_s)]
    both = [*observed("a", [(0.0, 9.0)], delays_a, 8), *observed("b", second, delays_b, 8)]
    assert second_primaries(both)


@given(st.lists(st.tuples(st.sampled_from("ab"), st.floats(0, 9), st.floats(0, 3), st.booleans())))
def test_episodes_of_one_database_never_overlap(found: list[tuple[str, float, float, bool]]) -> None:
    tried = [Probe(host=h, sent_s=s, answered_s=s + d, accepted=ok) for h, s, d, ok in found]
    for host in "ab":
        own = [e for e in episodes(tried) if e.host == host]
        assert all(before.from_s <= after.from_s for before, after in pairwise(own))
