# ruff: noqa: S608  (this module's whole purpose; every value goes through `literal`, which a test checks)
"""SQL texts of the services. Pure: values in, text out, every value through the driver's escaper.

A write is sent as one packet of statements that ends in COMMIT: one round trip, and the fewest statements.
The journal row is inserted only `WHERE ROW_COUNT() = 1`, that is if the statement before it changed its row;
so the packet either does everything or nothing, and a COMMIT of nothing is harmless.
The row also brings the epoch that the service believes in, which becomes NULL where the primary has another:
a read of one row without a lock (0.05 ms of the primary's CPU a group, 0.1 ms a write that goes alone).
"""

from collections.abc import Iterable

import msgspec
from asyncmy.converters import escape_string

from app_stub.money import Entry, Kind

_JOURNAL_COLUMNS = (
    "INSERT INTO journal(entity_code,idempotency_key,request_hash,kind,limit_id,customer_id,amount_fen,"
    "debit_account,credit_account,answer,epoch) "
)


def literal(value: object) -> str:
    """Return `value` as an SQL literal.

    Raises:
        TypeError: the value is none of None, int and str (a bool is refused too: columns hold 0 and 1).
    """
    if type(value) is int:
        return str(value)
    if isinstance(value, str):
        return f"'{escape_string(value)}'"
    if value is None:
        return "NULL"
    raise TypeError(f"{type(value).__name__} is not a value for SQL; allowed: int, str, None")


class JournalRow(msgspec.Struct, frozen=True, kw_only=True):
    """What is recorded of one write."""

    entity_code: str
    idempotency_key: str
    request_hash: str
    kind: Kind
    limit_id: int | None
    customer_id: int | None
    entry: Entry | None
    """None for operations that move no money."""
    answer: bytes


def _journal_values(row: JournalRow) -> str:
    entry = row.entry
    money = (
        "0,NULL,NULL"
        if entry is None
        else f"{entry.amount_fen},{literal(entry.debit_account)},{literal(entry.credit_account)}"
    )
    return (
        f"{literal(row.entity_code)},{literal(row.idempotency_key)},{literal(row.request_hash)},"
        f"{literal(row.kind.value)},{literal(row.limit_id)},{literal(row.customer_id)},{money},"
        f"{literal(row.answer.decode())}"
    )


def _own_epoch(epoch: int) -> str:
    return f"(SELECT epoch FROM leadership WHERE one=1 AND epoch={literal(epoch)})"


def conditional(change: tuple[str, ...], row: JournalRow, epoch: int) -> tuple[str, ...]:
    """Return the statements of one write: the changes, and its journal row if they were made.

    Args:
        change: statements, each of which must change exactly one row for the next to act.
        row: journal row, inserted only if the last change changed one row.
        epoch: that the primary is believed to have; under another one the INSERT fails (error 1048).
    """
    values = f"{_journal_values(row)},{_own_epoch(epoch)}"
    return (*change, f"{_JOURNAL_COLUMNS}SELECT {values} FROM DUAL WHERE ROW_COUNT()=1")


def packet(statements: Iterable[str]) -> str:
    """Return what is sent in one round trip: the statements, then COMMIT."""
    return ";".join((*statements, "COMMIT"))


_PLACE = 10**15
"""Tells amounts of different places in a group apart: more than any amount, and 32 of it fit a BIGINT."""


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """A movement of money on one limit: one of the two amounts is 0, but for several that were folded."""

    entity_code: str
    limit_id: int
    drawn_fen: int = 0
    repaid_fen: int = 0


def folded(moves: Iterable[Move]) -> tuple[Move, ...]:
    """Return one movement for each limit, in the order in which the limits first come: the sum of its own."""
    of_limit: dict[int, Move] = {}
    for move in moves:
        sum_ = of_limit.get(move.limit_id)
        of_limit[move.limit_id] = (
            move
            if sum_ is None
            else Move(
                entity_code=sum_.entity_code,
                limit_id=sum_.limit_id,
                drawn_fen=sum_.drawn_fen + move.drawn_fen,
                repaid_fen=sum_.repaid_fen + move.repaid_fen,
            )
        )
    return tuple(of_limit.values())


