"""A session of the reporting user on a database host: one report after the other, each with a time-out."""

import time
from collections.abc import Sequence
from typing import Protocol

from inventory import secrets
from inventory.database_kind import DatabaseKind
from inventory.model import Environment, Host
from inventory.ssh import ssh_argv
from loanstack.companions.reports import Report, Row
from processes.lines import Channel, ChannelClosedError

USER = "report"
TIMEOUT_S = 30.0
"""The database cancels a report after this time."""
_ANSWER_LATER_S = 5.0
"""Time that the answer may take beyond the time-out."""

# The password comes as the first line, so that no command line and no file holds it. The session is a
# connection of its own, which takes none from the services. --force: the session survives a failed report.
_CLIENT = (
    "read -r MYSQL_PWD && export MYSQL_PWD && exec mariadb --no-defaults --user={user} --host={address}"
    " --port={port} --protocol=tcp --connect-timeout=3 --batch --skip-column-names --unbuffered --force"
    " {schema} 2>&1"
)
_LIMITS = {
    DatabaseKind.OCEANBASE: f"SET SESSION ob_query_timeout = {TIMEOUT_S * 1e6:.0f};\n",
    DatabaseKind.MARIADB: f"SET SESSION max_statement_time = {TIMEOUT_S:g};\n",
}


class ReportError(Exception):
    """A report has no answer; the message says why."""


class Line(Protocol):
    """The connection to a session: `processes.lines.Channel`, or a test's fake of it."""

    closed: bool

    def send(self, text: str) -> None:
        """Write `text`; raises ChannelClosedError."""
        ...

    def read_line(self, within_s: float) -> str | None:
        """Return the next line; None if there is none in time; raises ChannelClosedError."""
        ...

    def close(self) -> None:
        """End it."""
        ...


class ReportSession:
    """One session; opened at its first report, and opened again after a report that failed."""

    def __init__(self, env: Environment, host: Host, database: DatabaseKind = DatabaseKind.OCEANBASE) -> None:
        self._env = env
        self._host = host
        self._database = database
        self._line: Line | None = None
        self._asked = 0

    def run(self, report: Report) -> list[Row]:
        """Return the rows of a report.

        Raises:
            ReportError: the database refused it, cancelled it, or cannot be reached.
        """
        if self._line is None or self._line.closed:
            self._line = self._connect()
        self._asked += 1
        end = f"end of report {self._asked}"
        try:
            self._line.send(f"{report.sql};\nSELECT '{end}';\n")
            return self._rows(self._line, report, end)
        except ChannelClosedError as gone:
            raise ReportError(f"{self._host.name}: {gone}") from None
        except ReportError:
            self.close()
            raise

    def close(self) -> None:
        """End the session; the database ends a report that still runs."""
        if self._line is not None:
            self._line.close()

    def _connect(self) -> Line:
        env = self._env
        port = (env.mariadb if self._database is DatabaseKind.MARIADB else env.database).sql_port
        where = {"address": self._host.address, "port": port, "schema": env.database.schema}
        channel = Channel(ssh_argv(self._env, self._host, _CLIENT.format(user=USER, **where)))
        channel.send(f"{secrets.load(self._env.secrets_file).report_password}\n{_LIMITS[self._database]}")
        return channel

    def _rows(self, line: Line, report: Report, end: str) -> list[Row]:
        rows: list[Row] = []
        until_s = time.monotonic() + TIMEOUT_S + _ANSWER_LATER_S
        while (text := line.read_line(max(0.0, until_s - time.monotonic()))) is not None:
            if text == end:
                return rows
            row = tuple(text.split("\t"))
            if len(row) != report.columns:
                raise ReportError(f"{self._host.name} says {text!r}")
            rows.append(row)
        raise ReportError(f"{self._host.name}: no whole answer within {TIMEOUT_S + _ANSWER_LATER_S:g} s")


def counted(rows: Sequence[Row]) -> int:
    """Return how many rows a report added up: the sum of its last column."""
    return sum(int(row[-1]) for row in rows)
