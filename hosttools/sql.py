"""SQL for the tools: one statement at a time, by PyMySQL, which needs no client program on the host."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import pymysql

from hosttools.errors import ToolError

_CONNECT_TIMEOUT_S = 1


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """Where a database listens, and as whom to come."""

    user: str
    password: str = field(repr=False, default="")
    socket: str | None = None
    """Path of its local socket; None: over TCP."""
    host: str = ""
    port: int = 0
    answer_timeout_s: float | None = None
    """Limit for one answer, in seconds; None: as long as it takes."""


class SqlError(ToolError):
    """A database refused a statement, or cannot be asked."""

    def __init__(self, code: int, message: str) -> None:
        """Keep the `code` of the MySQL protocol: the database's own, or 2000 to 2999 of the client."""
        self.code = code
        super().__init__(f"{message} ({code})")


@contextmanager
def connected(endpoint: Endpoint) -> Iterator["pymysql.connections.Connection[pymysql.cursors.Cursor]"]:
    """Give a connection to `endpoint`, with autocommit.

    Raises:
        SqlError: nobody answers there, or the user is refused.
    """
    try:
        connection = pymysql.connect(
            user=endpoint.user,
            password=endpoint.password,
            unix_socket=endpoint.socket,
            host=endpoint.host,
            port=endpoint.port,
            connect_timeout=_CONNECT_TIMEOUT_S,
            read_timeout=endpoint.answer_timeout_s,
            write_timeout=endpoint.answer_timeout_s,
            autocommit=True,
        )
    except pymysql.MySQLError as failure:
        raise _error(failure) from failure
    try:
        yield connection
    finally:
        with suppress(pymysql.MySQLError, OSError):
            connection.close()


def rows(endpoint: Endpoint, statement: str) -> tuple[tuple[object, ...], ...]:
    """Return what `statement` returns.

    Raises:
        SqlError: the database cannot be asked, or refuses the statement.
    """
    with connected(endpoint) as connection, connection.cursor() as cursor:
        try:
            cursor.execute(statement)
            return tuple(cursor.fetchall())
        except (pymysql.MySQLError, OSError) as failure:
            raise _error(failure) from failure


def value(endpoint: Endpoint, statement: str) -> str:
    """Return the one value that `statement` returns, as text: it comes from outside.

    Raises:
        SqlError: the database cannot be asked, or refuses the statement.
        ToolError: the answer is not one row with one value.
    """
    found = rows(endpoint, statement)
    if len(found) != 1 or len(found[0]) != 1:
        raise ToolError(f"{len(found)} rows instead of one value for: {statement}")
    return str(found[0][0])


def _error(failure: Exception) -> SqlError:
    code, message = (*failure.args, "", "")[:2]
    if isinstance(code, int):
        return SqlError(code, str(message))
    return SqlError(0, str(failure))