def grouped_movements(moves: tuple[Move, ...], rows: tuple[JournalRow, ...], epoch: int) -> tuple[str, ...]:
    """Return the statements of several movements: one UPDATE, and then one INSERT with a row for each.

    Several on one limit change it by their sum. Whether each of them fits behind those before it, this does
    not tell: that is decided by `app_stub.limit_check` while the limit is locked. A limit whose sum is 0 is
    left as it is, because the server does not count a row that stays the same; if that is true of all, there
    is no UPDATE.

    All or nothing: unless the UPDATE changed every limit and the primary has this `epoch`, the first journal
    row gets a NULL where none may be, the INSERT fails (error 1048) and the COMMIT of its packet is not
    reached.

    The server keeps one plan for each number of movements, and making a plan costs it many times what running
    one does. It also makes a plan of its own for each pattern of values that happen to be equal (seen: 549
    plans for 15 texts), so every value here carries its place in the group and is equal to no other.
    """

    entity = literal(rows[0].entity_code)
    first, *others = (_journal_values(row) for row in rows)
    changes = tuple(move for move in folded(moves) if move.drawn_fen != move.repaid_fen)
    guard = f"IF(ROW_COUNT()={len(changes)},{entity},NULL)" if changes else entity
    own = f"({guard}{first.removeprefix(entity)},{_own_epoch(epoch)})"
    values = ",".join((own, *(f"({row},{literal(epoch)})" for row in others)))
    insert = f"{_JOURNAL_COLUMNS}VALUES{values}"
    return (_change_limits(changes), insert) if changes else (insert,)


def _change_limits(moves: tuple[Move, ...]) -> str:
    def each(values: Iterable[str]) -> str:
        cases = (f"WHEN {literal(m.limit_id)} THEN {v}" for m, v in zip(moves, values, strict=True))
        return f"CASE limit_id {' '.join(cases)} END"

    numbered = tuple(enumerate(moves, start=1))
    half = _PLACE // 2
    amounts = each(literal(n * _PLACE + half + m.drawn_fen - m.repaid_fen) for n, m in numbered)
    # A frozen limit may be repaid, and not drawn on; 'active' sorts before 'frozen'.
    owners = each(literal(f"{n:02d}{'a' if m.drawn_fen else 'f'}{m.entity_code}") for n, m in numbered)
    change = f"used_fen+{amounts}%{_PLACE}-{half}"
    return (
        f"UPDATE credit_limit SET used_fen={change} "
        f"WHERE limit_id IN ({','.join(literal(move.limit_id) for move in moves)}) "
        f"AND entity_code=SUBSTR({owners},4) AND LEFT(status,1)<=SUBSTR({owners},3,1) "
        f"AND {change} BETWEEN 0 AND cap_fen"
    )


def drawdown(*, entity_code: str, limit_id: int, amount_fen: int) -> str:
    """Return the statement that uses `amount_fen` of an active limit if it has room."""
    return (
        f"UPDATE credit_limit SET used_fen=used_fen+{literal(amount_fen)} "
        f"WHERE limit_id={literal(limit_id)} AND entity_code={literal(entity_code)} "
        f"AND status='active' AND used_fen+{literal(amount_fen)}<=cap_fen"
    )


def repayment(*, entity_code: str, limit_id: int, amount_fen: int) -> str:
    """Return the statement that gives back `amount_fen` of what is used; frozen limits may be repaid."""
    return (
        f"UPDATE credit_limit SET used_fen=used_fen-{literal(amount_fen)} "
        f"WHERE limit_id={literal(limit_id)} AND entity_code={literal(entity_code)} "
        f"AND used_fen>={literal(amount_fen)}"
    )


def set_limit_status(*, entity_code: str, limit_id: int, status: str, reason: str) -> str:
    """Return the statement that freezes or unfreezes a limit; the time makes every repeat a change."""
    return (
        f"UPDATE credit_limit SET status={literal(status)},status_reason={literal(reason)},"
        f"status_changed_at=CURRENT_TIMESTAMP(6) "
        f"WHERE limit_id={literal(limit_id)} AND entity_code={literal(entity_code)}"
    )


def insert_application(
    *,
    entity_code: str,
    application_id: int,
    customer_id: int,
    product_code: str,
    requested_fen: int,
    status: str,
) -> str:
    """Return the statement that files an application."""
    return (
        "INSERT INTO application(application_id,entity_code,customer_id,product_code,requested_fen,status) "
        f"VALUES({literal(application_id)},{literal(entity_code)},{literal(customer_id)},"
        f"{literal(product_code)},{literal(requested_fen)},{literal(status)})"
    )


def assess_application(*, entity_code: str, application_id: int, score: int, grade: str) -> str:
    """Return the statement that records the assessment of an admitted application."""
    return (
        f"UPDATE application SET status='assessed',score={literal(score)},grade={literal(grade)} "
        f"WHERE application_id={literal(application_id)} AND entity_code={literal(entity_code)} "
        "AND status='admitted'"
    )


def grant_application(*, entity_code: str, application_id: int) -> str:
    """Return the statement that marks an assessed application as granted."""
    return (
        f"UPDATE application SET status='granted' WHERE application_id={literal(application_id)} "
        f"AND entity_code={literal(entity_code)} AND status='assessed'"
    )


