"""Decides actions that keep this host's database a good standby, or make it one again. Pure."""

from failover.core.actions import Action, FenceSelf, Hold, Rejoin, StartDatabase
from failover.core.eligibility import is_on_timeline, not_ready, too_soon_to_start
from failover.core.leader_lock import member_report_age_ms
from failover.core.observed import Leadership, Observed, Phase, Process, Role, Settings
from failover.core.safety import is_hung


def keep_following(seen: Observed, leadership: Leadership, settings: Settings) -> Action:
    """Return the action that makes this host's database follow the serving leader."""
    if leadership.phase not in (Phase.SERVING, Phase.HANDOVER) or leadership.host == seen.me:
        return recover_standby(seen, leadership, settings)
    if is_hung(seen.database, seen.task, settings):
        return _end_hung(seen)
    if _needs_reinit(seen, leadership, settings):
        return reinit(seen, leadership, settings)
    database = seen.database
    stands_right = database.process is not Process.DOWN and (
        database.follows == leadership.host or not is_on_timeline(database, leadership)
    )
    if stands_right:
        return Hold(why=f"{seen.me} follows {leadership.host}, which leads epoch {leadership.epoch}")
    wait = too_soon_to_start(seen, settings)
    if wait is not None:
        return Hold(why=wait)
    if database.process is Process.DOWN:
        return start_standby(seen, leadership.host)
    return Rejoin(
        source=leadership.host,
        keep_data=True,
        timeline=leadership.timeline,
        request=None,
        why=f"{leadership.host} leads epoch {leadership.epoch}, and {seen.me} follows {database.follows}",
    )


def recover_standby(seen: Observed, leadership: Leadership | None, settings: Settings) -> Action:
    """Return the action that starts a standby while no leader serves; it never deletes data."""
    if is_hung(seen.database, seen.task, settings):
        return _end_hung(seen)
    if seen.database.process is Process.DOWN and seen.database.recorded_role is Role.STANDBY:
        wait = too_soon_to_start(seen, settings)
        return start_standby(seen, None) if wait is None else Hold(why=wait)
    obstacle = not_ready(seen, settings)
    last = "nobody has led yet" if leadership is None else _state_of(leadership)
    return Hold(why=last if obstacle is None else f"{last}; {obstacle}")


def reinit(seen: Observed, leadership: Leadership, settings: Settings, request: str | None = None) -> Action:
    """Return a Rejoin that empties the data, unless the last was too recent or the source may be dead.

    An operator's request need not wait for the interval, but never copies from a leader that seems dead.
    """
    ago_ms = seen.rejoined_ago_ms
    need = (
        f"the data of {seen.me} ({seen.database.recorded_role or 'none'}, of epoch {seen.database.timeline})"
        f" are to be copied anew from {leadership.host}"
    )
    silent_ms = member_report_age_ms(seen, leadership)
    if silent_ms >= settings.peer_silent_ms or seen.etcd is None or not seen.etcd.lease_alive:
        return Hold(why=f"{need}, which is not seen to live ({silent_ms} ms)")
    if request is None and ago_ms is not None and ago_ms < settings.rejoin_interval_ms:
        limit = settings.rejoin_interval_ms
        return Hold(why=f"{need}; the last copy began {ago_ms} ms ago (at least {limit} apart)")
    return Rejoin(
        source=leadership.host, keep_data=False, timeline=leadership.timeline, request=request, why=need
    )


def start_standby(seen: Observed, source: str | None) -> StartDatabase:
    """Return the start of this host's database as a standby; None: of whom it followed before."""
    return StartDatabase(
        source=source,
        guarantee=None,
        revision=None,
        timeline=None,
        unprotected=None,
        why=f"the standby of {seen.me} is down",
    )


def _needs_reinit(seen: Observed, leadership: Leadership, settings: Settings) -> bool:
    database = seen.database
    if database.recorded_role is not Role.STANDBY or database.cannot_follow:
        return True
    if is_on_timeline(database, leadership):
        return False
    # A standby that is older than the agents: its history is proven when the leader's epoch arrives in it.
    may_prove_itself = database.timeline is None and leadership.unchanged_ms < settings.rejoin_interval_ms
    return not may_prove_itself


def _end_hung(seen: Observed) -> FenceSelf:
    database = seen.database
    return FenceSelf(
        why=f"the standby of {seen.me} does not answer ({database.process}, silent for"
        f" {database.silent_ms} ms): end it, to start it anew"
    )


def _state_of(leadership: Leadership) -> str:
    return f"epoch {leadership.epoch} of {leadership.host} is {leadership.phase}"
