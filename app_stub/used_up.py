"""Which of several movements on the same limits have room, each behind those before it. Pure."""

from collections.abc import Sequence

import msgspec

from app_stub import sql
from app_stub.database import Rows
from app_stub.money import Kind, Limit, applied, refusal


class _LockedRow(msgspec.Struct, frozen=True, array_like=True):
    """A limit as `sql.lock_limits` finds it."""

    entity_code: str
    limit_id: int
    cap_fen: int
    used_fen: int
    status: str


def is_crowded(moves: Sequence[sql.Move]) -> bool:
    """Say whether two movements are on one limit."""
    return len({move.limit_id for move in moves}) < len(moves)


def fitting(moves: Sequence[sql.Move], rows: Rows) -> list[bool]:
    """Say of each movement whether it is allowed after those before it that were.

    Args:
        moves: in the order in which they came, as far as they are on one limit.
        rows: the limits, locked; one that does not exist, or is another entity's, allows nothing.
    """
    limits: dict[tuple[str, int], Limit] = {}
    for row in msgspec.convert(rows, list[_LockedRow], strict=False):
        limits[row.entity_code, row.limit_id] = Limit(
            cap_fen=row.cap_fen, used_fen=row.used_fen, is_active=row.status == "active"
        )
    found = []
    for move in moves:
        owned = (move.entity_code, move.limit_id)
        kind, amount_fen = _kind_and_amount(move)
        fits = owned in limits and refusal(kind, limits[owned], amount_fen) is None
        if fits:
            limits[owned] = applied(kind, limits[owned], amount_fen)
        found.append(fits)
    return found


def _kind_and_amount(move: sql.Move) -> tuple[Kind, int]:
    return (Kind.DRAWDOWN, move.drawn_fen) if move.drawn_fen else (Kind.REPAYMENT, move.repaid_fen)
