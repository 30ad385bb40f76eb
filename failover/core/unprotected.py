"""Decides when the primary may acknowledge writes that no standby has, and when that ends. Pure.

Services that wait for a standby (`durability: cross_centre`) would wait for ever if there is none, as after
every change of roles. It is safe not to wait only while no host can be promoted that lacks the writes which
were acknowledged meanwhile. So both depend on one field of etcd's record: as long as `unprotected` is not
`no`, no other host leads automatically (`eligibility`), and only the leader's own agent tells services not
to wait.

It ends in three steps, each made by the leader and written into the record. First, a standby follows again,
and services are told to wait (`ending`). Second, when no service can still act on an earlier answer, the
primary's position is recorded (`catch_up_scn`): all writes acknowledged unprotected are before it. Third,
every standby that may lead has passed this position (`no`).

There is one field for all standbys: if two may lead and one is lost, the primary is alone although the other
follows. A standby that is configured never to be a candidate does not count here.
"""

from failover.core.actions import SetUnprotectedMode
from failover.core.eligibility import candidate_standbys
from failover.core.lag import NS_IN_MS, lag_between_ns
from failover.core.observed import Leadership, Observed, Phase, Role, Settings, UnprotectedMode

FOLLOWS_WITHIN_MS = 2000
"""Limit of the lag by etcd's values, which may be three loops old. A standby that lags more delays
writes by as much."""


def initial_unprotected_mode(seen: Observed, leadership: Leadership, settings: Settings) -> UnprotectedMode:
    """Return the initial `unprotected` of a lead on this host's database; unchanged if it was the primary."""
    if leadership.primary == seen.me:
        return leadership.unprotected
    return UnprotectedMode.NO if settings.unprotected_after_ms is None else UnprotectedMode.YES


def is_followed(seen: Observed, peer_silent_ms: int) -> bool:
    """Say whether there are standbys that may lead, and each follows this host's database closely."""
    leadership = seen.etcd.leadership if seen.etcd else None
    others = candidate_standbys(seen)
    return (
        leadership is not None
        and bool(others)
        and all(
            m.role is Role.STANDBY
            and m.timeline == leadership.timeline
            and m.unchanged_ms < peer_silent_ms
            and lag_between_ns(m.scn, seen.database.scn, seen.database.settled_scn)
            <= FOLLOWS_WITHIN_MS * NS_IN_MS
            for m in others
        )
    )


def reported_unprotected_mode(seen: Observed) -> UnprotectedMode | None:
    """Return the mode that this agent reports to services (`yes`: wait for no standby); None: it is not
    known.

    The agent knows everything about its own lead, but may have missed a change of another host's lead.
    """
    leadership = seen.etcd.leadership if seen.etcd else None
    knows = (
        leadership is not None
        and leadership.host == seen.me
        and seen.lease is not None
        and seen.lease.epoch == leadership.epoch
        and leadership.phase is Phase.SERVING
    )
    return leadership.unprotected if leadership is not None and knows else None


def next_unprotected_mode(
    seen: Observed, leadership: Leadership, settings: Settings
) -> SetUnprotectedMode | None:
    """Return the next step of the serving leader; None: no step.

    In `no` and in `ending`, services wait for a pausing standby up to the same limit, so that one late
    observation does not undo an ending that is nearly complete.
    """
    limit_ms = settings.unprotected_after_ms
    if leadership.unprotected is UnprotectedMode.YES:
        if limit_ms is not None and seen.unfollowed_ms > 0:
            return None
        return _set(leadership, UnprotectedMode.ENDING, "the standby follows again: services wait for it")
    if limit_ms is not None and seen.unfollowed_ms >= limit_ms:
        why = f"no standby has followed for {seen.unfollowed_ms} ms (limit {limit_ms})"
        return _set(leadership, UnprotectedMode.YES, f"{why}: writes are acknowledged by the primary alone")
    return None if leadership.unprotected is UnprotectedMode.NO else _end(seen, leadership, settings)


def _end(seen: Observed, leadership: Leadership, settings: Settings) -> SetUnprotectedMode | None:
    target = leadership.catch_up_scn
    if target is None:
        # The position must be younger than the last answer on which a service can still have acted.
        over_ms = seen.unprotected_reported_ago_ms - settings.unprotected_answer_ttl_ms
        if seen.database.silent_ms > over_ms or not seen.database.scn:
            return None
        why = f"all that was acknowledged by the primary alone lies before {seen.database.scn}"
        return _set(leadership, UnprotectedMode.ENDING, why, seen.database.scn)
    others = candidate_standbys(seen)
    if not others or any(m.timeline != leadership.timeline or m.scn < target for m in others):
        return None
    return _set(leadership, UnprotectedMode.NO, f"every standby that may lead has passed {target}")


def _set(
    leadership: Leadership, unprotected: UnprotectedMode, why: str, target: int | None = None
) -> SetUnprotectedMode:
    return SetUnprotectedMode(
        unprotected=unprotected, catch_up_scn=target, revision=leadership.revision, why=why
    )
