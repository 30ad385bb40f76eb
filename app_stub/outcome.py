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
kernel, 'not master': an idempotent write may repeat."""


class FailureKind(StrEnum):
    """What a failed attempt tells about its write: whether it happened."""

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


class DatabaseFailure(Exception):  # noqa: N818  (it is a fact of some kind, not always an error)
    """A packet of statements that did not run through."""

    def __init__(self, kind: FailureKind, *, code: int, detail: str) -> None:
        self.kind = kind
        self.code = code
        super().__init__(f"{kind} (code {code}): {detail}")


NO_PRIMARY_THERE = frozenset({FailureKind.NOT_PRIMARY, FailureKind.OTHER_EPOCH})
"""Refused by a database that is not the primary the write was meant for: to be sent to the one that is."""


def failure_kind_of_server_error(code: int, detail: str, *, statement: int, statements: int) -> FailureKind:
    """Return what kind of failure an error packet is.

    Args:
        code: the server's error number.
        detail: its text.
        statement: index of the statement that failed, from 0.
        statements: how many the packet had; the last is COMMIT.
    """
    if statement >= statements - 1:
        return FailureKind.UNCERTAIN
    if code == DUPLICATE_KEY:
        return FailureKind.DUPLICATE
    if code in _NOT_PRIMARY:
        return FailureKind.NOT_PRIMARY
    if code == NULL_VALUE and _EPOCH_COLUMN in detail:
        return FailureKind.OTHER_EPOCH
    if code in _RETRY_AT_ONCE:
        return FailureKind.RETRY
    return FailureKind.REFUSED


def failure_kind_of_lost_connection(*, sent: bool) -> FailureKind:
    """Return what kind of failure a broken or timed-out connection is.

    Args:
        sent: whether the packet with the COMMIT may have left the service.
    """
    return FailureKind.UNCERTAIN if sent else FailureKind.NOT_SENT
