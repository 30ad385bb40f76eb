"""Print the journal or the limits as JSON lines, both as they were at one moment.

    python3 -m app_stub.export position
    python3 -m app_stub.export journal|limits [--since UNIX_S] [--at POSITION]

Both tables belong together only if both are read as they were at one position of the primary's log; the
first command prints one. Reads the services' environment (or `--env-file`, default /etc/loanstack/loan.env)
and the primary. Streams: one page of rows is held at a time. Lines are sorted by entity and key (journal) or
by limit.
"""

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import msgspec
import uvloop

from app_stub import logs, sql
from app_stub.database import Connection, Rows
from app_stub.dialect import POSITION_QUERY, SNAPSHOT, DatabaseKind, MovedError, position_in
from app_stub.env_file import merged, parse
from app_stub.outcome import DatabaseFailure
from app_stub.primary_connection import connect_primary
from app_stub.settings import Database, database_from

_LOG = logging.getLogger("loan.export")
_PAGE_ROWS = 20_000
_STATEMENT_TIMEOUT_MS = 60_000
_DEFAULT_ENV_FILE = "/etc/loanstack/loan.env"

JOURNAL_FIELDS = (
    "entity", "key", "kind", "limit_id", "customer_id", "amount_fen", "debit_account", "credit_account",
    "created_s",
)  # fmt: skip
LIMIT_FIELDS = ("entity", "limit_id", "customer_id", "cap_fen", "used_fen", "status")


@dataclass(frozen=True, kw_only=True)
class Extent:
    """What of a table is exported."""

    since_s: float = 0.0
    """Only journal rows from this Unix time on; limits are always exported whole."""
    at: int | None = None
    """As it was at this position of the primary's log; None: as it is, page by page."""
    kind: DatabaseKind = DatabaseKind.OCEANBASE

    def of(self, table: str) -> str:
        """Return what stands behind FROM."""
        # MariaDB's pages are read within one snapshot; see `_stand_at`.
        if self.at is None or self.kind is DatabaseKind.MARIADB:
            return table
        return f"{table} AS OF SNAPSHOT {self.at}"


def journal_page(after: tuple[object, ...] | None, extent: Extent) -> str:
    """Return the query for the journal rows of `extent` behind `after` (entity and key)."""
    position = (
        "1=1"
        if after is None
        else f"(entity_code,idempotency_key)>({sql.literal(after[0])},{sql.literal(after[1])})"
    )
    # As a DOUBLE: the driver would make a Decimal of the plain value, which is not JSON.
    return (
        "SELECT entity_code,idempotency_key,kind,limit_id,customer_id,amount_fen,debit_account,"  # noqa: S608
        f"credit_account,CAST(UNIX_TIMESTAMP(created_at) AS DOUBLE) FROM {extent.of('journal')} "
        f"WHERE {position} AND created_at>=FROM_UNIXTIME({extent.since_s:.6f}) "
        f"ORDER BY entity_code,idempotency_key LIMIT {_PAGE_ROWS}"
    )


def limits_page(after: tuple[object, ...] | None, extent: Extent) -> str:
    """Return the query for the limits of `extent` behind `after`."""
    position = 0 if after is None else after[1]
    return (
        "SELECT entity_code,limit_id,customer_id,cap_fen,used_fen,status "  # noqa: S608
        f"FROM {extent.of('credit_limit')} "
        f"WHERE limit_id>{sql.literal(position)} ORDER BY limit_id LIMIT {_PAGE_ROWS}"
    )


def lines(rows: Rows, fields: tuple[str, ...]) -> bytes:
    """Return one JSON object a line for each row."""
    encode = msgspec.json.Encoder().encode
    return b"".join(encode(dict(zip(fields, row, strict=True))) + b"\n" for row in rows)


async def pages(
    connection: Connection, query: Callable[[tuple[object, ...] | None, Extent], str], extent: Extent
) -> AsyncIterator[Rows]:
    """Yield pages of rows until there are no more.

    Raises:
        DatabaseFailure: the database stopped answering.
    """
    after: tuple[object, ...] | None = None
    while True:
        rows = (await connection.read((query(after, extent),)))[0]
        if rows:
            yield rows
        if len(rows) < _PAGE_ROWS:
            return
        after = rows[-1]


async def _stand_at(connection: Connection, kind: DatabaseKind, at: int | None) -> int:
    """Return the position of the log; MariaDB's pages are read as of it from here on.

    MariaDB keeps no past: it can only be read as it is, and is refused where that is not as it was `at`.

    Raises:
        MovedError: it has taken writes since.
        DatabaseFailure: it stopped answering.
    """
    if kind is DatabaseKind.MARIADB:
        await connection.run(SNAPSHOT, SNAPSHOT.count(";") + 1)
    now = position_in(kind, (await connection.read((POSITION_QUERY[kind],)))[0])
    if kind is DatabaseKind.MARIADB and at is not None and at != now:
        raise MovedError(wanted=at, now=now)
    return now


async def export(settings: Database, what: str, extent: Extent, out: BinaryIO) -> int:
    """Write all rows of `what` (`journal`, `limits`), or the `position`, to `out`; return how many lines."""
    connection = await connect_primary(replace(settings, statement_timeout_ms=_STATEMENT_TIMEOUT_MS))
    now = await _stand_at(connection, settings.kind, extent.at)
    if what == "position":
        out.write(b"%d\n" % now)
        out.flush()
        connection.close()
        return 1
    query, fields = (journal_page, JOURNAL_FIELDS) if what == "journal" else (limits_page, LIMIT_FIELDS)
    count = 0
    async for rows in pages(connection, query, extent):
        out.write(lines(rows, fields))
        count += len(rows)
        # Nothing else runs on this loop, but a closed pipe should be noticed between pages.
        await asyncio.sleep(0)
    out.flush()
    connection.close()
    return count


def main() -> int:
    """Export; 0 done, 1 the database failed, 2 usage."""
    logs.configure(logging.WARNING)
    parser = argparse.ArgumentParser(prog="app_stub.export", description="Print rows as JSON lines.")
    parser.add_argument("what", choices=("position", "journal", "limits"))
    parser.add_argument(
        "--since", type=float, default=0.0, help="only journal rows from this Unix time on, in s"
    )
    parser.add_argument("--at", type=int, help="as it was at this position of the primary's log")
    parser.add_argument("--env-file", default=_DEFAULT_ENV_FILE, help="more variables; - for standard input")
    arguments = parser.parse_args()
    text = ""
    if arguments.env_file == "-":
        text = sys.stdin.read()
    elif Path(arguments.env_file).exists():
        text = Path(arguments.env_file).read_text()
    problems: list[str] = []
    settings = database_from(merged(os.environ, parse(text)), problems)
    if settings is None:
        _LOG.error("cannot export", extra={"problems": problems})
        return 2
    try:
        extent = Extent(since_s=arguments.since, at=arguments.at, kind=settings.kind)
        uvloop.run(export(settings, arguments.what, extent, sys.stdout.buffer))
    except (ConnectionError, DatabaseFailure, MovedError) as failure:
        _LOG.error("export stopped; what was printed is not complete", extra={"error": str(failure)})
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
