"""Seed products, customers, their limits and last year's movements.

    python3 -m app_stub.seed --customers 1000000 --entities QH01,QH02

Deterministic by `--seed`, idempotent and resumable: a block of customers is there whole or not at all, blocks
that are there are skipped, and rows that are there (also their used amounts) stay as they are.
Reads the services' environment (endpoints, schema) plus LOAN_OWNER_USER and LOAN_OWNER_PASSWORD. Variables
that are not set are taken from `--env-file` (default /etc/loanstack/loan-owner.env; `-` is standard input).
"""

import argparse
import asyncio
import gc
import json
import logging
import os
import select
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import uvloop

from app_stub import logs, seed_data, seed_people, seed_record, seed_sql
from app_stub.database import Connection
from app_stub.env_file import merged, parse
from app_stub.outcome import DatabaseFailure, FailureKind
from app_stub.primary_connection import connect_primary
from app_stub.seed_plan import Piece, packets, pieces, shares
from app_stub.settings import Database, database_from

_LOG = logging.getLogger("loan.seed")
_CONNECTIONS = 3
"""While one packet is made, two are busy in the database."""
_STATEMENT_TIMEOUT_MS = 30_000
_REPORT_EVERY_S = 0.5
_DEFAULT_ENV_FILE = "/etc/loanstack/loan-owner.env"


@dataclass(kw_only=True, slots=True)
class Progress:
    """How far a seeding is."""

    missing: int
    """Customers who were not there when it began."""
    present: int
    """Customers who were."""
    seed: int
    customers: int = 0
    """Of those who were missing, how many are there now."""
    rows: int = 0
    """Inserted by this run."""


async def seed(
    settings: Database,
    customers: int,
    entities: tuple[str, ...],
    asked_seed: int | None,
    report: Callable[[Progress], None],
) -> Progress:
    """Insert what is missing, and return what that came to.

    Args:
        settings: as loan_owner.
        customers: over all entities.
        entities: codes such as QH01.
        asked_seed: None for that of the customers who are there.
        report: told after each piece.

    Raises:
        RefusedError: they would not go together with those who are there; nothing was inserted.
        ConnectionError: no database says that it is the primary.
        DatabaseFailure: it stopped answering (within an ExceptionGroup once rows are inserted).
    """
    settings = replace(settings, statement_timeout_ms=_STATEMENT_TIMEOUT_MS)
    connection = await connect_primary(settings)
    work: list[Piece] = []
    present = 0
    for entity, share in shares(customers, entities).items():
        rows = (await connection.read((seed_sql.select_blocks(entity),)))[0]
        blocks = {int(block): int(count) for block, count in rows}
        present += sum(blocks.values())
        work.extend(pieces(entity, share, blocks))
    missing = sum(piece.missing for piece in work)
    number = await _seed_to_use(connection, asked_seed, present=present, missing=missing)
    progress = Progress(missing=missing, present=present, seed=number)
    for entity in entities:
        packet = seed_sql.product_packet(seed_data.products(entity).values())
        progress.rows += sum(await connection.run(packet, 2))
    connection.close()
    pending = packets(work)

    async def insert_pieces() -> None:
        own = await connect_primary(settings)
        for packet in pending:
            # Not `rows += await ...`: that adds to what it was before the wait, and others add meanwhile.
            rows = await _insert(own, packet, number)
            progress.rows += rows
            progress.customers += sum(piece.missing for piece in packet)
            report(progress)
        own.close()

    async with asyncio.TaskGroup() as group:
        for _ in range(min(_CONNECTIONS, len(work))):
            group.create_task(insert_pieces())
    return progress


async def _seed_to_use(connection: Connection, asked: int | None, *, present: int, missing: int) -> int:
    record = await seed_record.recorded(connection)
    number = seed_record.seed_to_use(record, asked, present=present, missing=missing)
    if record is None and missing:
        await connection.run(seed_record.record_packet(number), 2)
        # Somebody else may have begun at the same moment: what was recorded first counts for both.
        record = await seed_record.recorded(connection)
        number = seed_record.seed_to_use(record, asked, present=present, missing=missing)
    return number


