"""Between a claim and a promotion: that no former leader's database can take writes any more. Pure."""

from dataclasses import replace

from failover.core.actions import FencePeer, Hold
from failover.core.eligibility import member
from failover.core.observed import FenceState, Guarantee, Leadership, Observed, Peer, Settings, Unfenced

STRENGTH = (Guarantee.LEASE, Guarantee.DEVICE, Guarantee.SELF)

TO_BE_ASKED = (FenceState.UNKNOWN, FenceState.FAILED)

WAS_OFF = (FenceState.CONFIRMED, FenceState.RELEASED)
"""Since the claim: its database ended then, and nobody but its agent starts it."""


def guarantee_given(seen: Observed, leadership: Leadership, settings: Settings) -> Guarantee | None:
    """Return the weakest of the guarantees there are for each former leader; None if one has none yet."""
    given = [_guarantee_for(former, seen, settings) for former in leadership.unfenced]
    known = [guarantee for guarantee in given if guarantee is not None]
    if len(known) < len(given):
        return None
    return min(known, key=STRENGTH.index, default=Guarantee.SELF)


def fence_former_leaders(seen: Observed, leadership: Leadership, settings: Settings) -> FencePeer | Hold:
    """Return what to do while a guarantee is missing.

    A former leader whose agent answers is given as long as a silent one is watched to confirm by itself: it
    is alive, and to power it off would cost a restart that its own SIGKILL does not.
    """
    waiting = [u for u in leadership.unfenced if _guarantee_for(u, seen, settings) is None]
    for former in waiting:
        grace = _agent_answers(former, seen, settings) and _since_claim_ms(seen) < settings.peer_silent_ms
        if not grace and fence_state(seen, former.host) in TO_BE_ASKED:
            return _fence(former)
    names = ", ".join(f"{u.host} ({fence_state(seen, u.host)})" for u in waiting)
    return Hold(
        why=f"wait until former leaders are fenced: {names}; without that for"
        f" {_lease_guarantee_ms(settings)} ms since the claim ({_since_claim_ms(seen)} ms ago)"
    )


def fence_afterwards(seen: Observed, leadership: Leadership, settings: Settings) -> FencePeer | None:
    """Return what a leader that serves still does about a former one for which there was only the lease.

    An agent that answers is not frozen, and confirms by itself as soon as it reaches the store.
    """
    for former in left_to_the_lease(seen, leadership):
        if not _agent_answers(former, seen, settings) and fence_state(seen, former.host) in TO_BE_ASKED:
            return _fence(former)
    return None


def left_to_the_lease(seen: Observed, leadership: Leadership) -> tuple[Unfenced, ...]:
    """Return the former leaders that neither confirmed nor are known to be off."""
    return tuple(
        replace(former, lease_over=True)
        for former in leadership.unfenced
        if not has_confirmed(former, seen) and fence_state(seen, former.host) not in WAS_OFF
    )


def fence_state(seen: Observed, host: str) -> FenceState:
    """Return what is known of `host` from its fence device since the present claim."""
    reports = (report.state for report in seen.fence_device if report.host == host)
    return next(reports, FenceState.UNKNOWN)


def switched_off(seen: Observed) -> tuple[str, ...]:
    """Return the hosts that their fence devices said are off, and that were not switched on again."""
    return tuple(r.host for r in seen.fence_device if r.state is FenceState.CONFIRMED)


def peer_of(seen: Observed, host: str) -> Peer | None:
    """Return the direct look at `host`, or None."""
    return next((peer for peer in seen.peers if peer.host == host), None)


def _guarantee_for(former: Unfenced, seen: Observed, settings: Settings) -> Guarantee | None:
    if has_confirmed(former, seen):
        return Guarantee.SELF
    if fence_state(seen, former.host) in WAS_OFF:
        return Guarantee.DEVICE
    if former.lease_over or _since_claim_ms(seen) >= _lease_guarantee_ms(settings):
        return Guarantee.LEASE
    return None


def has_confirmed(former: Unfenced, seen: Observed) -> bool:
    """Say whether its own agent has told, through the store or directly, that this lead is over."""
    put, peer = member(seen, former.host), peer_of(seen, former.host)
    return (put is not None and put.fenced >= former.epoch) or (
        peer is not None and peer.says_fenced_epoch >= former.epoch
    )


def _agent_answers(former: Unfenced, seen: Observed, settings: Settings) -> bool:
    """One that was not looked at yet is not known to be silent."""
    peer = peer_of(seen, former.host)
    return peer is None or peer.agent_silent_ms < settings.peer_silent_ms


def _fence(former: Unfenced) -> FencePeer:
    return FencePeer(
        host=former.host,
        why=f"{former.host} led epoch {former.epoch} and has not confirmed that it is fenced: switch it off",
    )


def _lease_guarantee_ms(settings: Settings) -> int:
    """After a claim no former leader can renew; by then its agent has fenced it, by its own clock.

    Counted from the claim and not from the end of the lease in the store: this rests on nothing but clocks
    that run at nearly the same rate, and on no rule of the store's about when a lease ends.
    """
    return settings.lease_ttl_ms + settings.safety_margin_ms


def _since_claim_ms(seen: Observed) -> int:
    return 0 if seen.claimed_at_ms is None else seen.now_ms - seen.claimed_at_ms
