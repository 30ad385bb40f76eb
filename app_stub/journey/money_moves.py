"""Drawdown and repayment: two statements and a COMMIT in one round trip, for one movement or for many."""

from collections.abc import Callable

from app_stub import problems, sql
from app_stub.database import Rows
from app_stub.idempotent_write import IdempotentWrite
from app_stub.journey.rows import LimitRow
from app_stub.money import Entry, Kind, Refusal, drawdown_entry, refusal, repayment_entry
from app_stub.services import Answer, Request, Services, owned


async def draw_down(services: Services, request: Request) -> Answer:
    """Lend: use part of an active limit that has room."""
    amount_fen = request.integer("amount_fen")
    entity_code, limit_id = request.entity_code, request.id
    move = sql.Move(entity_code=entity_code, limit_id=limit_id, drawn_fen=amount_fen)
    entry = drawdown_entry(entity_code=entity_code, limit_id=limit_id, amount_fen=amount_fen)

    def change() -> tuple[str, ...]:
        return (sql.drawdown(entity_code=entity_code, limit_id=limit_id, amount_fen=amount_fen),)

    return await services.write(request, _movement(request, Kind.DRAWDOWN, move, change, entry))


async def repay(services: Services, request: Request) -> Answer:
    """Take back part of what is owed, on a frozen limit too."""
    amount_fen = request.integer("amount_fen")
    entity_code, limit_id = request.entity_code, request.id
    move = sql.Move(entity_code=entity_code, limit_id=limit_id, repaid_fen=amount_fen)
    entry = repayment_entry(entity_code=entity_code, limit_id=limit_id, amount_fen=amount_fen)

    def change() -> tuple[str, ...]:
        return (sql.repayment(entity_code=entity_code, limit_id=limit_id, amount_fen=amount_fen),)

    return await services.write(request, _movement(request, Kind.REPAYMENT, move, change, entry))


def _movement(
    request: Request, kind: Kind, move: sql.Move, change: Callable[[], tuple[str, ...]], entry: Entry
) -> IdempotentWrite:
    limit_id, amount_fen = move.limit_id, entry.amount_fen
    # The key is 32 hex digits and the rest are whole numbers: nothing here needs a JSON encoder.
    answer = f'{{"entry_id":"{request.idempotency_key}","limit_id":{limit_id},"amount_fen":{amount_fen}}}'
    row = sql.JournalRow(
        entity_code=request.entity_code,
        idempotency_key=request.idempotency_key,
        request_hash=request.request_hash,
        kind=kind,
        limit_id=limit_id,
        customer_id=None,
        entry=entry,
        answer=answer.encode(),
    )

    def refuse(rows: list[Rows]) -> problems.Problem | None:
        return _why_not(rows[0], request, kind, amount_fen)

    return IdempotentWrite(
        row=row,
        move=move,
        change=change,
        explain=lambda: (sql.select_limit(limit_id),),
        refuse=refuse,
    )


def _why_not(rows: Rows, request: Request, kind: Kind, amount_fen: int) -> problems.Problem | None:
    row = owned(rows, LimitRow, request, f"limit {request.id}")
    reason = refusal(kind, row.limit(), amount_fen)
    if reason is Refusal.FROZEN:
        return problems.frozen(request.id)
    if reason is Refusal.OVER_CAP:
        return problems.limit_exceeded(
            f"limit {request.id}: {amount_fen} fen asked, "
            f"{row.cap_fen - row.used_fen} fen left of {row.cap_fen}"
        )
    if reason is Refusal.OVER_REPAID:
        return problems.repayment_exceeds_debt(
            f"limit {request.id}: {amount_fen} fen repaid, {row.used_fen} fen owed"
        )
    # Room was made between the refused statement and this look: the writer tries again.
    return None
