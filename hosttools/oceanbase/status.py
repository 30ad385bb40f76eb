"""The state of this database as one line of JSON, and the wait for a healthy one."""

import json
from contextlib import suppress
from dataclasses import dataclass

from hosttools import waiting
from hosttools.entry import say
from hosttools.errors import ToolError
from hosttools.oceanbase.data import recorded_role
from hosttools.oceanbase.database import Database, local, peer
from hosttools.oceanbase.roles import Role, deciding
from hosttools.oceanbase.settings import NAME, Settings


@dataclass(frozen=True, kw_only=True)
class State:
    """State of this database, as far as it answers."""

    role: Role
    recorded_role: str
    """Role after its last complete bootstrap or change of role; NONE before."""
    peer_role: Role
    scn: int | None
    lag_ms: int | None
    """Lag of a standby behind its primary."""
    has_tables: bool
    """Whether reads of the services' tables are answered."""

    def line(self) -> str:
        """Return the state as a line of JSON, as the deploy's facts read it."""
        return json.dumps(
            {
                "role": self.role,
                "recorded_role": self.recorded_role,
                "peer_role": self.peer_role,
                "scn": self.scn,
                "lag_ms": self.lag_ms,
                "has_tables": self.has_tables,
            }
        )

    def is_healthy(self, *, max_healthy_lag_ms: int) -> bool:
        """Say whether this is the only primary, or a standby close behind one.

        A primary without its standby counts as healthy, because the missing standby fails on its own host.

        + max_healthy_lag_ms: largest lag of a standby
        """
        if self.role is Role.PRIMARY:
            return self.peer_role is not Role.PRIMARY
        is_close = self.lag_ms is not None and self.lag_ms <= max_healthy_lag_ms
        return self.role is Role.STANDBY and is_close and self.has_tables


def state(settings: Settings) -> State:
    """Return the state; what is not answered, or not with a number, is None.

    Raises:
        ToolError: the recorded role is none, or a file cannot be read.
    """
    database = local(settings)
    role = database.role()
    # The primary's position is asked for last, so a busy pair never looks better than it is.
    position = None if role is Role.DOWN else _scn(database)
    peers = [(each, each.role()) for each in (peer(settings, address) for address in settings.peers)]
    lag = None
    primary = next((each for each, its_role in peers if its_role is Role.PRIMARY), None)
    if role is Role.STANDBY and position is not None and primary is not None:
        theirs = _scn(primary)
        lag = None if theirs is None else _lag_ms(mine_ns=position, theirs_ns=theirs)
    return State(
        role=role,
        recorded_role=recorded_role(settings),
        peer_role=deciding(its_role for _, its_role in peers),
        scn=position,
        lag_ms=lag,
        has_tables=role is not Role.DOWN and database.has_its_tables(),
    )


def wait_healthy(settings: Settings, *, max_healthy_lag_ms: int, limit_s: int) -> State:
    """Return the state as soon as it is healthy.

    It is the state that was seen to be healthy: another look a moment later may be the one that is not
    answered.

    + max_healthy_lag_ms: largest lag of a standby
    + limit_s: time limit, in seconds

    Raises:
        ToolError: it was not healthy in time.
    """
    seen: list[State] = []

    def is_healthy() -> bool:
        seen.append(state(settings))
        return seen[-1].is_healthy(max_healthy_lag_ms=max_healthy_lag_ms)

    what = f"this to be the only primary, or a standby at most {max_healthy_lag_ms} ms behind"
    try:
        waiting.until(is_healthy, limit_s, what)
    except waiting.TooLateError as late:
        say(NAME, str(late))
        raise ToolError(f"it is: {seen[-1].line()}") from late
    return seen[-1]


def _scn(database: Database) -> int | None:
    with suppress(ToolError):
        return database.scn()
    return None


def _lag_ms(*, mine_ns: int, theirs_ns: int) -> int:
    """Return how far a position is behind another, in milliseconds; never negative."""
    return max(0, (theirs_ns - mine_ns) // 1_000_000)
