"""Queries: customers, limits, entries, products. All read the primary."""

from urllib.parse import parse_qs

import msgspec

from app_stub import problems, sql
from app_stub.journey.rows import Customer, LimitRow, Product
from app_stub.services import Answer, Request, Services, ok, owned

_ENTRIES_DEFAULT = 50
_ENTRIES_MAX = 200


async def get_customer(services: Services, request: Request) -> Answer:
    """Return a customer and the limits it has."""
    customers, limits = await services.read(
        request,
        sql.select_customer(request.id),
        sql.select_limits_of(entity_code=request.entity_code, customer_id=request.id),
    )
    customer = owned(customers, Customer, request, f"customer {request.id}")
    document = msgspec.structs.asdict(customer)
    names = ("limit_id", "product_code", "cap_fen", "used_fen", "status")
    document["limits"] = [dict(zip(names, row, strict=True)) for row in limits]
    return ok(document)


async def get_limit(services: Services, request: Request) -> Answer:
    """Return a limit with what is used of it."""
    (rows,) = await services.read(request, sql.select_limit(request.id))
    limit = owned(rows, LimitRow, request, f"limit {request.id}")
    return ok(msgspec.structs.asdict(limit))


async def get_entries(services: Services, request: Request) -> Answer:
    """Return the latest journal rows of a limit, newest first; `?count=` up to 200."""
    count = _count(request.query)
    limits, entries = await services.read(
        request,
        sql.select_limit(request.id),
        sql.select_entries(entity_code=request.entity_code, limit_id=request.id, count=count),
    )
    owned(limits, LimitRow, request, f"limit {request.id}")
    names = ("entry_id", "kind", "amount_fen", "debit_account", "credit_account", "created_s")
    listed = [dict(zip(names, (*row[:-1], float(row[-1])), strict=True)) for row in entries]
    return ok({"limit_id": request.id, "entries": listed})


async def get_products(services: Services, request: Request) -> Answer:
    """Return the products of the entity, with its thresholds."""
    (rows,) = await services.read(request, sql.select_products(request.entity_code))
    products = [msgspec.structs.asdict(msgspec.convert(row, Product, strict=False)) for row in rows]
    return ok({"entity_code": request.entity_code, "products": products})


def _count(query: str) -> int:
    text = parse_qs(query).get("count", [str(_ENTRIES_DEFAULT)])[-1]
    if text.isascii() and text.isdigit() and len(text) <= 3 and 1 <= int(text) <= _ENTRIES_MAX:
        return int(text)
    wrong = problems.FieldError(field="count", value=text, allowed=f"whole number, 1 to {_ENTRIES_MAX}")
    raise problems.ProblemError(problems.invalid_fields((wrong,)))
