"""Seed products, customers and their limits.

    python3.11 -m app_stub.seed --customers 100000 --entities QH01,QH02

Idempotent, resumable and deterministic: rows are functions of their number, INSERT IGNORE leaves
those that are there (also their used amounts) alone, and pieces that are there whole are skipped.
Reads the services' environment (endpoints, schema) plus LOAN_OWNER_USER and LOAN_OWNER_PASSWORD. Variables
that are not set are taken from `--env-file` (default /etc/loanstack/loan-owner.env; `-` is standard input).
"""

import argparse
import asyncio
import json
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from operator import itemgetter
from pathlib import Path

import uvloop
from asyncmy import errors

from app_stub import logs, seed_data, sql
from app_stub.database import Connection, connect
from app_stub.env_file import merged, parse
from app_stub.outcome import DatabaseFailure
from app_stub.primary_rule import Role
from app_stub.role_questions import role_and_epoch
from app_stub.settings import Database, SettingsError, database_from

_LOG = logging.getLogger("loan.seed")
_ROWS_PER_STATEMENT = 1000
_CONNECTIONS = 3
_STATEMENT_TIMEOUT_MS = 30_000
_DEFAULT_ENV_FILE = "/etc/loanstack/loan-owner.env"

_CUSTOMER_INSERT = (
    "INSERT IGNORE INTO customer(customer_id,entity_code,name,village,household_type,birth_year,"
    "annual_income_fen,herd_size,land_mu,is_credit_village,years_as_customer,overdue_count) VALUES"
)
_LIMIT_INSERT = (
    "INSERT IGNORE INTO credit_limit(limit_id,entity_code,customer_id,product_code,cap_fen) VALUES"
)
_PRODUCT_INSERT = (
    "INSERT IGNORE INTO product(entity_code,product_code,name,min_fen,max_fen,min_age_years,max_age_years,"
    "min_income_fen,min_herd_size,min_score,income_multiple_pct,is_active) VALUES"
)


def shares(customers: int, entities: tuple[str, ...]) -> dict[str, int]:
    """Return how many customers each entity gets; the first ones get the remainder."""
    each, more = divmod(customers, len(entities))
    return {entity: each + (1 if place < more else 0) for place, entity in enumerate(entities)}


def chunks(entity: str, first: int, last: int) -> Iterator[tuple[str, range]]:
    """Yield the customer numbers `first` to `last` (from 1, both included) in statement-sized pieces."""
    for start in range(first, last + 1, _ROWS_PER_STATEMENT):
        yield entity, range(start, min(start + _ROWS_PER_STATEMENT, last + 1))


def packet(entity: str, numbers: range) -> str:
    """Return the statements that insert these customers and their limits, ending in COMMIT.

    Limits come after customers in one transaction, so that a customer that is there has its limit.
    """
    rows = [seed_data.customer(entity, n) for n in numbers]
    return ";".join(
        (
            _CUSTOMER_INSERT + _tuples(rows),
            _LIMIT_INSERT + _tuples([seed_data.limit(row) for row in rows]),
            "COMMIT",
        )
    )


def _tuples(rows: list[tuple[object, ...]]) -> str:
    return ",".join(f"({','.join(map(sql.literal, row))})" for row in rows)


async def connect_primary(settings: Database) -> Connection:
    """Return a connection to the endpoint that says it is the primary; of two, to the one of the later epoch.

    Raises:
        ConnectionError: none says so; the message has what each one said.
    """
    said: list[str] = []
    primaries: list[tuple[int, Connection]] = []
    for endpoint in settings.endpoints:
        try:
            connection = await connect(settings, endpoint)
            role, epoch = await role_and_epoch(connection)
        except (OSError, errors.MySQLError, DatabaseFailure) as failure:
            said.append(f"{endpoint}: {type(failure).__name__} {failure}")
            continue
        if role is Role.PRIMARY:
            primaries.append((epoch, connection))
        else:
            said.append(f"{endpoint}: {role}")
            connection.close()
    if primaries:
        _, latest = max(primaries, key=itemgetter(0))
        for _, connection in primaries:
            if connection is not latest:
                connection.close()
        return latest
    raise ConnectionError(f"no primary: {'; '.join(said)}; check LOAN_DATABASE_ENDPOINTS and the roles")


