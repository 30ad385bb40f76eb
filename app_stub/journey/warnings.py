"""Early warnings: freeze a limit, and unfreeze it. After a freeze is acknowledged no drawdown passes."""

import msgspec

from app_stub import problems, sql
from app_stub.database import Rows
from app_stub.idempotent_write import IdempotentWrite
from app_stub.journey.rows import LimitRow
from app_stub.money import Kind
from app_stub.services import Answer, Request, Services, owned


async def freeze(services: Services, request: Request) -> Answer:
    """Freeze a limit, whatever its state: a second warning on a frozen one is recorded too."""
    return await services.write(
        request, _status_change(request, Kind.FREEZE, "frozen", request.text("warning_code"))
    )


async def unfreeze(services: Services, request: Request) -> Answer:
    """Make a limit active again."""
    return await services.write(
        request, _status_change(request, Kind.UNFREEZE, "active", request.text("reason"))
    )


def _status_change(request: Request, kind: Kind, status: str, reason: str) -> IdempotentWrite:
    limit_id = request.id
    row = sql.JournalRow(
        entity_code=request.entity_code,
        idempotency_key=request.idempotency_key,
        request_hash=request.request_hash,
        kind=kind,
        limit_id=limit_id,
        customer_id=None,
        entry=None,
        answer=msgspec.json.encode({"limit_id": limit_id, "status": status}),
    )
    change = sql.set_limit_status(
        entity_code=request.entity_code, limit_id=limit_id, status=status, reason=reason
    )

    def refuse(rows: list[Rows]) -> problems.Problem | None:
        owned(rows[0], LimitRow, request, f"limit {limit_id}")
        return None

    return IdempotentWrite(
        row=row, change=lambda: (change,), explain=lambda: (sql.select_limit(limit_id),), refuse=refuse
    )
