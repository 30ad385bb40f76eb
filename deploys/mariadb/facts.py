"""The local database of the MariaDB pair."""

import json
from dataclasses import dataclass

from pyinfra.api.facts import FactBase

TOOL = "/usr/local/sbin/loanstack-mariadb"
SCRIPT = "/etc/loanstack/mariadb.sql"


@dataclass(frozen=True, kw_only=True)
class MariaDbState:
    """Output of `loanstack-mariadb status`."""

    is_made: bool
    """Whether its data folder holds a whole database."""
    applied: str
    """SHA-256 of the script that was applied last; empty before the first."""
    is_paired: bool
    """Primary: a replica acknowledges commits. Replica: it follows."""


class LocalMariaDb(FactBase[MariaDbState | None]):
    """Return the state of the local MariaDB; None if it is not installed."""

    def command(self) -> str:
        """Return the shell command."""
        return f"[ -x {TOOL} ] || exit 0; {TOOL} status"

    def process(self, output: list[str]) -> MariaDbState:
        """Return the state from its line of JSON."""
        return MariaDbState(**json.loads(output[-1]))
