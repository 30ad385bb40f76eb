"""Objections to an operator's request, as any agent sees them; a dry run reports all of them too. Pure."""

from collections.abc import Iterator

from failover.core.eligibility import excess_data_loss, lag_behind_primary_ns, member, not_ready
from failover.core.lag import NS_IN_MS
from failover.core.leader_lock import member_report_age_ms
from failover.core.observed import (
    Leadership,
    Member,
    Observed,
    Phase,
    Request,
    RequestKind,
    Role,
    Settings,
)


def objections(seen: Observed, request: Request, settings: Settings) -> tuple[str, ...]:
    """Return every objection to `request`; empty: it can be carried out."""
    etcd = seen.etcd
    if etcd is None or etcd.answered_ago_ms > settings.etcd_silent_ms:
        return ("etcd does not answer: without a majority of it nothing is done",)
    if etcd.leadership is None:
        return ("nobody has led yet",)
    if member(seen, request.host) is None and request.host != seen.me:
        known = ", ".join(sorted(m.host for m in etcd.members)) or "none"
        return (f"{request.host} is no database host with an agent (known: {known})",)
    check = {
        RequestKind.SWITCHOVER: _against_switchover,
        RequestKind.FAILOVER: _against_failover,
        RequestKind.REJOIN: _against_rejoin,
    }[request.kind]
    return tuple(check(seen, etcd.leadership, request, settings))


def _against_switchover(
    seen: Observed, leadership: Leadership, request: Request, settings: Settings
) -> Iterator[str]:
    if request.host == leadership.host:
        yield f"{request.host} leads already (epoch {leadership.epoch})"
        return
    yield from _no_sound_leader(seen, leadership, settings)
    yield from _against_candidate(seen, leadership, request.host, settings)
    lag_ms = _lag_ms(seen, leadership, request.host)
    limit_ms = min(settings.max_failover_lag_ms, settings.handover_limit_ms)
    if lag_ms is not None and lag_ms > limit_ms:
        yield f"{request.host} is {lag_ms} ms behind (limit {limit_ms} ms): services would wait for it"


def _against_failover(
    seen: Observed, leadership: Leadership, request: Request, settings: Settings
) -> Iterator[str]:
    if request.host == leadership.host and leadership.phase is not Phase.FENCED:
        yield f"{request.host} leads already (epoch {leadership.epoch}, {leadership.phase})"
        return
    unsound = any(_no_sound_leader(seen, leadership, settings))
    lives = bool(seen.etcd and seen.etcd.lease_alive)
    if not request.force and leadership.phase is not Phase.FENCED and (lives or not unsound):
        yield (
            f"{leadership.host} holds its lease (epoch {leadership.epoch}, {leadership.phase}): switch over,"
            " or fail over with --force"
        )
    if request.host == seen.me:
        obstacle = not_ready(seen, settings)
        loss = excess_data_loss(seen, leadership, settings)
        if obstacle is not None:
            yield obstacle
        if loss is not None and not request.accept_loss:
            yield f"{loss}; --accept-loss leads with what is there"
        return
    yield from _against_candidate(seen, leadership, request.host, settings, request.accept_loss)
    lag_ms = _lag_ms(seen, leadership, request.host)
    if lag_ms is not None and lag_ms > settings.max_failover_lag_ms and not request.accept_loss:
        yield f"{request.host} is {lag_ms} ms behind (limit {settings.max_failover_lag_ms} ms)"


def _against_rejoin(
    seen: Observed, leadership: Leadership, request: Request, settings: Settings
) -> Iterator[str]:
    if request.host == leadership.host:
        yield f"{request.host} leads (epoch {leadership.epoch}): its data are the ones to copy from"
        return
    yield from _no_sound_leader(seen, leadership, settings)


def _no_sound_leader(seen: Observed, leadership: Leadership, settings: Settings) -> Iterator[str]:
    silent_ms = member_report_age_ms(seen, leadership)
    if leadership.phase is not Phase.SERVING:
        yield f"no leader serves: epoch {leadership.epoch} of {leadership.host} is {leadership.phase}"
    elif seen.etcd is None or not seen.etcd.lease_alive or silent_ms >= settings.peer_silent_ms:
        yield f"the leader {leadership.host} is not seen to live (silent to etcd for {silent_ms} ms)"


def _against_candidate(
    seen: Observed, leadership: Leadership, host: str, settings: Settings, accept_loss: bool = False
) -> Iterator[str]:
    put = member(seen, host) or Member(host=host)
    if not put.candidate:
        yield f"{host} is configured never to be a candidate"
    if put.unchanged_ms >= settings.peer_silent_ms:
        yield f"the agent of {host} is silent to etcd for {put.unchanged_ms} ms"
    can_be_started = put.recorded_role is Role.PRIMARY and (accept_loss or host == leadership.primary)
    if put.role is not Role.STANDBY and not can_be_started:
        yield f"the database of {host} is no standby that answers ({put.role or 'no answer'})"
    if put.timeline != leadership.timeline and not accept_loss:
        yield f"the data of {host} are of epoch {put.timeline}, those served of epoch {leadership.timeline}"


def _lag_ms(seen: Observed, leadership: Leadership, host: str) -> int | None:
    put = member(seen, host)
    if put is None or put.timeline != leadership.timeline:
        return None
    behind_ns = lag_behind_primary_ns(put.scn, seen, leadership)
    return None if behind_ns is None else behind_ns // NS_IN_MS
