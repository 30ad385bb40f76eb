"""Contents of both databases after a run: rows and checksums of each table, and the run's applications.

Read from each database by its administrator's tool on its host, without the services and their export, so
that the export can be compared with it.
"""

import gzip
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from chaos.system.pair import database_hosts
from chaos.system.sql_session import QUESTIONS, SqlSession
from chaos.system.world import WorldError
from inventory.database_kind import DatabaseKind
from inventory.model import Environment, Host
from processes import ssh
from proof.files import APPLICATIONS_FILE, CONTENTS_FILE, LEDGER_FILE, read_lines, write_whole
from proof.record import Application, TableContent, Write

REACHED_WITHIN_S = 30.0
"""Time to reach the position; a standby that follows reaches it within a fraction of a second."""
_ANSWERS_WITHIN_S = 5.0
_ASK_AGAIN_AFTER_S = 0.5
_NOT_READABLE_YET = "ERROR 4344 "
_BEFORE_FIRST_S = 10.0
"""Applications are read from this long before the first write; there are no other writes in that time."""

TABLES: Mapping[str, Sequence[str]] = {
    "journal": (
        *("entity_code", "idempotency_key", "kind", "limit_id", "customer_id", "amount_fen"),
        *("debit_account", "credit_account", "created_at"),
    ),
    "credit_limit": ("entity_code", "limit_id", "customer_id", "cap_fen", "used_fen", "status"),
    "application": ("entity_code", "application_id", "customer_id", "status", "score", "grade"),
    "customer": ("entity_code", "customer_id", "annual_income_fen"),
}
"""Table -> columns of its checksum."""


def save_contents(
    env: Environment,
    folder: Path,
    *,
    at: int,
    kind: DatabaseKind = DatabaseKind.OCEANBASE,
    within_s: float,
) -> None:
    """Write the contents of each database into `folder`, both as of one log position.

    + at: log position; a standby is waited for until it has reached it
    + kind: MariaDB cannot read a past state, so its current state is read, which is the same without writes
    + within_s: timeout of each database

    Raises:
        WorldError: a database does not reach the position, or does not answer.
    """
    found: list[TableContent] = []
    applications: list[Application] = []
    since_s = _first_write_s(folder / LEDGER_FILE) - _BEFORE_FIRST_S
    for host in database_hosts(env):
        role = _wait_for(env, host, kind, at)
        printed = _ask(env, host, kind, _script(kind, at, since_s), within_s)
        for line in printed:
            what, *values = line.split("\t")
            if what in TABLES and len(values) == 2:
                rows, checksum = map(int, values)
                found.append(
                    TableContent(host=host.name, role=role, table=what, rows=rows, checksum=checksum)
                )
            elif what == "row" and role == "PRIMARY":
                applications.append(_application(values))
    write_whole(folder / CONTENTS_FILE, b"".join(msgspec.json.encode(each) + b"\n" for each in found))
    lines = b"".join(msgspec.json.encode(each) + b"\n" for each in applications)
    write_whole(folder / APPLICATIONS_FILE, gzip.compress(lines, mtime=0))


def _script(kind: DatabaseKind, at: int, since_s: float) -> str:
    """Return the queries; each prints rows of columns separated by tabs."""
    snapshot = f" AS OF SNAPSHOT {at}" if kind is DatabaseKind.OCEANBASE else ""
    sums = [
        f"SELECT '{table}',COUNT(*),COALESCE(SUM(CRC32(CONCAT_WS('|',{','.join(columns)}))),0)"  # noqa: S608
        f" FROM loan.{table}{snapshot};"
        for table, columns in TABLES.items()
    ]
    rows = (
        "SELECT 'row',entity_code,application_id,customer_id,status,COALESCE(score,''),COALESCE(grade,'')"  # noqa: S608
        f" FROM loan.application{snapshot} WHERE created_at>=FROM_UNIXTIME({since_s:.6f});"
    )
    return "\n".join((*sums, rows)) + "\n"


def _application(values: Sequence[str]) -> Application:
    entity, application_id, customer_id, status, score, grade = values
    return Application(
        entity=entity,
        application_id=int(application_id),
        customer_id=int(customer_id),
        status=status,
        score=int(score) if score else None,
        grade=grade or None,
    )


def _first_write_s(ledger: Path) -> float:
    first = next(iter(read_lines(ledger, Write)), None) if ledger.exists() else None
    return time.time() if first is None else first.planned_s


def _wait_for(env: Environment, host: Host, kind: DatabaseKind, at: int) -> str:
    """Wait until the database on `host` has reached position `at`, and return its role."""
    session = SqlSession(env, host, QUESTIONS[kind])
    until_s = time.monotonic() + REACHED_WITHIN_S
    reading = None
    try:
        while time.monotonic() < until_s:
            reading = session.read(_ANSWERS_WITHIN_S)
            if reading is not None and reading.scn >= at:
                return reading.role
            time.sleep(_ASK_AGAIN_AFTER_S)
    finally:
        session.close()
    seen = "did not answer" if reading is None else f"was at {reading.scn}"
    raise WorldError(f"{host.name}: {seen}; waited {REACHED_WITHIN_S:.0f} s for position {at} of the log")


def _ask(env: Environment, host: Host, kind: DatabaseKind, script: str, within_s: float) -> list[str]:
    """Return the lines of the answers to `script`.

    A standby that was just copied may have a log position some time before it can be read as of that position
    (OceanBase: error 4344, "invalid timestamp"); then the query is repeated.
    """
    tool = QUESTIONS[kind].tool
    until_s = time.monotonic() + REACHED_WITHIN_S
    while True:
        done = ssh.run(env, host, f"{tool} sql", within_s=within_s, stdin=script)
        if done is None:
            raise WorldError(f"{host.name}: its tables were not summed up within {within_s:.0f} s")
        if done.returncode == 0:
            return done.stdout.splitlines()
        if _NOT_READABLE_YET not in done.stderr or time.monotonic() > until_s:
            raise WorldError(done.sentence(f"{host.name}: {tool}"))
        time.sleep(_ASK_AGAIN_AFTER_S)