async def _insert(connection: Connection, packet: tuple[Piece, ...], seed_number: int) -> int:
    """Insert the pieces of a packet and return how many rows that were."""
    customers = [
        customer
        for piece in packet
        for customer in seed_people.block(piece.entity, seed_number, piece.block)[: piece.size]
    ]
    if not any(piece.present for piece in packet):
        try:
            return sum(await connection.run(*seed_sql.packet(customers, again=False)))
        except DatabaseFailure as failure:
            # Another seeding was faster: as if they had been there.
            if failure.kind is not FailureKind.DUPLICATE:
                raise
            await connection.rollback()
    return sum(await connection.run(*seed_sql.packet(customers, again=True)))


def main() -> int:
    """Seed and print one line of JSON; 0 done, 1 the database failed, 2 usage or refused."""
    logs.configure()
    parser = argparse.ArgumentParser(prog="app_stub.seed", description="Seed products, customers and limits.")
    parser.add_argument("--customers", type=int, required=True, help="number over all entities")
    parser.add_argument("--entities", required=True, help="codes, comma-separated: QH01,QH02")
    parser.add_argument("--seed", type=int, help="which people; by default those who are there, or 1")
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
    if arguments.seed is not None and not 0 <= arguments.seed <= seed_record.SEED_MAX:
        problems.append(f"--seed {arguments.seed}; allowed: 0 to {seed_record.SEED_MAX}")
    for entity in entities:
        try:
            seed_data.entity_number(entity)
        except ValueError as wrong:
            problems.append(str(wrong))
    if settings is None or problems:
        _LOG.error("cannot seed", extra={"problems": problems})
        return 2
    started_s = time.monotonic()
    reported_s = started_s

    def report(progress: Progress) -> None:
        nonlocal reported_s
        now_s = time.monotonic()
        if now_s - reported_s >= _REPORT_EVERY_S:
            reported_s = now_s
            if _nobody_listens():
                raise ConnectionError("whoever started this has gone")
            _LOG.info("seeding", extra=_pace(progress, now_s - started_s))

    # Rows are made by the million and hold no cycles: looking for some took a tenth of the time to make them.
    gc.disable()
    try:
        done = uvloop.run(seed(settings, arguments.customers, entities, arguments.seed, report))
    except seed_record.RefusedError as refused:
        _LOG.error("refused; nothing was inserted", extra={"problems": [str(refused)]})
        return 2
    except (ConnectionError, DatabaseFailure, ExceptionGroup) as failure:
        reasons = failure.exceptions if isinstance(failure, ExceptionGroup) else (failure,)
        said = [str(reason) for reason in reasons]
        _LOG.error("seeding stopped; run it again, it resumes", extra={"errors": said})
        return 1
    seconds = time.monotonic() - started_s
    summary = {
        "customers": done.present + done.customers,
        "inserted": done.customers,
        "rows": done.rows,
        "seed": done.seed,
        "seconds": round(seconds, 2),
    }
    sys.stdout.write(json.dumps(summary) + "\n")
    return 0


def _nobody_listens() -> bool:
    """Say whether the other end of standard error is closed: SSH ends no command whose client is killed."""
    ask = select.poll()
    ask.register(sys.stderr.fileno(), 0)
    return any(found & (select.POLLERR | select.POLLHUP) for _, found in ask.poll(0))


def _pace(progress: Progress, seconds: float) -> dict[str, object]:
    """Return what a progress line says; 0 customers are never reported."""
    left = progress.missing - progress.customers
    return {
        "customers": progress.customers,
        "customers_missing": progress.missing,
        "rows_per_s": round(progress.rows / seconds),
        "eta_s": round(left * seconds / max(progress.customers, 1)),
    }


if __name__ == "__main__":
    sys.exit(main())