async def seed(
    settings: Database, customers: int, entities: tuple[str, ...], report: Callable[[int], None]
) -> int:
    """Insert what is missing.

    Args:
        settings: as loan_owner.
        customers: over all entities.
        entities: codes such as QH01.
        report: told the number of customers handled so far.

    Returns:
        Customers that this run handled; 0 where all were there.
    """
    settings = replace(settings, statement_timeout_ms=_STATEMENT_TIMEOUT_MS)
    first = await connect_primary(settings)
    work: list[tuple[str, range]] = []
    for entity, share in shares(customers, entities).items():
        await first.run(f"{_PRODUCT_INSERT}{_tuples(seed_data.products(entity))};COMMIT", 2)
        low, high = seed_data.customer_id(entity, 1), seed_data.customer_id(entity, share)
        have = f"SELECT customer_id FROM customer WHERE customer_id BETWEEN {low} AND {high}"  # noqa: S608
        present = {row[0] - low + 1 for row in (await first.read((have,)))[0]}
        work.extend(piece for piece in chunks(entity, 1, share) if not present.issuperset(piece[1]))
    first.close()
    done = 0
    pending = iter(work)

    async def run_pieces() -> None:
        nonlocal done
        connection = await connect_primary(settings)
        for entity, numbers in pending:
            await connection.run(packet(entity, numbers), 3)
            done += len(numbers)
            report(done)
        connection.close()

    async with asyncio.TaskGroup() as group:
        for _ in range(min(_CONNECTIONS, len(work))):
            group.create_task(run_pieces())
    return done


def main() -> int:
    """Seed and print one line of JSON; 0 done, 1 the database failed, 2 usage."""
    logs.configure()
    parser = argparse.ArgumentParser(prog="app_stub.seed", description="Seed products, customers and limits.")
    parser.add_argument("--customers", type=int, required=True, help="number over all entities")
    parser.add_argument("--entities", required=True, help="codes, comma-separated: QH01,QH02")
    parser.add_argument("--env-file", default=_DEFAULT_ENV_FILE, help="more variables; - for standard input")
    arguments = parser.parse_args()
    entities = tuple(filter(None, arguments.entities.split(",")))
    problems: list[str] = []
    text = ""
    if arguments.env_file == "-":
        text = sys.stdin.read()
    elif Path(arguments.env_file).exists():
        text = Path(arguments.env_file).read_text()
    settings = database_from(merged(os.environ, parse(text)), problems, user_prefix="LOAN_OWNER")
    if arguments.customers < 1 or not entities:
        problems.append("--customers must be at least 1, and --entities must name at least one entity")
    for entity in entities:
        try:
            seed_data.entity_number(entity)
        except ValueError as wrong:
            problems.append(str(wrong))
    if problems:
        _LOG.error("cannot seed", extra={"problems": SettingsError(tuple(problems)).problems})
        return 2
    started_s = time.monotonic()

    def report(done: int) -> None:
        if done % 20_000 < _ROWS_PER_STATEMENT:
            _LOG.info("seeding", extra={"customers": done, "seconds": round(time.monotonic() - started_s, 1)})

    try:
        done = uvloop.run(seed(settings, arguments.customers, entities, report))
    except (ConnectionError, DatabaseFailure, ExceptionGroup) as failure:
        reasons = failure.exceptions if isinstance(failure, ExceptionGroup) else (failure,)
        said = [str(reason) for reason in reasons]
        _LOG.error("seeding stopped; run it again, it resumes", extra={"errors": said})
        return 1
    seconds = round(time.monotonic() - started_s, 2)
    summary = {"customers": arguments.customers, "inserted": done, "seconds": seconds}
    sys.stdout.write(json.dumps(summary) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
