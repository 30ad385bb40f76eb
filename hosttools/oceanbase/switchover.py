"""The roles of a pair swapped while both run: the primary hands over, its standby takes over."""

from hosttools import waiting
from hosttools.errors import ToolError
from hosttools.oceanbase import data
from hosttools.oceanbase.database import LocalDatabase, local
from hosttools.oceanbase.promotion import is_refused_for_now
from hosttools.oceanbase.roles import Role
from hosttools.oceanbase.settings import Settings
from hosttools.sql import SqlError

_HANDS_OVER_WITHIN_S = 2.0
_TAKES_OVER_WITHIN_S = 0.4
"""While tables change it is refused (4109) for more than a second now and then. It has all there was, so the
agent then activates it, as one that lost its source: that takes 0.1 s."""
_CATCHES_UP_WITHIN_S = 2
_TRIES_AGAIN_AFTER_S = 0.05


def hand_over(settings: Settings, *, dry_run: bool) -> int | None:
    """Have this primary take no more writes; return its last position (END_SCN), in nanoseconds.

    From here on there is no way back but a restart: seekdb 1.4 answers a SWITCHOVER TO PRIMARY on the same
    side with 4179. It still says PRIMARY, so nobody may go by its word.

    + dry_run: only ask whether it would; None is returned

    Raises:
        ToolError: it is no primary, or refuses.
    """
    database = local(settings)
    if not database.answers_as(Role.PRIMARY):
        raise ToolError("this is no PRIMARY: nothing to hand over")
    _change_role(database, "ALTER SYSTEM SWITCHOVER TO STANDBY VERIFY", limit_s=_HANDS_OVER_WITHIN_S)
    if dry_run:
        return None
    _change_role(database, "ALTER SYSTEM SWITCHOVER TO STANDBY", limit_s=_HANDS_OVER_WITHIN_S)
    # It is what a start makes of it from here on.
    data.record_role(settings, Role.STANDBY)
    return database.scn()


def take_over(settings: Settings, scn: int) -> None:
    """Make this standby the primary as soon as it has everything up to `scn`; the old one must still run.

    + scn: last position of the old primary (END_SCN), in nanoseconds

    Raises:
        ToolError: it is no standby, does not get so far in time, or refuses.
    """
    database = local(settings)
    if not database.answers_as(Role.STANDBY):
        raise ToolError("this is no STANDBY: it cannot take over")
    what = f"the standby to have everything up to {scn}"
    waiting.until(lambda: _has(database, scn), _CATCHES_UP_WITHIN_S, what)
    _change_role(database, "ALTER SYSTEM SWITCHOVER TO PRIMARY", limit_s=_TAKES_OVER_WITHIN_S)
    data.record_role(settings, Role.PRIMARY)


def _has(database: LocalDatabase, scn: int) -> bool:
    try:
        return database.scn() >= scn
    except ToolError:
        return False


def _change_role(database: LocalDatabase, statement: str, *, limit_s: float) -> None:
    """Carry out `statement`; a refusal under DDL is repeated until the time limit."""
    end = waiting.now_s() + limit_s
    while True:
        try:
            database.change(statement)
        except SqlError as refusal:
            if not is_refused_for_now(refusal) or waiting.now_s() >= end:
                raise ToolError(f"{statement}: {refusal}") from refusal
            waiting.pause(_TRIES_AGAIN_AFTER_S)
        else:
            return
