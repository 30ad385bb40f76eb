"""Two writable databases are seen, and a handover is not taken for them."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proof.checkers.single_primary import PROBES_MIN, episodes, one_primary_throughout, second_primaries
from proof.history import FaultWindow
from proof.record import WriteAttempt
from proof.verdict import Finding, Verdict
from tests.unit.chaos.histories import history, probes


def seen(*groups: list[WriteAttempt]) -> int:
    return len(second_primaries([probe for group in groups for probe in group]))


def test_a_handover_is_no_second_primary() -> None:
    assert seen(probes("a", "+++++------"), probes("b", "------+++++")) == 0


def test_a_primary_that_went_silent_and_never_comes_back_is_none() -> None:
    assert seen(probes("a", "+++++?"), probes("b", "------+++++")) == 0


def test_a_primary_that_comes_back_writable_is_seen() -> None:
    # The write that hung while it was paused is answered first; the next ones are accepted at once.
    paused = [*probes("a", "+++++"), WriteAttempt(host="a", sent_s=0.5, answered_s=20.0, accepted=True)]
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
    late = [WriteAttempt(host="a", sent_s=1.0, answered_s=3.0, accepted=True)]
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
        (
            (*probes("ob-a", "+" * PROBES_MIN), *probes("ob-b", "---")),
            "3 direct writes were answered",
        ),
        (
            (*probes("ob-a", "+" * PROBES_MIN), *probes("ob-b", "?" * PROBES_MIN)),
            "0 direct writes were answered by ob-b",
        ),
        ((*probes("ob-a", "-" * 20), *probes("ob-b", "-" * 20)), "no direct write was accepted"),
    ],
)
def test_too_few_attempts_prove_nothing(tried: Sequence[WriteAttempt], says: str) -> None:
    found = one_primary_throughout(history(probes=tuple(tried)))
    assert found.verdict is Verdict.INVALID
    assert any(says in reason for reason in found.reasons)


FAULT = FaultWindow(
    started_s=2.0, ended_s=2.0, promoted_s=4.0, promoted_host="ob-b", observed_until_s=10.0, resumed_s=8.0
)
WATCHED = {"ob-a": "+" * 20 + "-" * 80, "ob-b": "-" * 42 + "+" * 58}


def watched(fault: FaultWindow = FAULT, **patterns: str) -> Finding:
    """What is found of both databases, probed each 100 ms for 10 s."""
    tried = {**WATCHED, **{host.replace("_", "-"): pattern for host, pattern in patterns.items()}}
    found = tuple(probe for host, pattern in tried.items() for probe in probes(host, pattern))
    return one_primary_throughout(history(probes=found, fault=fault))


def test_a_failover_that_was_watched_all_the_time_passes_and_says_how_well() -> None:
    found = watched()
    assert (found.verdict, found.reasons) == (Verdict.PASS, ())
    assert found.figures["two_primaries_blind_ms"] == pytest.approx(100.0)


@pytest.mark.parametrize(
    ("patterns", "says"),
    [
        ({"ob_a": "+" * 20 + "?" * 80}, "ob-a answered no direct write for 8000 ms"),
        ({"ob_a": "+" * 20 + "-" * 20 + "?" * 30 + "-" * 30}, "ob-a answered no direct write for 3"),
        ({"ob_b": "-" * 42 + "+" * 20}, "ob-b answered no direct write for 3"),
        ({"ob_b": "-" * 100}, "ob-b was promoted, and no direct write was accepted by it"),
    ],
    ids=["silent from the fault on", "silent in between", "not watched to the end", "never took a write"],
)
def test_what_was_not_seen_is_not_proved(patterns: dict[str, str], says: str) -> None:
    found = watched(**patterns)
    assert found.verdict is Verdict.INVALID
    assert any(says in reason for reason in found.reasons)


def test_without_a_promotion_somebody_must_still_take_writes() -> None:
    fault = replace(FAULT, promoted_s=None, promoted_host=None)
    assert watched(fault, ob_a="+" * 100, ob_b="-" * 100).verdict is Verdict.PASS
    found = watched(fault, ob_a="+" * 20 + "-" * 80, ob_b="-" * 100)
    assert found.reasons == ("no direct write was accepted after the fault",)


def test_silence_that_the_fault_makes_is_no_blindness() -> None:
    fault = replace(FAULT, silenced=("ob-a",))
    found = watched(fault, ob_a="+" * 20 + "?" * 80)
    assert found.verdict is Verdict.PASS
    assert found.figures["two_primaries_blind_ms"] == pytest.approx(100.0), "of the other one"


def test_a_primary_that_a_fence_switched_off_is_not_missed_until_it_answers_again() -> None:
    """It is silent while it boots; what it was before the fence, and does after its first answer, is seen."""
    fault = replace(FAULT, fenced_s=3.5)
    found = watched(fault, ob_a="+" * 20 + "-" * 10 + "?" * 40 + "-" * 30)
    assert found.verdict is Verdict.PASS
    assert found.figures["two_primaries_blind_ms"] == pytest.approx(590, abs=20)
    for silence in ("+" * 20 + "?" * 60 + "-" * 20, "+" * 20 + "-" * 30 + "?" * 30 + "-" * 20):
        late = replace(fault, fenced_s=4.5)
        assert watched(late, ob_a=silence).verdict is Verdict.INVALID
    assert watched(fault, ob_b="-" * 30 + "?" * 30 + "+" * 40).verdict is Verdict.INVALID, "the new primary"


def test_a_database_that_goes_on_is_looked_at_unless_it_was_fenced() -> None:
    silent = "+" * 20 + "?" * 80
    longer = replace(FAULT, silenced=("ob-a",), observed_until_s=15.0)
    tried = (*probes("ob-a", silent), *probes("ob-b", WATCHED["ob-b"] + "+" * 50))
    found = one_primary_throughout(history(probes=tried, fault=longer))
    assert found.verdict is Verdict.INVALID
    assert any("ob-a answered no direct write for 5000 ms" in reason for reason in found.reasons)
    fenced = replace(longer, fenced_s=3.0)
    assert one_primary_throughout(history(probes=tried, fault=fenced)).verdict is Verdict.PASS


def test_a_write_that_hung_in_a_paused_primary_is_seen_when_it_goes_on_writable() -> None:
    """Sent into the pause, it was carried out after it, in the time of the new primary."""
    hung = WriteAttempt(host="ob-a", sent_s=2.1, answered_s=8.1, accepted=True)
    found = (*probes("ob-a", "+" * 20), hung, *probes("ob-b", WATCHED["ob-b"]))
    paused = replace(FAULT, silenced=("ob-a",))
    assert one_primary_throughout(history(probes=found, fault=paused)).verdict is Verdict.FAIL
    # One that was sent before may have been carried out before.
    before = (*probes("ob-a", "+" * 20), replace(hung, sent_s=1.99), *probes("ob-b", WATCHED["ob-b"]))
    assert one_primary_throughout(history(probes=before, fault=paused)).verdict is Verdict.PASS


Times = tuple[float, float]


def session(
    host: str, writable: Sequence[Times], delays: Sequence[Times], until_s: float, begun_s: float
) -> list[WriteAttempt]:
    """What one session to a database `writable` at times sees; `delays`: to the act, to the answer."""
    found, at_s, number = [], begun_s, 0
    while at_s < until_s:
        to_act, to_answer = delays[number % len(delays)]
        acted_s = at_s + to_act
        answered_s = acted_s + to_answer
        accepted = any(begun <= acted_s < ended for begun, ended in writable)
        found.append(WriteAttempt(host=host, sent_s=at_s, answered_s=answered_s, accepted=accepted))
        at_s, number = max(at_s + 0.2, answered_s), number + 1
    return found


def observed(
    host: str, writable: Sequence[Times], delays: Sequence[Sequence[Times]], until_s: float
) -> list[WriteAttempt]:
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
    tried = [WriteAttempt(host=h, sent_s=s, answered_s=s + d, accepted=ok) for h, s, d, ok in found]
    for host in "ab":
        own = [e for e in episodes(tried) if e.host == host]
        assert all(before.from_s <= after.from_s for before, after in pairwise(own))
