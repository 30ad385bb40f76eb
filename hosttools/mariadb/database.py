"""The database of this host: made once, set up by its script, and one of a pair."""

import re
from hashlib import sha256
from pathlib import Path

from hosttools import files, programs, waiting
from hosttools.errors import ToolError
from hosttools.mariadb.settings import MariaDbSettings
from hosttools.numbers import whole_number

_ANSWER_S = 30.0
_MAKE_S = 600.0
_SHOWN_LINES = 5
_ERROR = re.compile(
    r"^(?P<place>ERROR (?P<code>[0-9]{1,6}) \([0-9A-Z]{5}\)(?: at line [0-9]+)?).*", re.MULTILINE
)
_CODES_OF_THE_CLIENT = 2
"""Thousands of the client's own codes: it cannot connect, and has sent no statement."""
_HIDDEN = "its words are not shown: they may have a password"
_CLIENTS = ("mariadb", "mysql")
"""MariaDB before 10.4 has its client by MySQL's name."""


def client(settings: MariaDbSettings) -> tuple[str, ...]:
    """Return the client program, coming as root.

    Raises:
        ToolError: there is none.
    """
    return (
        programs.first_of(_CLIENTS),
        "--no-defaults",
        "--user=root",
        f"--socket={settings.socket}",
        "--batch",
        "--skip-column-names",
    )


class Database:
    """The database of this host."""

    def __init__(self, settings: MariaDbSettings) -> None:
        self._settings = settings

    @property
    def is_made(self) -> bool:
        """Whether the data folder holds a whole database."""
        return self._settings.made.exists()

    @property
    def applied(self) -> str:
        """The hash of the script that was applied last; empty before the first."""
        return (files.read(self._settings.applied) or "").strip()

    def is_paired(self) -> bool:
        """Return whether a replica acknowledges commits here, or whether this replica follows."""
        if not self._settings.is_primary:
            return self._is_on("Slave_running") and self._is_on("Rpl_semi_sync_slave_status")
        return self._is_on("Rpl_semi_sync_master_status") and self._count("Rpl_semi_sync_master_clients") >= 1

    def unacknowledged(self) -> int:
        """Return how many commits of this start no replica acknowledged in time.

        Raises:
            ToolError: the database does not say.
        """
        return whole_number(self._status("Rpl_semi_sync_master_no_tx"), "count of unacknowledged commits")

    def make(self) -> None:
        """Make an empty data folder a database; one that is half-made is begun anew.

        Raises:
            ToolError: it cannot be made.
        """
        settings = self._settings
        files.empty(Path(settings.data_dir))
        # Without the binary log: a replica would otherwise begin with transactions of its own.
        command = [
            "mariadb-install-db",
            f"--defaults-file={settings.config}",
            f"--user={settings.service_user}",
            "--skip-test-db",
            "--skip-log-bin",
            "--auth-root-authentication-method=socket",
            "--auth-root-socket-user=root",
        ]
        ended = programs.run(command, limit_s=_MAKE_S, with_children=True)
        if not ended.succeeded:
            last = " | ".join(f"{ended.output}{ended.errors}".splitlines()[-_SHOWN_LINES:])
            raise ToolError(f"no database could be made: {last}")
        files.write(settings.made, "")

    def apply(self) -> None:
        """Apply the script and remember its hash.

        Raises:
            ToolError: the database refused it, or the client could not reach it; then it is not remembered.
        """
        script = Path(self._settings.script)
        text = script.read_text()
        ended = self._client(stdin=text, limit_s=_MAKE_S)
        if not ended.succeeded:
            raise ToolError(f"{script} was not applied: {_without_statements(ended)}")
        files.write(self._settings.applied, sha256(text.encode()).hexdigest())

    def wait_paired(self, limit_s: int) -> None:
        """Return once the replica follows and acknowledges commits.

        + limit_s: time limit, in seconds

        Raises:
            ToolError: it did not in time; has what the replica says about its errors.
        """
        try:
            waiting.until(self.is_paired, limit_s, "a replica that follows and acknowledges")
        except waiting.TooLateError as late:
            said = self._client("-e", "SHOW SLAVE STATUS\\G")
            lines = f"{said.output}{said.errors}".splitlines()
            words = " ".join(line.strip() for line in lines if "Error" in line or "Running" in line)
            raise ToolError(f"{late}; it says: {words}") from None

    def _is_on(self, variable: str) -> bool:
        return self._status(variable) == "ON"

    def _count(self, variable: str) -> int:
        try:
            return whole_number(self._status(variable), variable)
        except ToolError:
            return 0

    def _status(self, variable: str) -> str:
        """Return the value of one of the server's status variables; empty: it does not answer."""
        said = self._client("-e", f"SHOW GLOBAL STATUS LIKE '{variable}'")
        return said.output.partition("\t")[2].strip() if said.succeeded else ""

    def _client(self, *words: str, stdin: str = "", limit_s: float = _ANSWER_S) -> programs.Finished:
        command = (*client(self._settings), "--connect-timeout=2", *words)
        return programs.run(command, limit_s=limit_s, stdin=stdin)


def _without_statements(ended: programs.Finished) -> str:
    """Return what the client said, without the words of a refusal, which repeat the statement."""
    found = _ERROR.search(ended.errors)
    if found is None:
        return f"the client ended with {ended.status}; {_HIDDEN}"
    if int(found["code"]) // 1000 == _CODES_OF_THE_CLIENT:
        return found[0]
    return f"{found['place']}: {_HIDDEN}"
