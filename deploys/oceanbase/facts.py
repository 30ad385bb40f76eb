"""The local database of a pair: its role, and answers to queries."""

import json
import shlex
from dataclasses import dataclass

from pyinfra.api.facts import FactBase

from deploys.failover.spec import DATABASE_TOOL

_WHERE_INSTALLED = f"[ -x {DATABASE_TOOL} ] || exit 0;"


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

    def is_healthy(self, *, max_healthy_lag_ms: int) -> bool:
        """Say whether this side is the only primary, or a standby close behind one.

        A primary without its standby counts as healthy, because the missing standby fails on its own host.

        + max_healthy_lag_ms: largest lag of a standby
        """
        if self.role == "PRIMARY":
            return self.peer_role != "PRIMARY"
        is_close = self.lag_ms is not None and self.lag_ms <= max_healthy_lag_ms
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
        return f"{_WHERE_INSTALLED} {DATABASE_TOOL} status"

    def process(self, output: list[str]) -> DatabaseState:
        """Return the state from its line of JSON."""
        return DatabaseState(**json.loads(output[-1]))


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Rows of a query, and the role of the database that gave them."""

    role: str
    rows: tuple[tuple[str, ...], ...]
    refusal: str = ""
    """Why the database refused the query: there are no rows, and nothing is known. Empty: it answered."""


class LocalAnswer(FactBase[Answer | None]):
    """Return the local database's answer to a query; None where it does not run.

    A missing table gives no rows. Any other failure is a refusal: an operation that treated it as an empty
    answer would change settings that are right.
    """

    def command(self, query: str, of_primary: bool = True) -> str:
        """Return the shell command.

        + query: one SELECT; it is part of the command line, so nothing secret
        + of_primary: ask a primary only; a standby gets the same rows from its primary, but maybe later
        """
        asked = f"{DATABASE_TOOL} query {'--of-primary ' if of_primary else ''}-- {shlex.quote(query)}"
        return f"{_WHERE_INSTALLED} {asked}"

    def process(self, output: list[str]) -> Answer | None:
        """Return the rows from the line of JSON."""
        found = json.loads(output[-1])
        if found is None:
            return None
        rows = tuple(tuple(row) for row in found["rows"])
        return Answer(role=found["role"], rows=rows, refusal=found["refusal"])
