"""The heavy reports of scenario `analytics`: their statements, and the checks of their answers. Pure.

Each is heavy because it reads whole tables. Its last column counts the rows that it added up.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Row = tuple[str, ...]


def _anything(rows: Sequence[Row]) -> str | None:
    return None if rows else "no row at all"


def balanced(rows: Sequence[Row]) -> str | None:
    """Return the problem with a trial balance, or None; rows: entity, account, debits, credits, count."""
    debits: defaultdict[str, int] = defaultdict(int)
    credits_: defaultdict[str, int] = defaultdict(int)
    for entity, _account, debit_fen, credit_fen, _count in rows:
        debits[entity] += int(debit_fen)
        credits_[entity] += int(credit_fen)
    return next(
        (
            f"{entity}: debits {debits[entity]} fen, credits {credits_[entity]} fen"
            for entity in debits
            if debits[entity] != credits_[entity]
        ),
        _anything(rows),
    )


def used_as_moved(rows: Sequence[Row]) -> str | None:
    """Return where limits and movements disagree, or None; rows: entity, used, moved, count."""
    return next(
        (
            f"{entity}: limits use {used_fen} fen, movements add up to {moved_fen} fen"
            for entity, used_fen, moved_fen, _count in rows
            if int(used_fen) != int(moved_fen)
        ),
        _anything(rows),
    )


@dataclass(frozen=True, kw_only=True)
class Report:
    """One report."""

    name: str
    columns: int
    sql: str
    """A single statement, so that it reads one snapshot of all tables."""
    wrong: Callable[[Sequence[Row]], str | None] = _anything
    """Returns the problem with an answer; None if it is right."""


REPORTS = (
    Report(
        name="exposure by village and product",
        columns=6,
        sql=(
            "SELECT c.entity_code, c.village, l.product_code, SUM(l.cap_fen), SUM(l.used_fen), COUNT(*)"
            " FROM customer c JOIN credit_limit l"
            " ON l.customer_id = c.customer_id AND l.entity_code = c.entity_code"
            " GROUP BY c.entity_code, c.village, l.product_code"
        ),
    ),
    Report(
        name="movements by month and product",
        columns=6,
        sql=(
            "SELECT j.entity_code, l.product_code, DATE_FORMAT(j.created_at, '%Y-%m') AS month, j.kind,"
            " SUM(j.amount_fen), COUNT(*) FROM journal j JOIN credit_limit l ON l.limit_id = j.limit_id"
            " WHERE j.kind IN ('drawdown', 'repayment') GROUP BY 1, 2, 3, 4"
        ),
    ),
    Report(
        name="risk by household",
        columns=6,
        sql=(
            "SELECT c.entity_code, c.household_type, c.overdue_count > 0 AS was_overdue,"
            " SUM(l.cap_fen), SUM(l.used_fen), COUNT(*) FROM customer c JOIN credit_limit l"
            " ON l.customer_id = c.customer_id AND l.entity_code = c.entity_code GROUP BY 1, 2, 3"
        ),
    ),
    Report(
        name="trial balance",
        columns=5,
        sql=(
            "SELECT entity_code, account, SUM(debit_fen), SUM(credit_fen), COUNT(*) FROM ("
            "SELECT entity_code, SUBSTRING_INDEX(debit_account, ':', 1) AS account,"
            " amount_fen AS debit_fen, 0 AS credit_fen FROM journal WHERE debit_account IS NOT NULL"
            " UNION ALL SELECT entity_code, SUBSTRING_INDEX(credit_account, ':', 1), 0, amount_fen"
            " FROM journal WHERE credit_account IS NOT NULL) both_sides GROUP BY entity_code, account"
        ),
        wrong=balanced,
    ),
    Report(
        name="limits against movements",
        columns=4,
        sql=(
            "SELECT l.entity_code, l.used_fen, IFNULL(m.moved_fen, 0), l.n + IFNULL(m.n, 0)"
            " FROM (SELECT entity_code, SUM(used_fen) AS used_fen, COUNT(*) AS n FROM credit_limit"
            " GROUP BY entity_code) l LEFT JOIN (SELECT entity_code, SUM(CASE kind WHEN 'drawdown'"
            " THEN amount_fen WHEN 'repayment' THEN -amount_fen ELSE 0 END) AS moved_fen, COUNT(*) AS n"
            " FROM journal GROUP BY entity_code) m ON m.entity_code = l.entity_code"
        ),
        wrong=used_as_moved,
    ),
)
