"""One database connection: packets of statements in, row counts out, failures with their kind."""

import asyncio
import ssl
from collections.abc import Awaitable
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import asyncmy
from asyncmy import errors

from app_stub.dialect import session_settings
from app_stub.outcome import (
    DatabaseFailure,
    FailureKind,
    failure_kind_of_lost_connection,
    failure_kind_of_server_error,
)
from app_stub.settings import Database, Endpoint

_SERVER_GONE = 2006
_CLIENT_ERRORS = range(2000, 3000)

Rows = list[tuple[Any, ...]]


class Session(Protocol):
    """What the rest of the service needs of a connection; tests use a fake one."""

    deadline_s: float
    """Monotonic time after which the sweeper cuts the connection; infinite while idle."""

    @property
    def usable(self) -> bool:
        """Whether a packet can be sent on it."""

    def run(self, packet: str, statements: int) -> Awaitable[tuple[int, ...]]:
        """Run a packet that ends in COMMIT; return the rows each statement changed."""

    def rollback(self) -> Awaitable[None]:
        """End the transaction that a failed packet left open."""

    def read(self, queries: tuple[str, ...]) -> Awaitable[list[Rows]]:
        """Run queries in one round trip; return the rows of each."""

    def close(self) -> None:
        """Cut the connection now; whoever waits on it is told."""


class Connection:
    """An asyncmy connection with autocommit off."""

    __slots__ = ("_raw", "deadline_s", "endpoint")

    def __init__(self, raw: Any, endpoint: Endpoint) -> None:  # noqa: ANN401  (the driver's stubs are untyped)
        self._raw = raw
        self.endpoint = endpoint
        self.deadline_s = float("inf")

    @property
    def usable(self) -> bool:
        """Whether a packet can be sent on it."""
        return bool(self._raw.connected)

    async def run(self, packet: str, statements: int) -> tuple[int, ...]:
        """Run a packet of `statements` statements, the last of which is COMMIT.

        Returns:
            Rows changed by each statement.

        Raises:
            DatabaseFailure: with what is known about the outcome.
        """
        raw = self._raw
        counts: list[int] = []
        try:
            counts.append(await raw.query(packet))
            while len(counts) < statements:
                counts.append(await raw.next_result())
        except errors.MySQLError as failure:
            raise self._failure(failure, statement=len(counts), statements=statements) from failure
        except BaseException:
            # Cancelled or broken in the middle of an answer: the next user would read the rest of it.
            self.close()
            raise
        return tuple(counts)

    async def rollback(self) -> None:
        """End the transaction that a failed packet left open.

        Raises:
            DatabaseFailure: the connection is lost, which ends the transaction too.
        """
        try:
            await self._raw.query("ROLLBACK")
        except errors.MySQLError as failure:
            self.close()
            raise DatabaseFailure(FailureKind.REFUSED, code=_code(failure), detail=str(failure)) from failure

    async def read(self, queries: tuple[str, ...]) -> list[Rows]:
        """Run queries in one round trip; return the rows of each.

        Raises:
            DatabaseFailure: never UNCERTAIN: a query changes nothing.
        """
        found: list[Rows] = []
        try:
            async with self._raw.cursor() as cursor:
                await cursor.execute(";".join(queries))
                found.append(list(await cursor.fetchall()))
                while len(found) < len(queries) and await cursor.nextset():
                    found.append(list(await cursor.fetchall()))
        except errors.MySQLError as failure:
            code = _code(failure)
            if not self.usable or code in _CLIENT_ERRORS or code == 0:
                self.close()
                kind = FailureKind.NOT_SENT
            else:
                kind = failure_kind_of_server_error(
                    code, str(failure), statement=0, statements=len(queries) + 1
                )
            raise DatabaseFailure(kind, code=code, detail=str(failure)) from failure
        except BaseException:
            self.close()
            raise
        return found

    def close(self) -> None:
        """Cut the connection now; whoever waits on it is told."""
        self._raw.close()

    def _failure(self, failure: errors.MySQLError, *, statement: int, statements: int) -> DatabaseFailure:
        code = _code(failure)
        if isinstance(failure, errors.InterfaceError) or code == _SERVER_GONE:
            # The driver raises these two before it hands the packet to the socket.
            self.close()
            return DatabaseFailure(
                failure_kind_of_lost_connection(sent=False), code=code, detail=str(failure)
            )
        if code in _CLIENT_ERRORS or code == 0:
            # Lost, cut by the sweeper, or (no number) packets out of order: the server may have gone on.
            self.close()
            return DatabaseFailure(failure_kind_of_lost_connection(sent=True), code=code, detail=str(failure))
        kind = failure_kind_of_server_error(code, str(failure), statement=statement, statements=statements)
        if kind is FailureKind.UNCERTAIN:
            self.close()
        return DatabaseFailure(kind, code=code, detail=str(failure))


def _code(failure: errors.MySQLError) -> int:
    first = failure.args[0] if failure.args else 0
    return first if isinstance(first, int) else 0


@cache
def _trusting(ca_file: Path) -> ssl.SSLContext:
    """Return a context that trusts the databases of one authority; kept, because it is read from a file."""
    return ssl.create_default_context(cafile=ca_file)


async def connect(settings: Database, endpoint: Endpoint, *, autocommit: bool = False) -> Connection:
    """Open a connection.

    Args:
        settings: user, password, schema and time-outs.
        endpoint: which database.
        autocommit: off for the pool (its packets carry their COMMIT).

    Raises:
        OSError: refused, unreachable, or not ready within `connect_timeout_ms` (a TimeoutError is one).
        asyncmy.errors.MySQLError: the server said no.
    """
    session = session_settings(settings.kind, timeout_ms=settings.statement_timeout_ms)
    async with asyncio.timeout(settings.connect_timeout_ms / 1000):
        # The driver's own time-out covers the TCP handshake only, which a stopped server still completes:
        # it is made longer, so that this one decides.
        try:
            raw = await asyncmy.connect(
                host=endpoint.host,
                port=endpoint.port,
                user=settings.user,
                password=settings.password,
                database=settings.name,
                charset="utf8mb4",
                autocommit=autocommit,
                connect_timeout=settings.connect_timeout_ms / 500,
                init_command=session,
                ssl=_trusting(settings.ca_file) if settings.ca_file else None,
            )
        except RuntimeError as broken:
            # What the driver makes of a connection that is reset the moment it stands (seen: a server that
            # has just come up).
            raise ConnectionResetError(f"{endpoint}: {broken}") from broken
    return Connection(raw, endpoint)
