"""Decides which host may lead next, by its data, its lag and the other candidates. Pure."""

from failover.core.lag import NS_IN_MS, lag_between_ns
from failover.core.observed import (
    Database,
    Leadership,
    Member,
    Observed,
    Process,
    Role,
    Settings,
    UnprotectedMode,
)
from failover.core.safety import is_hung

HEAD_START_LOOPS = 2
"""For this many loops, each candidate with more data may acquire the leader lock first."""


def not_ready(seen: Observed, settings: Settings) -> str | None:
    """Return why this host's database cannot become the primary now, or None; does not consider its data."""
    database = seen.database
    if not seen.candidate:
        return f"{seen.me} is configured never to be a candidate"
    if database.recorded_role is None:
        return f"{seen.me} has no complete data"
    if database.process is Process.DOWN:
        if database.recorded_role is Role.STANDBY:
            return f"the database of {seen.me} is down"
        return too_soon_to_start(seen, settings)
    if is_hung(database, seen.task, settings):
        return f"the database of {seen.me} does not answer ({database.process}, {database.silent_ms} ms)"
    if database.process is not Process.RUNNING or database.role is None:
        return f"the database of {seen.me} is {database.process} and has not said what it is"
    return None


def too_soon_to_start(seen: Observed, settings: Settings) -> str | None:
    """Return why the database is not started again yet, or None."""
    ago_ms = seen.database.started_ago_ms
    if ago_ms is None or ago_ms >= settings.start_again_ms:
        return None
    return (
        f"the database of {seen.me} was started {ago_ms} ms ago, and is started again after"
        f" {settings.start_again_ms} ms at the earliest"
    )


def is_on_timeline(database: Database, leadership: Leadership) -> bool:
    """Say whether these data are the last served ones, or an earlier state of them."""
    return database.recorded_role is not None and database.timeline == leadership.timeline


def unserved_writes(seen: Observed, leadership: Leadership) -> str | None:
    """Return why these data may hold writes that were never served, or None."""
    if leadership.primary == seen.me or seen.database.recorded_role is not Role.PRIMARY:
        return None
    return f"{seen.me} was the primary before {leadership.primary} was, and may have writes of its own"


def excess_data_loss(seen: Observed, leadership: Leadership, settings: Settings) -> str | None:
    """Return what would be lost beyond the limit if this host led with its data, or None."""
    database = seen.database
    if leadership.primary == seen.me:
        return None
    if not is_on_timeline(database, leadership):
        return (
            f"the data of {seen.me} descend from epoch {_known(database.timeline)}, those last served from"
            f" epoch {leadership.timeline} on {leadership.primary}"
        )
    own = unserved_writes(seen, leadership)
    if own is not None:
        return own
    if served_unprotected(leadership) and not has_all_drained(database.scn, leadership):
        return (
            f"{leadership.primary} has acknowledged writes that it alone has"
            f" (unprotected: {leadership.unprotected})"
        )
    behind_ns = lag_behind_primary_ns(database.scn, seen, leadership)
    if behind_ns is None:
        return f"the last position of {leadership.primary} is not known"
    behind_ms = behind_ns // NS_IN_MS
    if behind_ms > settings.max_failover_lag_ms:
        return (
            f"{seen.me} is {behind_ms} ms behind the last known position of {leadership.primary}"
            f" (limit {settings.max_failover_lag_ms} ms)"
        )
    return None


def served_unprotected(leadership: Leadership) -> bool:
    """Say whether the primary may have acknowledged writes that no standby has."""
    return leadership.unprotected is not UnprotectedMode.NO


def has_all_drained(scn: int, leadership: Leadership) -> bool:
    """Say whether data at `scn` reach the drained position; False if nothing was drained."""
    return leadership.final_scn is not None and scn >= leadership.final_scn


def lag_behind_primary_ns(scn: int, seen: Observed, leadership: Leadership) -> int | None:
    """Return how far data at `scn` are behind the furthest known position of the served data.

    None: the primary's position is not known.
    """
    if leadership.final_scn is not None:
        return lag_between_ns(scn, leadership.final_scn, None)
    holders = [m for m in _members(seen) if m.timeline == leadership.timeline and m.scn > 0]
    if all(m.host != leadership.primary for m in holders):
        return None
    return max(lag_between_ns(scn, m.scn, m.settled_scn) for m in holders)


def head_start_ms(seen: Observed, leadership: Leadership, settings: Settings) -> int:
    """Return how long this host waits for better candidates."""
    ahead = better_candidates(seen, leadership, settings)
    return len(ahead) * HEAD_START_LOOPS * settings.loop_interval_ms


def better_candidates(seen: Observed, leadership: Leadership, settings: Settings) -> tuple[Member, ...]:
    """Return the living standbys with more data; for a former primary: all, because they need no start."""
    others = standbys_able_to_lead(seen, leadership, settings)
    if leadership.primary == seen.me:
        return others
    return tuple(m for m in others if (m.scn, m.host) > (seen.database.scn, seen.me))


def standbys_able_to_lead(seen: Observed, leadership: Leadership, settings: Settings) -> tuple[Member, ...]:
    """Return the other living members that are standbys of the served data and within the lag limit."""

    def is_close(scn: int) -> bool:
        behind_ns = lag_behind_primary_ns(scn, seen, leadership)
        return behind_ns is not None and behind_ns <= settings.max_failover_lag_ms * NS_IN_MS

    return tuple(
        m
        for m in _members(seen)
        if m.host != seen.me
        and m.candidate
        and m.role is Role.STANDBY
        and m.unchanged_ms < settings.peer_silent_ms
        and m.timeline == leadership.timeline
        and (not served_unprotected(leadership) or has_all_drained(m.scn, leadership))
        and is_close(m.scn)
    )


def candidate_standbys(seen: Observed) -> tuple[Member, ...]:
    """Return all other members that may ever be promoted, living or not."""
    return tuple(m for m in _members(seen) if m.host != seen.me and m.candidate)


def member(seen: Observed, host: str) -> Member | None:
    """Return what `host` last put into etcd, or None."""
    return next((m for m in _members(seen) if m.host == host), None)


def _members(seen: Observed) -> tuple[Member, ...]:
    return seen.etcd.members if seen.etcd else ()


def _known(timeline: int | None) -> str:
    return "unknown" if timeline is None else str(timeline)
