"""What a failed statement means for the caller: did it happen, did it not, or may it have? Pure.

Source of the codes: MySQL client errors 2006/2013; OceanBase and MariaDB server errors as their documentation
lists them (1969 is MariaDB's statement time-out).
"""

from enum import StrEnum

DUPLICATE_KEY = 1062
NULL_VALUE = 1048
_NOT_PRIMARY = frozenset({4688, 4109, 1290})
"""A write reached a standby (also one that still calls itself the primary), or a change of roles; 1290 is how
MariaDB says that it is read-only."""
_EPOCH_COLUMN = "'epoch'"
"""A NULL in this column is how a write says that the primary has another epoch; see `app_stub.sql`."""
_RETRY_AT_ONCE = frozenset(
    {1205, 1213, 1969, 4012, 4023, 4038, 5627, 6001, 6002, 6003, 6004, 6005, 6210, 6212, 6224}
)
"""Lock waits, deadlocks, time-outs, 'try again' (also of a table that is being changed), rolled back by the
kernel, 'not master': a keyed write may repeat."""


class Meaning(StrEnum):
    """What is known about a write after its attempt failed."""

    NOT_SENT = "not-sent"
    """Nothing left the service: definite, try another connection."""
    REFUSED = "refused"
    """The server answered before COMMIT: rolled back, definite."""
    RETRY = "retry"
    """As REFUSED, and a repeat may succeed."""
    NOT_PRIMARY = "not-primary"
    """As REFUSED, by a database that is no primary."""
    OTHER_EPOCH = "other-epoch"
    """As REFUSED, by a primary of another epoch than the one the write was meant for."""
    DUPLICATE = "duplicate"
    """The key (or another unique value) is already there."""
    UNCERTAIN = "uncertain"
    """COMMIT may have been executed."""


class DatabaseFailure(Exception):  # noqa: N818  (it is a fact with a meaning, not always an error)
    """A packet of statements that did not run through."""

    def __init__(self, meaning: Meaning, *, code: int, detail: str) -> None:
        self.meaning = meaning
        self.code = code
        super().__init__(f"{meaning} (code {code}): {detail}")


NO_PRIMARY_THERE = frozenset({Meaning.NOT_PRIMARY, Meaning.OTHER_EPOCH})
"""Refused by a database that is not the primary the write was meant for: to be sent to the one that is."""


def meaning_of_server_error(code: int, detail: str, *, statement: int, statements: int) -> Meaning:
    """Return what an error packet means.

    Args:
        code: the server's error number.
        detail: its text.
        statement: index of the statement that failed, from 0.
        statements: how many the packet had; the last is COMMIT.
    """
    if statement >= statements - 1:
        return Meaning.UNCERTAIN
    if code == DUPLICATE_KEY:
        return Meaning.DUPLICATE
    if code in _NOT_PRIMARY:
        return Meaning.NOT_PRIMARY
    if code == NULL_VALUE and _EPOCH_COLUMN in detail:
        return Meaning.OTHER_EPOCH
    if code in _RETRY_AT_ONCE:
        return Meaning.RETRY
    return Meaning.REFUSED


def meaning_of_lost_connection(*, sent: bool) -> Meaning:
    """Return what a broken or timed-out connection means.

    Args:
        sent: whether the packet with the COMMIT may have left the service.
    """
    return Meaning.UNCERTAIN if sent else Meaning.NOT_SENT
