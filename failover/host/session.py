"""One connection to this host's own database, over its unix socket, as its administrator."""

import asyncio
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncmy
from asyncmy import errors

from failover.core.observed import Role

LOOK_SQL = (
    "SELECT s.role, s.pending_role, s.log_restore_source, l.END_SCN"
    " FROM oceanbase.__all_virtual_server_stat s, oceanbase.`V$OB_LOG_STAT` l"
)
POSITION_SQL = "SELECT END_SCN FROM oceanbase.`V$OB_LOG_STAT`"
DUMPS_SQL = (
    "SELECT MAX(dumps) FROM (SELECT COUNT(*) AS dumps FROM oceanbase.`V$OB_SSTABLES`"
    " WHERE table_type IN ('MINI', 'MINOR') GROUP BY tablet_id) of_tablets"
)
EPOCH_SQL = "SELECT epoch FROM loan.leadership WHERE one = 1"
SET_EPOCH_SQL = "UPDATE loan.leadership SET epoch = {epoch} WHERE one = 1 AND epoch < {epoch}"
MAKE_EPOCH_SQL = (
    "CREATE DATABASE IF NOT EXISTS loan",
    "CREATE TABLE IF NOT EXISTS loan.leadership(one TINYINT PRIMARY KEY, epoch BIGINT NOT NULL)",
    "INSERT IGNORE INTO loan.leadership(one, epoch) VALUES (1, 0)",
)
"""The same table as in the loan services' schema, in case the schema was not applied yet."""

_TIMEOUTS_SQL = "SET ob_query_timeout = 1000000, ob_trx_timeout = 2000000"
"""Microseconds. Without this, a standby that lacks a table would return its error only after ten seconds."""
_NO_SUCH_TABLE = (1049, 1146)
_OPTION = re.compile(r"^(user|password)=(.*)$", re.MULTILINE)


class SessionError(ConnectionError):
    """The database gave no answer, or refused."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """State that the database reports."""

    role: Role | None
    scn: int
    drained: bool
    """It was handed over: it still reports PRIMARY, takes no writes, and will start as a standby."""
    source: str | None
    """Address from which it pulls the log."""


class Session:
    """An open connection; after an error, the caller must close it."""

    def __init__(self, raw: Any) -> None:  # noqa: ANN401  (the driver's stubs are untyped)
        """Use an asyncmy connection."""
        self._raw = raw

    def close(self) -> None:
        """Cut the connection."""
        self._raw.close()

    async def look(self, *, timeout_s: float) -> Answer:
        """Return the database's role and position.

        Raises:
            SessionError: it did not answer in time, or the connection is lost.
        """
        rows = await self._run(LOOK_SQL, timeout_s)
        if not rows:
            raise SessionError("the database says nothing about itself")
        role, pending, source, scn = rows[0]
        return Answer(
            role=Role(role) if role in tuple(Role) else None,
            scn=int(scn),
            drained=role == Role.PRIMARY and pending == Role.STANDBY,
            source=str(source).rpartition(":")[0] or None if role == Role.STANDBY else None,
        )

    async def position(self, *, timeout_s: float) -> int:
        """Return the database's position.

        It costs OceanBase a seventh of `look`, which reads the role from a file each time (measured on
        seekdb 1.4: 0.15 and 1.1 ms of CPU).

        Raises:
            SessionError: it did not answer in time, or the connection is lost.
        """
        rows = await self._run(POSITION_SQL, timeout_s)
        if not rows:
            raise SessionError("the database says nothing about itself")
        return int(rows[0][0])

    async def dumps(self, *, timeout_s: float) -> int:
        """Return how many dumps of one table wait to be merged, at most.

        Raises:
            SessionError: it did not answer in time, or the connection is lost.
        """
        rows = await self._run(DUMPS_SQL, timeout_s)
        return int(rows[0][0] or 0) if rows else 0

    async def epoch(self, *, timeout_s: float) -> int:
        """Return the epoch in the table; 0 if there is no such table.

        Raises:
            SessionError: the table cannot be read, or the connection is lost.
        """
        try:
            rows = await self._run(EPOCH_SQL, timeout_s)
        except SessionError as failure:
            if _code(failure.__cause__) in _NO_SUCH_TABLE:
                return 0
            raise
        return int(rows[0][0]) if rows else 0

    async def set_epoch(self, epoch: int, *, timeout_s: float) -> None:
        """Raise the epoch in the table to `epoch`; a higher epoch is kept, and is an error.

        Raises:
            SessionError: the database refused, did not answer in time, or knows a higher epoch.
        """
        statement = SET_EPOCH_SQL.format(epoch=epoch)
        try:
            await self._run(statement, timeout_s)
        except SessionError as failure:
            if _code(failure.__cause__) not in _NO_SUCH_TABLE:
                raise
        found = await self.epoch(timeout_s=timeout_s)
        if found < epoch:
            for making in MAKE_EPOCH_SQL:
                await self._run(making, timeout_s)
            await self._run(statement, timeout_s)
            found = await self.epoch(timeout_s=timeout_s)
        if found != epoch:
            raise SessionError(f"the database knows epoch {found} and should be given {epoch}")

    async def _run(self, statement: str, timeout_s: float) -> list[tuple[Any, ...]]:
        try:
            async with asyncio.timeout(timeout_s), self._raw.cursor() as cursor:
                await cursor.execute(statement)
                return list(await cursor.fetchall())
        except TimeoutError:
            # The connection is in the middle of an answer, whose rest the next statement would read.
            self.close()
            raise SessionError(f"no answer within {timeout_s:g} s to: {statement}") from None
        except (errors.MySQLError, OSError, RuntimeError) as failure:
            raise SessionError(f"{statement}: {failure}") from failure
        except asyncio.CancelledError:
            self.close()
            raise


async def connect(socket: Path, options: Path, *, timeout_s: float) -> Session:
    """Return a new session.

    Args:
        socket: the database's unix socket.
        options: file with user and password, as the mariadb client reads it.
        timeout_s: how long it may take.

    Raises:
        SessionError: nothing listens there, it did not answer in time, or it refused.
    """
    try:
        user, password = options_in(options)
        async with asyncio.timeout(timeout_s):
            raw = await asyncmy.connect(
                unix_socket=str(socket),
                user=user,
                password=password,
                autocommit=True,
                init_command=_TIMEOUTS_SQL,
            )
    except TimeoutError:
        raise SessionError(f"{socket} gave no answer within {timeout_s:g} s") from None
    except (errors.MySQLError, OSError, RuntimeError) as failure:
        raise SessionError(f"{socket}: {failure}") from failure
    return Session(raw)


def options_in(path: Path) -> tuple[str, str]:
    """Return user and password in an options file of the mariadb client.

    Raises:
        OSError: it cannot be read.
    """
    found = dict(_OPTION.findall(path.read_text()))
    return found.get("user", "root"), found.get("password", "")


def _code(failure: BaseException | None) -> int:
    arguments = getattr(failure, "args", ())
    return arguments[0] if arguments and isinstance(arguments[0], int) else 0
