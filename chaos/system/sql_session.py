"""Asks a database repeatedly for its role and its log position.

It uses SSH and the client on the host instead of a driver on the control machine: the database's port is open
only to the hosts of the services, and its administrator's password never leaves its host.
"""

import time
from dataclasses import dataclass

from inventory.database_kind import DatabaseKind
from inventory.model import Environment, Host
from inventory.ssh import ssh_argv
from processes.lines import Channel, ChannelClosedError

ASK_AGAIN_AFTER_S = 0.2
"""Pause on the host between two attempts to connect to a database that is down."""

_REOPEN_AFTER_S = 1.0

# The client ends at its first error, also when the database dies; the loop then starts another client, which
# goes on with the next query. The loop ends with the session: at the end of its input the client returns 0,
# and if the reader is gone, the next `echo` fails and ends the shell.
_LOOP = "until {tool} sql 2>&1; do echo down; sleep {pause_s}; done"


@dataclass(frozen=True, kw_only=True)
class Question:
    """The query of one database product."""

    tool: str
    """The administrator's tool on the host."""
    role: str
    position: str
    """SQL of the log position: an integer that only grows."""


OCEANBASE = Question(
    tool="loanstack-db",
    role="(SELECT role FROM oceanbase.__all_virtual_server_stat LIMIT 1)",
    position="(SELECT MAX(END_SCN) FROM oceanbase.`V$OB_LOG_STAT`)",
)
MARIADB = Question(
    tool="loanstack-mariadb",
    role="IF(@@GLOBAL.read_only,'STANDBY','PRIMARY')",
    # The number of the last transaction that was applied to the tables here; there is only one stream.
    position="SUBSTRING_INDEX(IF(@@GLOBAL.read_only,@@GLOBAL.gtid_slave_pos,@@GLOBAL.gtid_binlog_pos),'-',-1)",
)
QUESTIONS = {DatabaseKind.OCEANBASE: OCEANBASE, DatabaseKind.MARIADB: MARIADB}


@dataclass(frozen=True, kw_only=True)
class RoleAndPosition:
    """Role and log position that a database reported."""

    role: str
    scn: int
    """OceanBase: END_SCN in nanoseconds; MariaDB: number of transactions."""


class SqlSession:
    """A SQL client on a database host that stays open; survives the death of database and host."""

    def __init__(self, env: Environment, host: Host, question: Question = OCEANBASE) -> None:
        self.host = host
        self._question = question
        self._env = env
        self._channel: Channel | None = None
        self._opened_at_s = float("-inf")
        self._asked = 0

    def ask(self) -> None:
        """Send the query; answers to earlier queries are dropped."""
        self._asked += 1
        if not self._is_open():
            return
        assert self._channel is not None
        try:
            while self._channel.read_line(0.0) is not None:
                pass
            question = self._question
            self._channel.send(f"SELECT {self._asked}, {question.role}, {question.position};\n")
        except ChannelClosedError:
            return

    def answer(self, within_s: float) -> RoleAndPosition | None:
        """Return the answer to the last query; None if it is 'down', damaged, or late."""
        if self._channel is None or self._channel.closed:
            return None
        deadline = time.monotonic() + within_s
        try:
            while (line := self._channel.read_line(max(0.0, deadline - time.monotonic()))) is not None:
                if line == "down":
                    return None
                number, _, rest = line.partition("\t")
                role, _, scn = rest.partition("\t")
                if number == str(self._asked) and scn.isdigit():
                    return RoleAndPosition(role=role, scn=int(scn))
        except ChannelClosedError:
            return None
        return None

    def read(self, within_s: float) -> RoleAndPosition | None:
        """Send the query and wait for its answer."""
        self.ask()
        return self.answer(within_s)

    def close(self) -> None:
        """End the session."""
        if self._channel is not None:
            self._channel.close()

    def _is_open(self) -> bool:
        if self._channel is not None and not self._channel.closed:
            return True
        now_s = time.monotonic()
        if now_s - self._opened_at_s < _REOPEN_AFTER_S:
            return False
        self._opened_at_s = now_s
        loop = _LOOP.format(tool=self._question.tool, pause_s=ASK_AGAIN_AFTER_S)
        self._channel = Channel(ssh_argv(self._env, self.host, loop))
        return True
