"""The local database of a pair: its role, and answers to queries."""

import json
import shlex
from dataclasses import dataclass

from pyinfra.api.facts import FactBase

from deploys.failover.spec import DATABASE_TOOL

_CLOSE_MS = 300
"""Below every environment's lag limit, because this only limits how long the fact waits."""
_PATIENCE_S = 5
_TRIES = 4
"""Tries, one second apart: a database that was just made or restarted refuses single statements."""
_NO_ROWS_YET = "case $said in *'ERROR 1146'* | *'ERROR 1049'*) exit 0 ;; esac; "
_WHERE_INSTALLED = f"[ -x {DATABASE_TOOL} ] || exit 0;"


def sql_until_taken(text: str, *, unless: str = "", shown: str = "cat") -> str:
    """Return the shell command that sends SQL to the local database, several times until it is accepted.

    The answer is then in `$said`. If the SQL is never accepted, the shell ends with 1 and prints the last
    answer.

    + text: command that prints the SQL
    + unless: command that is run after each refusal, with the answer in `$said`
    + shown: filter for the answer of the last refusal
    """
    return (
        f"tries=0; until said=$({text} | {DATABASE_TOOL} sql 2>&1); do {unless}tries=$((tries + 1)); "
        f"[ $tries -lt {_TRIES} ] || {{ printf '%s\\n' \"$said\" | {shown} >&2; exit 1; }}; sleep 1; done"
    )


@dataclass(frozen=True, kw_only=True)
class DatabaseState:
    """Output of `loanstack-db status`."""

    role: str
    """PRIMARY, STANDBY or DOWN."""
    recorded_role: str
    """Role after its last complete bootstrap or change of role; NONE before."""
    peer_role: str
    scn: int | None
    lag_ms: int | None
    """Lag of a standby behind its primary."""
    has_tables: bool
    """Whether reads of the services' tables are answered; a standby may follow the log without them."""

    def is_healthy(self, *, lag_limit_ms: int) -> bool:
        """Say whether this side is the only primary, or a standby close behind one.

        A primary without its standby counts as healthy, because the missing standby fails on its own host.

        + lag_limit_ms: largest lag of a standby
        """
        if self.role == "PRIMARY":
            return self.peer_role != "PRIMARY"
        is_close = self.lag_ms is not None and self.lag_ms <= lag_limit_ms
        return self.role == "STANDBY" and is_close and self.has_tables


class LocalRole(FactBase[str | None]):
    """Return PRIMARY, STANDBY or DOWN; None where no database is installed."""

    def command(self) -> str:
        """Return the shell command."""
        return f"{_WHERE_INSTALLED} {DATABASE_TOOL} role"

    def process(self, output: list[str]) -> str:
        """Return the role from its line."""
        return output[-1]


class LocalDatabase(FactBase[DatabaseState | None]):
    """Return the state of the local database; None where none is installed."""

    def command(self) -> str:
        """Return the shell command."""
        # A standby is observed for a few seconds. One that has just joined may lag for a moment, and a plan
        # that saw only that moment would report a change. The same holds for a query without an answer. So
        # the result is that of the query that found the standby close behind, and not of a later one.
        return (
            f"{_WHERE_INSTALLED} now=$({DATABASE_TOOL} status); case $now in "
            f'*\'"role": "STANDBY"\'*) '
            f"now=$({DATABASE_TOOL} wait-healthy {_CLOSE_MS} {_PATIENCE_S} 2>/dev/null) "
            f"|| now=$({DATABASE_TOOL} status) ;; "
            f'*\'"role": "DOWN"\'*) sleep 1; now=$({DATABASE_TOOL} status) ;; esac; echo "$now"'
        )

    def process(self, output: list[str]) -> DatabaseState:
        """Return the state from its line of JSON."""
        return DatabaseState(**json.loads(output[-1]))


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Rows of a query, and the role of the database that gave them."""

    role: str
    rows: tuple[tuple[str, ...], ...]


class LocalAnswer(FactBase[Answer | None]):
    """Return the local database's answer to a query; None where it does not run.

    A missing table gives no rows. Any other failure is tried again, and then fails the fact: an operation
    that treated it as an empty answer would change settings that are right.
    """

    def command(self, query: str, of_primary: bool = True) -> str:
        """Return the shell command.

        + query: one SELECT; it is part of the command line, so nothing secret
        + of_primary: ask a primary only; a standby gets the same rows from its primary, but maybe later
        """
        unless_primary = '[ "$role" = PRIMARY ] || exit 0; ' if of_primary else ""
        text = f"printf '%s\\n' {shlex.quote(query + ';')}"
        return (
            f"{_WHERE_INSTALLED} role=$({DATABASE_TOOL} role); [ $role = DOWN ] && exit 0; echo $role; "
            f"{unless_primary}"
            f"{sql_until_taken(text, unless=_NO_ROWS_YET)}; "
            '[ -z "$said" ] || printf "%s\\n" "$said"'
        )

    def process(self, output: list[str]) -> Answer:
        """Return the rows; fields are separated by tabs."""
        rows = tuple(tuple(line.split("\t")) for line in output)
        return Answer(role=rows[0][0], rows=rows[1:])
