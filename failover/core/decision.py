"""Decides an agent's next action from its observations. Pure: no clock, no randomness, no effects.

Three rules keep two databases from taking writes. A database may write only while its agent holds the lease
of the record's epoch, by its own clock (`safety`). Whoever acquires the leader lock changes the record, after
which the former leader cannot renew (`leader_lock`). The new leader makes its database writable only with a
guarantee that no former leader's database is writable (`fencing`, `leader`).
"""

from failover.core.actions import AcquireLeaderLock, Action, ConfirmFenced, FenceSelf, Hold, PowerOn, Refuse
from failover.core.eligibility import not_ready
from failover.core.fencing import switched_off
from failover.core.follower import follow
from failover.core.leader import lead
from failover.core.observed import EtcdView, Leadership, Observed, Phase, Role, Settings, UnprotectedMode
from failover.core.requests import answer_as_leader, answer_as_other
from failover.core.safety import could_write, lease_is_valid, must_fence
from failover.core.standby import recover_standby

__all__ = ["decide", "must_fence"]


def decide(seen: Observed, settings: Settings) -> Action:
    """Return what this agent does next: one action, and why."""
    fence = must_fence(seen, settings)
    if fence is not None:
        return FenceSelf(why=fence)
    etcd = seen.etcd
    if etcd is None:
        return Hold(why="etcd has not answered yet: nothing is decided without it")
    if etcd.answered_ago_ms > settings.etcd_silent_ms:
        return _without_etcd(seen, etcd, settings)
    if seen.task is not None:
        return Hold(why=f"in the middle of {seen.task.kind} for {seen.task.started_ago_ms} ms")
    if etcd.leadership is None:
        return _first_leader(seen, etcd, settings)
    return (
        _confirm(seen, etcd.leadership)
        or _with_own_lease(seen, etcd.leadership, settings)
        or answer_as_other(seen, etcd.leadership, settings)
        or follow(seen, etcd.leadership, settings)
    )


def _without_etcd(seen: Observed, etcd: EtcdView, settings: Settings) -> Action:
    """Decide nothing, but switch on a host if fencing it may have cost etcd its majority.

    A database host that is switched off takes its member of etcd down with it. If another member is
    lost too, etcd has no majority, and no host could lead any more. Switching the host on is safe,
    because only its agent starts its database.
    """
    off, limit_ms = switched_off(seen), 2 * settings.lease_ttl_ms
    if off and seen.task is None and etcd.answered_ago_ms >= limit_ms:
        return PowerOn(
            host=off[0],
            revision=None,
            why=f"{off[0]} was switched off to be fenced, and etcd has been silent for"
            f" {etcd.answered_ago_ms} ms (limit {limit_ms}): it may lack the member there",
        )
    return Hold(
        why=f"etcd last answered {etcd.answered_ago_ms} ms ago (limit {settings.etcd_silent_ms}):"
        " nothing is decided without it"
    )


def _with_own_lease(seen: Observed, leadership: Leadership, settings: Settings) -> Action | None:
    """Return the leader's action; None: this host does not lead."""
    if seen.lease is None:
        return None
    if leadership.epoch < seen.lease.epoch:
        return Hold(why=f"the last read of etcd is older than the lock of epoch {seen.lease.epoch}")
    if (leadership.host, leadership.epoch) != (seen.me, seen.lease.epoch):
        return None
    if not lease_is_valid(seen, settings):
        ago_ms = seen.now_ms - seen.lease.renewed_at_ms
        return Hold(why=f"the lease was last renewed {ago_ms} ms ago: nothing is done before it is again")
    return answer_as_leader(seen, leadership, settings) or lead(seen, leadership, settings)


def _confirm(seen: Observed, leadership: Leadership) -> ConfirmFenced | None:
    """Return the confirmation that others wait for: a former lead has ended, and this database cannot write.

    A drained leader need not confirm, because the phase `handed` implies it.
    """
    led = {u.epoch for u in leadership.unfenced if u.host == seen.me}
    if seen.lease is not None and seen.lease.epoch < leadership.epoch:
        led.add(seen.lease.epoch)
    named = leadership.host == seen.me and seen.lease is None
    open_lead = named and leadership.phase not in (Phase.FENCED, Phase.HANDED)
    if open_lead:
        led.add(leadership.epoch)
    epoch = max(led, default=0)
    kept_lease = seen.lease is not None and seen.lease.epoch <= epoch
    if could_write(seen.database, seen.task) or not (open_lead or kept_lease or epoch > seen.fenced_epoch):
        return None
    return ConfirmFenced(
        epoch=epoch,
        revision=leadership.revision if open_lead else None,
        why=f"{seen.me} does not lead epoch {epoch} any more, and its database takes no writes"
        f" ({seen.database.process})",
    )


def _first_leader(seen: Observed, etcd: EtcdView, settings: Settings) -> Action:
    """If no host ever led, let the only database that is a primary lead; it may be older than the agents."""
    database = seen.database
    is_primary = Role.PRIMARY in (database.role, database.recorded_role)
    others = [m for m in etcd.members if m.host != seen.me and Role.PRIMARY in (m.role, m.recorded_role)]
    if not is_primary or etcd.paused:
        return recover_standby(seen, None, settings)
    obstacle = not_ready(seen, settings)
    if obstacle is not None:
        return Hold(why=f"nobody has led yet; {obstacle}")
    if others:
        return Refuse(
            about="first",
            request=None,
            why=f"nobody has led yet, and more than one database is a primary: {seen.me}"
            f" and {', '.join(m.host for m in others)}; one of them must be copied anew from the other",
        )
    known = [database.recorded_epoch, database.timeline or 0, *(m.epoch for m in etcd.members)]
    epoch = max(known) + 1
    return AcquireLeaderLock(
        epoch=epoch,
        revision=0,
        timeline=database.timeline or epoch,
        primary=seen.me,
        unfenced=(),
        powered_off=(),
        final_scn=None,
        accept_loss=False,
        unprotected=UnprotectedMode.NO,
        catch_up_scn=None,
        automatic=False,
        request=None,
        why=f"nobody has led yet, and the database of {seen.me} is the only primary",
    )
