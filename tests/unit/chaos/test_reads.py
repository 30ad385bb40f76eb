"""Reads of limits amid writes: what a right bank may answer passes, any other answer does not."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory import ENVIRONMENT_NAMES, environment
from loadtests.plan.scenarios import SCENARIOS, Scenario
from proof.checkers.reads import CLOCKS_APART_S, reads_were_possible
from proof.history import History
from proof.record import Outcome
from proof.verdict import Verdict
from tests.unit.chaos.histories import history, limit, read, row, write

CAP_FEN = 10_000


def is_possible(found: History) -> bool:
    return reads_were_possible(found).verdict is Verdict.PASS


BASE = row("before", amount_fen=100)
DRAWN = write("k1", amount_fen=500, started_s=100.0, ended_s=101.0)
"""It moves 100 fen to 600 at some moment within a second."""


@pytest.mark.parametrize(
    ("used_fen", "at_s", "possible"),
    [
        (100, 99.0, True),
        (600, 99.0, False),
        (100, 100.5, True),
        (600, 100.5, True),
        (350, 100.5, True),  # between the two: it is bounded, not enumerated
        (99, 100.5, False),
        (601, 100.5, False),
        (600, 101.5, True),
        (100, 101.5, False),
        (100, 101.0 + CLOCKS_APART_S / 2, True),
        (600, 100.0 - 0.01 - CLOCKS_APART_S / 2, True),
    ],
)
def test_before_amid_and_after_a_write(used_fen: int, at_s: float, possible: bool) -> None:
    found = history((DRAWN,), (BASE, row("k1")), (limit(used_fen=600),), reads=(read(used_fen, at_s),))
    assert is_possible(found) is possible


@pytest.mark.parametrize("in_journal", [True, False])
@pytest.mark.parametrize("used_fen", [100, 600])
def test_nobody_knows_when_an_indeterminate_write_came(used_fen: int, in_journal: bool) -> None:
    maybe = replace(DRAWN, outcome=Outcome.INDETERMINATE)
    rows = (BASE, *([row("k1")] if in_journal else []))
    found = history((maybe,), rows, reads=(read(used_fen, 200.0),), acknowledged_min=0)
    assert is_possible(found)
    assert not is_possible(replace(found, reads=(read(600, 99.0),)))


@pytest.mark.parametrize("used_fen", [100, 600])
def test_a_write_that_was_lost_with_its_primary_was_there_before(used_fen: int) -> None:
    assert is_possible(history((DRAWN,), (BASE,), reads=(read(used_fen, 150.0),)))


def test_more_than_the_cap_is_never_right() -> None:
    much = row("before", amount_fen=CAP_FEN + 1)
    assert not is_possible(history((), (much,), reads=(read(CAP_FEN + 1, 50.0),), acknowledged_min=0))


def test_a_limit_that_nothing_moved_is_unused_and_other_reads_do_not_count() -> None:
    assert is_possible(history((), (), reads=(read(0, 1.0),), acknowledged_min=0))
    assert not is_possible(history((), (), reads=(read(1, 1.0),), acknowledged_min=0))
    other = replace(read(1, 1.0), limit_id=None, used_fen=None, cap_fen=None)
    assert reads_were_possible(history(reads=(other,))).figures == {"limits_read": 0, "reads_impossible": 0}


@given(
    amounts=st.lists(st.tuples(st.sampled_from(["drawdown", "repayment"]), st.integers(1, 50)), max_size=30),
    reads_at=st.lists(st.integers(0, 31), min_size=1, max_size=10),
    by=st.sampled_from([-1, 1]),
)
def test_one_after_the_other_every_state_is_known_exactly(
    amounts: list[tuple[str, int]], reads_at: list[int], by: int
) -> None:
    used, states, writes, rows = 5000, [5000], [], [row("before", amount_fen=5000)]
    for number, (kind, fen) in enumerate(amounts):
        used += fen if kind == "drawdown" else -fen
        states.append(used)
        key = f"k{number}"
        writes.append(write(key, operation=kind, amount_fen=fen, ended_s=100.5 + number))
        rows.append(row(key, kind=kind, amount_fen=fen))
    reads = [read(states[min(at, len(amounts))], 100.0 + min(at, len(amounts))) for at in reads_at]
    found = history(tuple(writes), tuple(rows), reads=tuple(reads), acknowledged_min=0)
    assert is_possible(found)
    wrong = replace(reads[0], used_fen=(reads[0].used_fen or 0) + by)
    assert not is_possible(replace(found, reads=(wrong, *reads[1:])))


def test_a_cap_that_the_limit_does_not_have_is_wrong() -> None:
    right = history((DRAWN,), (BASE, row("k1")), (limit(used_fen=600),), reads=(read(600, 150.0),))
    assert is_possible(right)
    assert not is_possible(replace(right, reads=(read(600, 150.0, cap_fen=CAP_FEN + 1),)))


def test_clients_that_were_to_read_limits_and_read_none_prove_nothing() -> None:
    other = replace(read(0, 1.0), operation="products", limit_id=None, used_fen=None, cap_fen=None)
    for reads in ((), (other,)):
        found = reads_were_possible(history(reads=reads, reads_limits=True))
        assert (found.verdict, found.reasons) == (Verdict.INVALID, ("no limit was read",))
        assert reads_were_possible(history(reads=reads, reads_limits=False)).verdict is Verdict.PASS
    assert is_possible(history((DRAWN,), (BASE, row("k1")), reads=(read(600, 150.0),), reads_limits=True))


@pytest.mark.parametrize("name", ENVIRONMENT_NAMES)
@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
def test_every_load_and_the_clients_of_every_drill_read_limits(scenario: Scenario, name: str) -> None:
    _, reads_per_write = scenario.mix(environment(name).journey)
    assert reads_per_write > 0
