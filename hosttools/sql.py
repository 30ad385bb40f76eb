"""SQL for the tools: one statement at a time, by PyMySQL, which needs no client program on the host.

A server of another host may be anybody. It gets a hash of the password and never the password itself. An
answer has an end in time and length, and one that PyMySQL cannot read is an error like any other.
"""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import pymysql

from hosttools import waiting
from hosttools.errors import ToolError

_CONNECT_TIMEOUT_S = 1.0
"""Also for the greeting: the kernel of a frozen database accepts connections, and nobody greets."""
_NOT_CONNECTED = 2002
"""The client's code for a connection that cannot be made."""
_LONGEST_ANSWER_BYTES = 1 << 20
_LONGEST_MESSAGE = 300
_SHOW_THE_PASSWORD = (
    "mysql_clear_password",
    "dialog",
    "mysql_old_password",
    "sha256_password",
    "caching_sha2_password",
)
"""Ways to log in that a server may ask PyMySQL for, and that give the password away or can do so."""


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

    def __init__(self, code: int, message: str, *, refused: bool = False) -> None:
        """Keep the `code` of the MySQL protocol: the database's own, or 2000 to 2999 of the client.

        + refused: whether a live host refused the connection, because nobody listens there
        """
        self.code = code
        self.refused = refused
        super().__init__(f"{message} ({code})")


class _Refusal:
    """A way to log in that is not taken."""

    def __init__(self, _connection: object) -> None:
        pass

    def authenticate(self, _packet: object) -> None:
        raise pymysql.OperationalError(2059, "the server asks for the password itself; allowed: its hash")


class _Bounded(socket.socket):
    """A connection on which the other side can send only so much, and only for so long."""

    end_s = float("inf")
    left_bytes = _LONGEST_ANSWER_BYTES

    def recv_into(self, *arguments: Any) -> int:  # noqa: ANN401 - those of the base class
        if waiting.now_s() > self.end_s:
            raise TimeoutError("the answer does not end")
        received = super().recv_into(*arguments)
        self.left_bytes -= received
        if self.left_bytes < 0:
            raise OSError(f"the answer is longer than {_LONGEST_ANSWER_BYTES} bytes")
        return received


@contextmanager
def connected(endpoint: Endpoint) -> Iterator["pymysql.connections.Connection[pymysql.cursors.Cursor]"]:
    """Give a connection to `endpoint`, with autocommit.

    Raises:
        SqlError: nobody answers there, or the user is refused.
    """
    connection = pymysql.connect(
        user=endpoint.user,
        password=endpoint.password,
        read_timeout=endpoint.answer_timeout_s,
        write_timeout=endpoint.answer_timeout_s,
        autocommit=True,
        # Or PyMySQL reads all authorities of this host for each connection, which takes 22 ms (measured).
        ssl_disabled=True,
        auth_plugin_map=dict.fromkeys(_SHOW_THE_PASSWORD, _Refusal),
        defer_connect=True,
    )
    greeted = _greeted(endpoint)
    try:
        connection.connect(greeted)
    except Exception as failure:
        greeted.close()
        raise _error(failure) from failure
    try:
        yield connection
    finally:
        with suppress(Exception):
            connection.close()


def _greeted(endpoint: Endpoint) -> _Bounded:
    """Return a connection on which the database has begun to speak."""
    place: str | tuple[str, int] = endpoint.socket or (endpoint.host, endpoint.port)
    opened = _Bounded(socket.AF_UNIX if endpoint.socket else socket.AF_INET)
    if endpoint.answer_timeout_s is not None:
        opened.end_s = waiting.now_s() + _CONNECT_TIMEOUT_S + endpoint.answer_timeout_s
    try:
        opened.settimeout(_CONNECT_TIMEOUT_S)
        opened.connect(place)
        if not endpoint.socket:
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        opened.recv(1, socket.MSG_PEEK)
    except OSError as failure:
        opened.close()
        refused = isinstance(failure, ConnectionRefusedError)
        raise SqlError(_NOT_CONNECTED, f"{place}: {failure}", refused=refused) from failure
    return opened


def rows(endpoint: Endpoint, statement: str, *values: str) -> tuple[tuple[object, ...], ...]:
    """Return what `statement` returns.

    + values: texts for each `%s` in `statement`, which are quoted; without any, `%` stands for itself

    Raises:
        SqlError: the database cannot be asked, or refuses the statement.
    """
    with connected(endpoint) as connection, connection.cursor() as cursor:
        try:
            cursor.execute(statement, values or None)
            return tuple(cursor.fetchall())
        except Exception as failure:
            refused = _error(failure)
            if not values:
                raise refused from failure
            # A database's words repeat the statement, and what is quoted in it may be a password.
            raise SqlError(
                refused.code, "the database's words are not shown: they may have a password"
            ) from None


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
    if isinstance(failure, pymysql.MySQLError) and isinstance(code, int):
        return SqlError(code, _in_one_line(str(message)))
    return SqlError(0, f"{type(failure).__name__}: {_in_one_line(str(failure))}")


def _in_one_line(text: str) -> str:
    return "".join(each if each.isprintable() else "?" for each in text[:_LONGEST_MESSAGE])
