"""Operators' requests, and which agent carries them out; objections are in `objections`. Pure."""

from failover.core.actions import Action, BeginHandover, Refuse
from failover.core.leader_lock import acquire_leader_lock
from failover.core.objections import objections
from failover.core.observed import Leadership, Observed, Phase, Request, RequestKind, Settings
from failover.core.standby import reinit


def answer_as_leader(seen: Observed, leadership: Leadership, settings: Settings) -> Action | None:
    """Return the leader's action for a request; None: no action."""
    request = seen.etcd.request if seen.etcd else None
    if request is None or leadership.phase is not Phase.SERVING:
        return None
    against = objections(seen, request, settings)
    if request.kind is RequestKind.SWITCHOVER:
        if against:
            return _refuse(request, against)
        return BeginHandover(
            to=request.host,
            revision=leadership.revision,
            request=request.id,
            why=f"an operator asked for a switchover from {seen.me} to {request.host}",
        )
    if request.host == seen.me:
        return _refuse(request, against)
    return _refuse_overdue(request, settings)


def answer_as_other(seen: Observed, leadership: Leadership, settings: Settings) -> Action | None:
    """Return the action of an agent that does not lead for a request; None: no action."""
    request = seen.etcd.request if seen.etcd else None
    if request is None:
        return None
    if request.host != seen.me or request.kind is RequestKind.SWITCHOVER:
        return _refuse_overdue(request, settings)
    against = objections(seen, request, settings)
    if against:
        return _refuse(request, against)
    if request.kind is RequestKind.REJOIN:
        return reinit(seen, leadership, settings, request.id)
    return acquire_leader_lock(seen, leadership, f"an operator asked for a failover to {seen.me}", request)


def _refuse(request: Request, against: tuple[str, ...]) -> Refuse:
    return Refuse(
        about=request.kind,
        request=request.id,
        why=f"{request.kind} of {request.host} refused: {'; '.join(against)}",
    )


def _refuse_overdue(request: Request, settings: Settings) -> Refuse | None:
    """Remove a request that no agent took, so that it does not act later at a wrong moment."""
    if request.unchanged_ms < settings.request_limit_ms:
        return None
    return _refuse(
        request,
        (f"nobody could carry it out for {request.unchanged_ms} ms (limit {settings.request_limit_ms})",),
    )
