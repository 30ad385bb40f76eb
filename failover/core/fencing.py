"""Fencing before a promotion: ensures that no former leader's database can take writes. Pure."""

from dataclasses import replace

from failover.core.actions import FencePeer, Hold
from failover.core.eligibility import member
from failover.core.observed import FenceState, Guarantee, Leadership, Observed, Peer, Settings, Unfenced

STRENGTH = (Guarantee.LEASE, Guarantee.DEVICE, Guarantee.SELF)

TO_BE_ASKED = (FenceState.UNKNOWN, FenceState.FAILED)

WAS_OFF = (FenceState.CONFIRMED, FenceState.RELEASED)
"""Since the leader lock was acquired: its database ended then, and nobody but its agent starts it."""


def guarantee_given(seen: Observed, leadership: Leadership, settings: Settings) -> Guarantee | None:
    """Return the weakest of the former leaders' guarantees; None if a former leader has none yet."""
    given = [_guarantee_for(former, seen, settings) for former in leadership.unfenced]
    known = [guarantee for guarantee in given if guarantee is not None]
    if len(known) < len(given):
        return None
    return min(known, key=STRENGTH.index, default=Guarantee.SELF)


def fence_former_leaders(seen: Observed, leadership: Leadership, settings: Settings) -> FencePeer | Hold:
    """Return the action while a guarantee is missing.

    A former leader whose agent answers gets as much time to confirm by itself as a silent one is watched.
    It is alive, and powering it off would cost a restart, which its own SIGKILL does not.
    """
    waiting = [u for u in leadership.unfenced if _guarantee_for(u, seen, settings) is None]
    for former in waiting:
        grace = (
            _agent_answers(former, seen, settings) and _since_lock_acquired_ms(seen) < settings.peer_silent_ms
        )
        if not grace and fence_state(seen, former.host) in TO_BE_ASKED:
            return _fence(former)
    names = ", ".join(f"{u.host} ({fence_state(seen, u.host)})" for u in waiting)
    return Hold(
        why=f"wait until former leaders are fenced: {names}; without that for"
        f" {_lease_guarantee_ms(settings)} ms since the leader lock was acquired"
        f" ({_since_lock_acquired_ms(seen)} ms ago)"
    )


def fence_afterwards(seen: Observed, leadership: Leadership, settings: Settings) -> FencePeer | None:
    """Return the serving leader's action against a former leader whose only guarantee was the lease.

    If the former leader's agent answers, it is not frozen, and will confirm as soon as it reaches etcd.
    """
    for former in left_to_the_lease(seen, leadership):
        if not _agent_answers(former, seen, settings) and fence_state(seen, former.host) in TO_BE_ASKED:
            return _fence(former)
    return None


def left_to_the_lease(seen: Observed, leadership: Leadership) -> tuple[Unfenced, ...]:
    """Return the former leaders that have not confirmed and are not known to be off."""
    return tuple(
        replace(former, lease_over=True)
        for former in leadership.unfenced
        if not has_confirmed(former, seen) and fence_state(seen, former.host) not in WAS_OFF
    )


def fence_state(seen: Observed, host: str) -> FenceState:
    """Return the state of `host` by its fence device since this agent acquired the leader lock."""
    reports = (report.state for report in seen.fence_device if report.host == host)
    return next(reports, FenceState.UNKNOWN)


def switched_off(seen: Observed) -> tuple[str, ...]:
    """Return the hosts that are off by their fence devices, and were not switched on again."""
    return tuple(r.host for r in seen.fence_device if r.state is FenceState.CONFIRMED)


def peer_of(seen: Observed, host: str) -> Peer | None:
    """Return the direct observation of `host`, or None."""
    return next((peer for peer in seen.peers if peer.host == host), None)


def _guarantee_for(former: Unfenced, seen: Observed, settings: Settings) -> Guarantee | None:
    if has_confirmed(former, seen):
        return Guarantee.SELF
    if fence_state(seen, former.host) in WAS_OFF:
        return Guarantee.DEVICE
    if former.lease_over or _since_lock_acquired_ms(seen) >= _lease_guarantee_ms(settings):
        return Guarantee.LEASE
    return None


def has_confirmed(former: Unfenced, seen: Observed) -> bool:
    """Say whether its own agent has confirmed, through etcd or directly, that this lead has ended."""
    put, peer = member(seen, former.host), peer_of(seen, former.host)
    return (put is not None and put.fenced >= former.epoch) or (
        peer is not None and peer.reported_fenced_epoch >= former.epoch
    )


def _agent_answers(former: Unfenced, seen: Observed, settings: Settings) -> bool:
    """Say whether the agent is known to be silent; an agent that was not observed yet is not."""
    peer = peer_of(seen, former.host)
    return peer is None or peer.agent_silent_ms < settings.peer_silent_ms


def _fence(former: Unfenced) -> FencePeer:
    return FencePeer(
        host=former.host,
        why=f"{former.host} led epoch {former.epoch} and has not confirmed that it is fenced: switch it off",
    )


def _lease_guarantee_ms(settings: Settings) -> int:
    """Say whether a former leader's lease has certainly ended, so that its agent has fenced it.

    After the leader lock is acquired, no former leader can renew. The time is counted from then, not from the
    end of the lease in etcd, so that it depends only on clocks of nearly equal rates, and not on etcd's rules
    about the end of leases.
    """
    return settings.lease_ttl_ms + settings.safety_margin_ms


def _since_lock_acquired_ms(seen: Observed) -> int:
    return 0 if seen.lock_acquired_at_ms is None else seen.now_ms - seen.lock_acquired_at_ms
