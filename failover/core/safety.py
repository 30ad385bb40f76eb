"""When this host's database must be fenced, whatever else is in progress. Pure."""

from failover.core.observed import Database, Observed, Phase, Process, Role, Settings, Task, TaskKind

MAKES_WRITABLE = frozenset({TaskKind.PROMOTE, TaskKind.TAKE_OVER, TaskKind.START_PRIMARY})
"""While one of these tasks runs, the database may become writable between two observations."""

CHANGES_ROLES = frozenset({TaskKind.PROMOTE, TaskKind.TAKE_OVER, TaskKind.HAND_OVER})

MAKES_A_STANDBY = frozenset({TaskKind.START_STANDBY, TaskKind.REJOIN})


def must_fence(seen: Observed, settings: Settings) -> str | None:
    """Return why the database must be killed now, or None.

    This is checked first in every loop, and also between loops: after this agent was paused, or its clock
    moved on, its first act is to compare its lease with the clock.
    """
    if seen.lease is None:
        return _without_lease(seen, settings)
    return (
        _lease_lapsed(seen, settings)
        or _replaced(seen)
        or _broken_while_leading(seen, settings)
        or _statement_without_end(seen.task, settings)
    )


def lease_is_valid(seen: Observed, settings: Settings) -> bool:
    """Say whether the lease was renewed recently enough for the database to take writes."""
    return seen.lease is not None and seen.now_ms - seen.lease.renewed_at_ms < settings.may_write_ms


def could_write(database: Database, task: Task | None) -> bool:
    """Say whether the database takes writes, or might before the next observation; in doubt, yes.

    If it reports STANDBY while PRIMARY is recorded, a promotion was begun, and its statement may still
    succeed.
    """
    if task is not None and task.kind in MAKES_WRITABLE:
        return True
    if database.process is Process.DOWN:
        return False
    # Only a primary can have been drained; for another role the field has no meaning.
    if database.drained and database.role is Role.PRIMARY:
        return False
    if database.role is Role.PRIMARY:
        return True
    if database.role is None and task is not None and task.kind in MAKES_A_STANDBY:
        return False
    if database.role is Role.STANDBY and database.recorded_role is None:
        return False
    return database.recorded_role is not Role.STANDBY


def is_hung(database: Database, task: Task | None, settings: Settings) -> bool:
    """Say whether the process runs but does not work, without a task in progress that explains it."""
    if database.process is Process.HUNG:
        return True
    explained = task is not None and task.kind is not TaskKind.HAND_OVER
    return (
        database.process is not Process.DOWN
        and database.silent_ms >= settings.database_silent_ms
        and not explained
    )


def _without_lease(seen: Observed, settings: Settings) -> str | None:
    if not could_write(seen.database, seen.task):
        return None
    if _nobody_ever_led(seen, settings):
        return None
    return f"{seen.me} holds no lease and its database may take writes"


def _nobody_ever_led(seen: Observed, settings: Settings) -> bool:
    """Say whether this is a primary that is older than the agents; it is adopted and not killed."""
    etcd = seen.etcd
    return (
        etcd is not None
        and etcd.leadership is None
        and etcd.answered_ago_ms <= settings.etcd_silent_ms
        and seen.fenced_epoch == 0
        and seen.database.recorded_epoch == 0
    )


def _lease_lapsed(seen: Observed, settings: Settings) -> str | None:
    if seen.lease is None or lease_is_valid(seen, settings) or not could_write(seen.database, seen.task):
        return None
    ago_ms = seen.now_ms - seen.lease.renewed_at_ms
    return (
        f"the lease of {seen.me} was last renewed {ago_ms} ms ago; writes are allowed for"
        f" {settings.may_write_ms} ms (TTL {settings.lease_ttl_ms} less margin {settings.safety_margin_ms})"
    )


def _replaced(seen: Observed) -> str | None:
    """Return why this lead has ended by etcd, or None; reads older than the own lock are ignored."""
    leadership = seen.etcd.leadership if seen.etcd else None
    if leadership is None or seen.lease is None or not could_write(seen.database, seen.task):
        return None
    if leadership.epoch > seen.lease.epoch or (
        leadership.epoch == seen.lease.epoch and leadership.host != seen.me
    ):
        return f"{leadership.host} leads with epoch {leadership.epoch}; {seen.me} had {seen.lease.epoch}"
    if leadership.epoch == seen.lease.epoch and leadership.phase is Phase.FENCED:
        return f"{seen.me} has confirmed that it is fenced in epoch {leadership.epoch}, and is not"
    if leadership.epoch == seen.lease.epoch and leadership.phase is Phase.HANDED:
        # The host that takes over relies on the record only.
        return f"{seen.me} has handed epoch {leadership.epoch} over, and its database is not drained"
    return None


def _statement_without_end(task: Task | None, settings: Settings) -> str | None:
    """Return why a hanging change of roles must be ended, or None: its statement could still take effect."""
    if task is None or task.kind not in CHANGES_ROLES or task.started_ago_ms < settings.statement_limit_ms:
        return None
    return f"{task.kind} has not ended after {task.started_ago_ms} ms (limit {settings.statement_limit_ms})"


def _broken_while_leading(seen: Observed, settings: Settings) -> str | None:
    """Return why the leader gives up at once, or None: its database has ended, hangs or is a standby."""
    leadership = seen.etcd.leadership if seen.etcd else None
    if leadership is None or seen.lease is None or leadership.epoch != seen.lease.epoch:
        return None
    database = seen.database
    serves = leadership.phase in (Phase.SERVING, Phase.HANDOVER)
    if serves and database.process is Process.DOWN:
        return f"the database of {seen.me} has ended while it leads (epoch {leadership.epoch})"
    if is_hung(database, seen.task, settings) and (serves or could_write(database, seen.task)):
        return (
            f"the database of {seen.me} does not answer while it leads: {database.process}, silent for"
            f" {database.silent_ms} ms (limit {settings.database_silent_ms})"
        )
    if leadership.phase is Phase.SERVING and database.role is Role.STANDBY:
        return f"the database of {seen.me} says STANDBY while {seen.me} serves epoch {leadership.epoch}"
    return None
