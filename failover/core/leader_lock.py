"""The leader lock: when the leader counts as lost, and how its successor acquires the lock. Pure."""

from dataclasses import dataclass

from failover.core.actions import AcquireLeaderLock
from failover.core.eligibility import member
from failover.core.fencing import has_confirmed, peer_of
from failover.core.observed import Leadership, Observed, Phase, Request, Settings, Unfenced


@dataclass(frozen=True, kw_only=True)
class LeaderLoss:
    """Evidence that the leader no longer leads, as far as this host can see."""

    why: str
    for_ms: int
    """How long the evidence has been enough; in this time better candidates may acquire the leader lock
    first."""


def leader_lost(seen: Observed, leadership: Leadership, settings: Settings) -> LeaderLoss | None:
    """Return why the leader counts as lost, or None.

    Within the failover cooldown suspicion is not enough: then only a lease that has been gone for a whole TTL
    counts. In that case there is certainly no primary, and an outage is worse than a flap.
    """
    etcd = seen.etcd
    if etcd is None:
        return None
    host = leadership.host
    gone_ms = 0 if etcd.lease_alive else etcd.lease_gone_ms
    if gone_ms >= settings.lease_ttl_ms:
        why = f"{host} has held no lease for {gone_ms} ms (TTL {settings.lease_ttl_ms})"
        return LeaderLoss(why=why, for_ms=gone_ms - settings.lease_ttl_ms)
    silent_ms = member_report_age_ms(seen, leadership)
    peer = peer_of(seen, host)
    if peer is not None and peer.reported_fenced_epoch >= leadership.epoch:
        why = f"the agent of {host} says itself that epoch {leadership.epoch} is over"
        return LeaderLoss(why=why, for_ms=max(0, silent_ms - settings.peer_silent_ms))
    if silent_ms < settings.peer_silent_ms or is_in_failover_cooldown(seen, settings):
        return None
    if not etcd.lease_alive:
        why = f"the lease of {host} has ended and {host} is silent to etcd for {silent_ms} ms"
        return LeaderLoss(why=why, for_ms=min(gone_ms, silent_ms - settings.peer_silent_ms))
    least_ms = 0 if peer is None else min(silent_ms, peer.sql_silent_ms, peer.agent_silent_ms)
    if peer is None or least_ms < settings.peer_silent_ms:
        return None
    why = (
        f"{host} is silent: to etcd for {silent_ms} ms, to SQL from here for {peer.sql_silent_ms} ms,"
        f" its agent for {peer.agent_silent_ms} ms (limit {settings.peer_silent_ms})"
    )
    return LeaderLoss(why=why, for_ms=least_ms - settings.peer_silent_ms)


def member_report_age_ms(seen: Observed, leadership: Leadership) -> int:
    """Return the time since the leader's agent last put a new report into etcd."""
    put = member(seen, leadership.host)
    return leadership.unchanged_ms if put is None else put.unchanged_ms


def is_in_failover_cooldown(seen: Observed, settings: Settings) -> bool:
    """Say whether an automatic failover was made recently."""
    ago_ms = seen.etcd.last_automatic_ago_ms if seen.etcd else None
    return ago_ms is not None and ago_ms < settings.failover_cooldown_ms


def acquire_leader_lock(
    seen: Observed, leadership: Leadership, why: str, request: Request | None = None
) -> AcquireLeaderLock:
    """Return the action that acquires the leader lock after `leadership`.

    It keeps every former leader that is not known to be fenced, also those in records of hosts that acquired
    it and never reached a promotion.
    """
    asked_for = request is not None or leadership.phase is Phase.HANDED
    return AcquireLeaderLock(
        epoch=leadership.epoch + 1,
        revision=leadership.revision,
        timeline=leadership.timeline,
        primary=leadership.primary,
        unfenced=_still_unfenced(seen, leadership),
        powered_off=leadership.powered_off,
        final_scn=leadership.final_scn,
        accept_loss=request is not None and request.accept_loss,
        unprotected=leadership.unprotected,
        catch_up_scn=leadership.catch_up_scn,
        automatic=not asked_for and leadership.host != seen.me,
        request=None if request is None else request.id,
        why=why,
    )


def _still_unfenced(seen: Observed, leadership: Leadership) -> tuple[Unfenced, ...]:
    """Return the leaders that must be fenced before this host leads; not itself, because it cannot write."""
    former = {u.host: u for u in leadership.unfenced}
    if leadership.phase in (Phase.FENCED, Phase.HANDED):
        former.pop(leadership.host, None)
    else:
        former[leadership.host] = Unfenced(host=leadership.host, epoch=leadership.epoch)
    former.pop(seen.me, None)
    return tuple(former[host] for host in sorted(former) if not has_confirmed(former[host], seen))
