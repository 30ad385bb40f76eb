"""Money rules: amounts in fen, double entry, what a limit allows. Pure."""

from enum import StrEnum

import msgspec

MAX_AMOUNT_FEN = 10**13
"""A hundred thousand million yuan: far above any loan here, far below what overflows a BIGINT sum."""


class Kind(StrEnum):
    """The operations that write a journal row."""

    ADMISSION = "admission"
    ASSESSMENT = "assessment"
    GRANT = "grant"
    DRAWDOWN = "drawdown"
    REPAYMENT = "repayment"
    FREEZE = "freeze"
    UNFREEZE = "unfreeze"


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A double entry: `amount_fen` leaves `credit_account` and arrives in `debit_account`."""

    debit_account: str
    credit_account: str
    amount_fen: int


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """State of one credit limit."""

    cap_fen: int
    used_fen: int
    is_active: bool


class Refusal(StrEnum):
    """Why money may not move."""

    FROZEN = "frozen"
    OVER_CAP = "over-cap"
    OVER_REPAID = "over-repaid"


def loan_account(limit_id: int) -> str:
    """Return the account that holds what a borrower owes under one limit."""
    return f"loan:{limit_id}"


def settlement_account(entity_code: str) -> str:
    """Return the account through which a legal entity pays out and is paid."""
    return f"settlement:{entity_code}"


def drawdown_entry(*, entity_code: str, limit_id: int, amount_fen: int) -> Entry:
    """Return the entry of money lent: what the borrower owes grows."""
    return Entry(
        debit_account=loan_account(limit_id),
        credit_account=settlement_account(entity_code),
        amount_fen=amount_fen,
    )


def repayment_entry(*, entity_code: str, limit_id: int, amount_fen: int) -> Entry:
    """Return the entry of money paid back: the drawdown's entry turned round."""
    return Entry(
        debit_account=settlement_account(entity_code),
        credit_account=loan_account(limit_id),
        amount_fen=amount_fen,
    )


def refusal(kind: Kind, limit: Limit, amount_fen: int) -> Refusal | None:
    """Return why `kind` of `amount_fen` is refused on `limit`, or None where it is allowed.

    The database decides with the same rule in one conditional UPDATE; this names the reason afterwards.
    A frozen limit may always be repaid.
    """
    if kind is Kind.DRAWDOWN:
        if not limit.is_active:
            return Refusal.FROZEN
        if limit.used_fen + amount_fen > limit.cap_fen:
            return Refusal.OVER_CAP
    elif kind is Kind.REPAYMENT and amount_fen > limit.used_fen:
        return Refusal.OVER_REPAID
    return None


def applied(kind: Kind, limit: Limit, amount_fen: int) -> Limit:
    """Return `limit` after an allowed movement of `amount_fen`.

    Raises:
        ValueError: the movement is refused, or `kind` moves no money.
    """
    reason = refusal(kind, limit, amount_fen)
    if reason is not None or kind not in (Kind.DRAWDOWN, Kind.REPAYMENT):
        raise ValueError(f"{kind} of {amount_fen} fen on {limit} is not a movement that is allowed: {reason}")
    change_fen = amount_fen if kind is Kind.DRAWDOWN else -amount_fen
    return Limit(cap_fen=limit.cap_fen, used_fen=limit.used_fen + change_fen, is_active=limit.is_active)
