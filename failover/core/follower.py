"""Decides which host takes over from a leader that is lost, fenced or drained. Pure."""

from failover.core.actions import AcquireLeaderLock, Action, Hold, Refuse
from failover.core.eligibility import (
    HEAD_START_LOOPS,
    better_candidates,
    excess_data_loss,
    has_all_drained,
    head_start_ms,
    is_on_timeline,
    not_ready,
    unserved_writes,
)
from failover.core.leader import await_successor
from failover.core.leader_lock import acquire_leader_lock, leader_lost
from failover.core.observed import Leadership, Observed, Phase, Process, Settings
from failover.core.standby import keep_following, recover_standby

OVERRIDE = "An operator can let it lead: failover with --accept-loss; what it lacks is lost then"

PATIENCE = 2
"""A former primary waits for living standbys this many times the silence that counts as death."""


def follow(seen: Observed, leadership: Leadership, settings: Settings) -> Action:
    """Return the action while another host leads, or this host no longer does."""
    if leadership.phase is Phase.HANDED:
        return _take_over(seen, leadership, settings)
    if seen.etcd is not None and seen.etcd.paused:
        return Hold(why="paused: no lock is acquired, nothing is started or copied automatically")
    if leadership.phase is Phase.FENCED:
        ahead = better_candidates(seen, leadership, settings)
        wait_ms = head_start_ms(seen, leadership, settings)
        if ahead and leadership.primary == seen.me:
            wait_ms = PATIENCE * settings.peer_silent_ms
        why = f"{leadership.host} has confirmed that its database is fenced"
        return _succeed(seen, leadership, settings, why, wait_ms - leadership.unchanged_ms)
    lost = leader_lost(seen, leadership, settings)
    if lost is not None:
        wait_ms = head_start_ms(seen, leadership, settings)
        return _succeed(seen, leadership, settings, lost.why, wait_ms - lost.for_ms)
    return keep_following(seen, leadership, settings)


def _succeed(seen: Observed, leadership: Leadership, settings: Settings, why: str, wait_ms: int) -> Action:
    """Acquire the leader lock, unless this database may not, or a better candidate has `wait_ms` left."""
    if not_ready(seen, settings) is not None:
        return recover_standby(seen, leadership, settings)
    loss = excess_data_loss(seen, leadership, settings)
    if loss is not None:
        return Refuse(about="claim", request=None, why=f"{why}; but {loss}. {OVERRIDE}")
    if wait_ms > 0:
        names = ", ".join(m.host for m in better_candidates(seen, leadership, settings))
        return Hold(why=f"{why}; {names} may lead before {seen.me}, for {wait_ms} ms more")
    return acquire_leader_lock(seen, leadership, why)


def _take_over(seen: Observed, leadership: Leadership, settings: Settings) -> Action:
    """Lead after a handover: the named host at once; if it does not, any host that has all drained data.

    A host that lacks a part may lead only if the drained host is lost, because that one could lead again.
    """
    if leadership.host == seen.me:
        return await_successor(seen, leadership, settings)
    obstacle = not_ready(seen, settings) or _lacks(seen, leadership)
    limit_ms = settings.handover_limit_ms + HEAD_START_LOOPS * settings.loop_interval_ms
    overdue = leadership.unchanged_ms >= limit_ms
    if obstacle is None and (leadership.to == seen.me or overdue):
        return _acquire_drained(seen, leadership)
    lost = leader_lost(seen, leadership, settings) if overdue else None
    if lost is not None:
        wait_ms = head_start_ms(seen, leadership, settings)
        return _succeed(seen, leadership, settings, lost.why, wait_ms - lost.for_ms)
    if seen.database.process is Process.DOWN:
        return recover_standby(seen, leadership, settings)
    return Hold(why=obstacle or f"{leadership.to} is to take over from {leadership.host}")


def _lacks(seen: Observed, leadership: Leadership) -> str | None:
    """Return a sentence about drained data that this host lacks, or None."""
    if not is_on_timeline(seen.database, leadership):
        return f"the data of {seen.me} are of epoch {seen.database.timeline}, not {leadership.timeline}"
    own = unserved_writes(seen, leadership)
    if own is not None:
        return own
    if has_all_drained(seen.database.scn, leadership):
        return None
    return f"{seen.me} is at {seen.database.scn}, and {leadership.host} was drained at {leadership.final_scn}"


def _acquire_drained(seen: Observed, leadership: Leadership) -> AcquireLeaderLock:
    why = f"{leadership.host} was drained at {leadership.final_scn}, and {seen.me} has all of it"
    return acquire_leader_lock(seen, leadership, why)
