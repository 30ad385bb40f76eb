"""Money rules hold for every history of movements."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app_stub.money import (
    MAX_AMOUNT_FEN,
    Kind,
    Limit,
    Refusal,
    applied,
    drawdown_entry,
    refusal,
    repayment_entry,
)

AMOUNTS = st.integers(1, MAX_AMOUNT_FEN)
MOVES = st.lists(
    st.tuples(st.sampled_from([Kind.DRAWDOWN, Kind.REPAYMENT]), st.integers(1, 300)), max_size=60
)


@given(moves=MOVES, cap_fen=st.integers(0, 1000))
def test_what_is_used_is_the_fold_of_the_entries_and_never_leaves_the_cap(
    moves: list[tuple[Kind, int]], cap_fen: int
) -> None:
    limit = Limit(cap_fen=cap_fen, used_fen=0, is_active=True)
    balances: dict[str, int] = {}
    for kind, amount_fen in moves:
        if refusal(kind, limit, amount_fen) is not None:
            continue
        limit = applied(kind, limit, amount_fen)
        make = drawdown_entry if kind is Kind.DRAWDOWN else repayment_entry
        entry = make(entity_code="QH01", limit_id=1, amount_fen=amount_fen)
        balances[entry.debit_account] = balances.get(entry.debit_account, 0) + entry.amount_fen
        balances[entry.credit_account] = balances.get(entry.credit_account, 0) - entry.amount_fen
        assert 0 <= limit.used_fen <= cap_fen
    assert sum(balances.values()) == 0
    assert balances.get("loan:1", 0) == limit.used_fen


@given(amount_fen=AMOUNTS, cap_fen=AMOUNTS, used_fen=AMOUNTS)
def test_a_refused_movement_cannot_be_applied(amount_fen: int, cap_fen: int, used_fen: int) -> None:
    limit = Limit(cap_fen=cap_fen, used_fen=min(used_fen, cap_fen), is_active=True)
    for kind in (Kind.DRAWDOWN, Kind.REPAYMENT):
        if refusal(kind, limit, amount_fen) is not None:
            with pytest.raises(ValueError, match="not a movement that is allowed"):
                applied(kind, limit, amount_fen)


def test_a_repayment_turns_the_drawdowns_entry_round() -> None:
    lent = drawdown_entry(entity_code="QH03", limit_id=7, amount_fen=100)
    repaid = repayment_entry(entity_code="QH03", limit_id=7, amount_fen=100)
    assert (lent.debit_account, lent.credit_account) == ("loan:7", "settlement:QH03")
    assert (repaid.debit_account, repaid.credit_account) == ("settlement:QH03", "loan:7")


@pytest.mark.parametrize(
    ("kind", "limit", "amount_fen", "reason"),
    [
        (Kind.DRAWDOWN, Limit(cap_fen=10, used_fen=0, is_active=True), 10, None),
        (Kind.DRAWDOWN, Limit(cap_fen=10, used_fen=0, is_active=True), 11, Refusal.OVER_CAP),
        (Kind.DRAWDOWN, Limit(cap_fen=10, used_fen=0, is_active=False), 11, Refusal.FROZEN),
        (Kind.REPAYMENT, Limit(cap_fen=10, used_fen=5, is_active=False), 5, None),
        (Kind.REPAYMENT, Limit(cap_fen=10, used_fen=5, is_active=True), 6, Refusal.OVER_REPAID),
    ],
)
def test_refusals(kind: Kind, limit: Limit, amount_fen: int, reason: Refusal | None) -> None:
    assert refusal(kind, limit, amount_fen) is reason


def test_only_movements_move_money() -> None:
    with pytest.raises(ValueError, match="freeze"):
        applied(Kind.FREEZE, Limit(cap_fen=10, used_fen=0, is_active=True), 1)