def insert_limit(
    *, entity_code: str, limit_id: int, customer_id: int, product_code: str, cap_fen: int
) -> str:
    """Return the statement that opens a limit, if the statement before it changed its row."""
    return (
        "INSERT INTO credit_limit(limit_id,entity_code,customer_id,product_code,cap_fen) "
        f"SELECT {literal(limit_id)},{literal(entity_code)},{literal(customer_id)},{literal(product_code)},"
        f"{literal(cap_fen)} FROM DUAL WHERE ROW_COUNT()=1"
    )


_LIMIT = "entity_code,limit_id,customer_id,product_code,cap_fen,used_fen,status,status_reason"


def lock_limits(limit_ids: Iterable[int]) -> str:
    """Return the query that locks limits, with what `select_limit` brings of each."""
    ids = ",".join(literal(limit_id) for limit_id in limit_ids)
    return f"SELECT {_LIMIT} FROM credit_limit WHERE limit_id IN ({ids}) FOR UPDATE"


SELECT_EPOCH = "SELECT epoch FROM leadership"
"""The query for the primary's epoch: one row."""


def select_stored(*, entity_code: str, idempotency_key: str) -> str:
    """Return the query for what a key stands for: request_hash, answer."""
    return (
        f"SELECT request_hash,answer FROM journal WHERE entity_code={literal(entity_code)} "
        f"AND idempotency_key={literal(idempotency_key)}"
    )


def select_limit(limit_id: int) -> str:
    """Return the query for a limit; the reader compares its entity_code and tells 403 from 404."""
    return f"SELECT {_LIMIT} FROM credit_limit WHERE limit_id={literal(limit_id)}"


def select_customer(customer_id: int) -> str:
    """Return the query for a customer; the reader compares its entity_code."""
    return f"SELECT {_CUSTOMER} FROM customer c WHERE c.customer_id={literal(customer_id)}"


_APPLICATION = (
    "a.entity_code,a.application_id,a.customer_id,a.product_code,a.requested_fen,a.status,a.score,a.grade"
)
_CUSTOMER = (
    "c.entity_code,c.customer_id,c.name,c.village,c.household_type,c.birth_year,c.annual_income_fen,"
    "c.herd_size,c.land_mu,c.is_credit_village,c.years_as_customer,c.overdue_count"
)
_PRODUCT = (
    "p.product_code,p.name,p.min_fen,p.max_fen,p.min_age_years,p.max_age_years,p.min_income_fen,"
    "p.min_herd_size,p.min_score,p.income_multiple_pct"
)
APPLICATION_COLUMNS, CUSTOMER_COLUMNS = (text.count(",") + 1 for text in (_APPLICATION, _CUSTOMER))


def select_application(application_id: int) -> str:
    """Return the query for an application; the reader compares its entity_code."""
    return f"SELECT {_APPLICATION} FROM application a WHERE a.application_id={literal(application_id)}"


def select_case(application_id: int) -> str:
    """Return the query for an application, its customer and its product (NULLs where it is not active)."""
    return (
        f"SELECT {_APPLICATION},{_CUSTOMER},{_PRODUCT} FROM application a "
        "JOIN customer c ON c.customer_id=a.customer_id AND c.entity_code=a.entity_code "
        "LEFT JOIN product p ON p.entity_code=a.entity_code AND p.product_code=a.product_code "
        f"AND p.is_active=1 WHERE a.application_id={literal(application_id)}"
    )


def select_applicant(*, customer_id: int, product_code: str) -> str:
    """Return the query for a customer and a product of its entity (NULLs where there is none)."""
    return (
        f"SELECT {_CUSTOMER},{_PRODUCT} FROM customer c "
        f"LEFT JOIN product p ON p.entity_code=c.entity_code AND p.product_code={literal(product_code)} "
        f"AND p.is_active=1 WHERE c.customer_id={literal(customer_id)}"
    )


def select_products(entity_code: str) -> str:
    """Return the query for the active products of an entity."""
    return (
        f"SELECT {_PRODUCT} FROM product p WHERE p.entity_code={literal(entity_code)} "
        "AND p.is_active=1 ORDER BY p.product_code"
    )


def select_limits_of(*, entity_code: str, customer_id: int) -> str:
    """Return the query for the limits of a customer."""
    return (
        f"SELECT limit_id,product_code,cap_fen,used_fen,status FROM credit_limit "
        f"WHERE entity_code={literal(entity_code)} AND customer_id={literal(customer_id)} ORDER BY limit_id"
    )


def select_entries(*, entity_code: str, limit_id: int, count: int) -> str:
    """Return the query for the latest journal rows of a limit."""
    return (
        "SELECT idempotency_key,kind,amount_fen,debit_account,credit_account,UNIX_TIMESTAMP(created_at) "
        f"FROM journal WHERE entity_code={literal(entity_code)} AND limit_id={literal(limit_id)} "
        f"ORDER BY created_at DESC LIMIT {literal(count)}"
    )
