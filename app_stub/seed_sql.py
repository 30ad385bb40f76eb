"""SQL texts of the seeding. Pure; every text that is not a number goes through the driver's escaper.

Three thousand rows a statement: 26 us of the database's CPU for a customer with its limit, against 29 with a
thousand rows, and 42 with a hundred. INSERT IGNORE costs twice that, because the server then goes row by
row: it is only for blocks of which something is there. JSON_TABLE was dearer (40), an INSERT ... SELECT of
the limits not much cheaper (26).
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache

from app_stub import money, sql
from app_stub.seed_data import (
    ENTITY_ID_STEP,
    CustomerRow,
    LimitRow,
    Movement,
    ProductRow,
    Seeded,
    customer_id,
)
from app_stub.seed_people import BLOCK_CUSTOMERS

# Names and villages come again and again.
_text = lru_cache(maxsize=8192)(sql.literal)


def product_packet(products: Iterable[ProductRow]) -> str:
    """Return the statements that insert the products that are not there."""
    return f"{_insert('product', ProductRow._fields, again=True)}{_tuples(products)};COMMIT"


def packet(customers: Sequence[Seeded], *, again: bool) -> tuple[str, int]:
    """Return the statements that insert these customers with all that belongs to them, and how many they are.

    One transaction, so that a customer that is there has its limit and its movements.

    Args:
        customers: each with its limit and movements.
        again: some of the rows may be there; they are left as they are.
    """
    limits = ",".join(_limit(each.limit) for each in customers)
    statements = [
        _insert("customer", CustomerRow._fields, again=again)
        + ",".join(_customer(each.customer) for each in customers),
        _insert("credit_limit", LimitRow._fields, again=again) + limits,
    ]
    moved = ",".join(_movement(move, n) for each in customers for n, move in enumerate(each.movements))
    if moved:
        statements.append(_insert("journal", _JOURNAL_FIELDS, again=again) + moved)
    statements.append("COMMIT")
    return ";".join(statements), len(statements)


_JOURNAL_FIELDS = (
    "entity_code", "idempotency_key", "request_hash", "kind", "limit_id", "customer_id", "amount_fen",
    "debit_account", "credit_account", "answer", "epoch", "created_at",
)  # fmt: skip


def select_blocks(entity_code: str) -> str:
    """Return the query for (block, how many of its customers are there), by the id space of an entity."""
    first = customer_id(entity_code, 1)
    return (
        f"SELECT (customer_id-{first}) DIV {BLOCK_CUSTOMERS},COUNT(*) FROM customer "  # noqa: S608
        f"WHERE customer_id BETWEEN {first} AND {first + ENTITY_ID_STEP - 2} GROUP BY 1"
    )


def _insert(table: str, fields: Iterable[str], *, again: bool) -> str:
    return f"INSERT {'IGNORE ' if again else ''}INTO {table}({','.join(fields)}) VALUES"


def _tuples(rows: Iterable[tuple[object, ...]]) -> str:
    return ",".join(f"({','.join(map(sql.literal, row))})" for row in rows)


def _customer(row: CustomerRow) -> str:
    return (
        f"({row[0]},{_text(row[1])},{_text(row[2])},{_text(row[3])},{_text(row[4])},"
        f"{row[5]},{row[6]},{row[7]},{row[8]},{row[9]},{row[10]},{row[11]})"
    )


def _limit(row: LimitRow) -> str:
    return f"({row[0]},{_text(row[1])},{row[2]},{_text(row[3])},{row[4]},{row[5]})"


def _movement(move: Movement, number: int) -> str:
    """Return a journal row as the services write it; epoch 0, because nobody had been promoted then."""
    key = f"seeded-{move.limit_id:024d}{number}"
    make_entry = money.drawdown_entry if move.kind == money.Kind.DRAWDOWN else money.repayment_entry
    entry = make_entry(entity_code=move.entity_code, limit_id=move.limit_id, amount_fen=move.amount_fen)
    answer = f'{{"entry_id":"{key}","limit_id":{move.limit_id},"amount_fen":{move.amount_fen}}}'
    return (
        f"({_text(move.entity_code)},'{key}','seeded',{_text(move.kind)},{move.limit_id},{move.limit_id},"
        f"{move.amount_fen},{sql.literal(entry.debit_account)},{sql.literal(entry.credit_account)},"
        f"{sql.literal(answer)},0,'{move.created_at}')"
    )
