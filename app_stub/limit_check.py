"""Which of several movements on the same limits have room, each behind those before it. Pure."""

from collections.abc import Sequence

import msgspec

from app_stub import sql
from app_stub.database import Rows
from app_stub.journey.rows import LimitRow
from app_stub.money import Kind, applied, refusal


def is_crowded(moves: Sequence[sql.Move]) -> bool:
    """Say whether two movements are on one limit."""
    return len({move.limit_id for move in moves}) < len(moves)


def refused(moves: Sequence[sql.Move], rows: Rows) -> list[Rows | None]:
    """Return for each movement None if it is allowed after those before it that were; else why it is not.

    That is the limit as it then was, as `sql.select_limit` finds it: no row if it does not exist.

    Args:
        moves: in the order in which they came, as far as they are on one limit.
        rows: the limits, locked.
    """
    limits = {row.limit_id: row for row in msgspec.convert(rows, list[LimitRow], strict=False)}
    found: list[Rows | None] = []
    for move in moves:
        row = limits.get(move.limit_id)
        if row is None:
            found.append([])
            continue
        kind, amount_fen = _kind_and_amount(move)
        if row.entity_code == move.entity_code and refusal(kind, row.limit(), amount_fen) is None:
            used_fen = applied(kind, row.limit(), amount_fen).used_fen
            limits[move.limit_id] = msgspec.structs.replace(row, used_fen=used_fen)
            found.append(None)
        else:
            found.append([msgspec.structs.astuple(row)])
    return found


def _kind_and_amount(move: sql.Move) -> tuple[Kind, int]:
    return (Kind.DRAWDOWN, move.drawn_fen) if move.drawn_fen else (Kind.REPAYMENT, move.repaid_fen)
