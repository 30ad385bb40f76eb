"""Refusals and acknowledgements on limits that are drawn full, held against what clients saw."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proof.checkers import contention
from proof.checkers.ledger import rejected_left_no_trace
from proof.history import History
from proof.record import JournalRow, Write
from proof.verdict import Verdict
from tests.unit.chaos.histories import history, limit, row, write

CAP_FEN = 1000


def made(*writes: Write, used_fen: int, lost: tuple[str, ...] = ()) -> History:
    """A history in which acknowledged writes were made, and those in doubt were, unless they are `lost`."""
    journal = tuple(
        row(each.key, kind=each.operation, amount_fen=each.amount_fen)
        for each in writes
        if each.outcome in ("acknowledged", "indeterminate") and each.key not in lost
    )
    return history(writes, journal, (limit(cap_fen=CAP_FEN, used_fen=used_fen),))


def drawn(key: str, fen: int, from_s: float, to_s: float, outcome: str = "acknowledged") -> Write:
    return write(key, amount_fen=fen, started_s=from_s, ended_s=to_s, outcome=outcome)


def repaid(key: str, fen: int, from_s: float, to_s: float, outcome: str = "acknowledged") -> Write:
    return replace(drawn(key, fen, from_s, to_s, outcome), operation="repayment")


FULL = (drawn("a", 600, 1.0, 2.0), drawn("b", 400, 3.0, 4.0))


@pytest.mark.parametrize(
    ("others", "refused", "used_fen", "verdict"),
    [
        (FULL, drawn("x", 1, 5.0, 6.0, "refused"), 1000, Verdict.PASS),
        # Before it was full there was room; while the last drawdown was on its way there may have been none.
        (FULL, drawn("x", 400, 2.1, 2.9, "refused"), 1000, Verdict.FAIL),
        (FULL, drawn("x", 400, 2.1, 3.0, "refused"), 1000, Verdict.PASS),
        ((*FULL, repaid("c", 100, 5.0, 6.0)), drawn("x", 100, 6.1, 7.0, "refused"), 900, Verdict.FAIL),
        ((*FULL, repaid("c", 100, 5.0, 6.0)), drawn("x", 101, 6.1, 7.0, "refused"), 900, Verdict.PASS),
        ((*FULL, repaid("c", 100, 5.0, 6.0)), drawn("x", 100, 5.9, 7.0, "refused"), 900, Verdict.PASS),
        # Nobody knows when a write in doubt was made, but it was not before it was sent.
        ((*FULL, repaid("c", 9, 5.0, 6.0, "indeterminate")), drawn("x", 9, 8.0, 9.0, "refused"), 991,
         Verdict.PASS),
    ],
)  # fmt: skip
def test_a_refusal_must_be_able_to_be_true(others, refused, used_fen, verdict):
    finding = contention.refusals_were_founded(made(*others, refused, used_fen=used_fen))
    assert finding.verdict is verdict
    assert finding.figures["refusals"] == 1
    assert finding.figures["refusals_unfounded"] == len(finding.listed) == (verdict is Verdict.FAIL)


def test_a_write_in_doubt_that_was_not_made_takes_no_room():
    in_doubt = drawn("c", 400, 3.0, 4.0, "indeterminate")
    refused = drawn("x", 400, 5.0, 6.0, "refused")
    kept = made(FULL[0], in_doubt, refused, used_fen=1000)
    lost = made(FULL[0], in_doubt, refused, used_fen=600, lost=("c",))
    assert contention.refusals_were_founded(kept).verdict is Verdict.PASS
    assert contention.refusals_were_founded(lost).verdict is Verdict.FAIL


def test_what_a_limit_used_before_the_run_counts():
    refused = drawn("x", 1, 5.0, 6.0, "refused")
    assert contention.refusals_were_founded(made(refused, used_fen=1000)).verdict is Verdict.PASS
    assert contention.refusals_were_founded(made(refused, used_fen=999)).verdict is Verdict.FAIL


def test_without_a_limit_that_was_used_up_nothing_was_contended_for():
    overdraw = drawn("x", CAP_FEN + 1, 5.0, 6.0, "refused")
    finding = contention.refusals_were_founded(made(FULL[0], overdraw, used_fen=600))
    assert (finding.verdict, finding.figures["overdraws_refused"]) == (Verdict.INVALID, 1)


def test_more_than_the_whole_limit_is_never_acknowledged():
    found = made(drawn("a", CAP_FEN + 1, 1.0, 2.0), repaid("b", CAP_FEN + 1, 1.0, 3.0), used_fen=0)
    finding = contention.no_overdraw_acknowledged(found)
    assert (finding.verdict, finding.figures["overdraws_acknowledged"]) == (Verdict.FAIL, 1)


@pytest.mark.parametrize(
    ("last", "used_fen", "verdict"),
    [
        # The limit is in order again at the end, and still it was overdrawn in between.
        ((drawn("x", 1, 5.0, 6.0), repaid("c", 501, 7.0, 8.0)), 500, Verdict.FAIL),
        ((drawn("x", 1, 5.0, 7.0), repaid("c", 501, 7.0, 8.0)), 500, Verdict.PASS),
        ((drawn("x", 1, 3.5, 6.0), repaid("c", 501, 7.0, 8.0)), 500, Verdict.PASS),
    ],
)
def test_an_overdraw_is_found_though_it_was_repaid(last, used_fen, verdict):
    assert contention.no_overdraw_acknowledged(made(*FULL, *last, used_fen=used_fen)).verdict is verdict


def test_a_refused_write_that_stands_in_the_journal_is_found():
    refused = drawn("x", 5, 5.0, 6.0, "refused")
    found = replace(made(*FULL, refused, used_fen=1000), journal=(row("x"),))
    assert rejected_left_no_trace(found).verdict is Verdict.FAIL


@settings(max_examples=60)
@given(st.integers(), st.integers(5, 120))
def test_a_bank_that_decides_one_after_the_other_is_never_accused(seed, count):
    """Each write is decided at some moment between its start and its end, and the limit never overdrawn."""
    random = Random(seed)
    decided = sorted(random.uniform(0.0, 10.0) for _ in range(count))
    used_fen, writes = random.randint(0, CAP_FEN), []
    journal: list[JournalRow] = []
    for number, at_s in enumerate(decided):
        fen, is_draw = random.randint(1, 300), random.random() < 0.6
        fits = used_fen + fen <= CAP_FEN if is_draw else fen <= used_fen
        if not is_draw and not fits:
            continue
        used_fen += (fen if is_draw else -fen) * fits
        outcome = random.choice(["acknowledged"] * 4 + ["indeterminate"]) if fits else "refused"
        from_s, to_s = at_s - random.uniform(0.0, 1.0), at_s + random.uniform(0.0, 1.0)
        writes.append((drawn if is_draw else repaid)(f"k{number}", fen, from_s, to_s, outcome))
        if fits:
            journal.append(row(f"k{number}", kind=writes[-1].operation, amount_fen=fen))
    found = history(tuple(writes), tuple(journal), (limit(cap_fen=CAP_FEN, used_fen=used_fen),))
    assert contention.no_overdraw_acknowledged(found).verdict is Verdict.PASS
    assert contention.refusals_were_founded(found).verdict is not Verdict.FAIL
