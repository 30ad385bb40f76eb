"""Whether all is well, so that slow observation is enough. Pure.

Safety does not depend on it: an agent that stays calm for too long acts late, but still fences itself by its
clock.
"""

from failover.core.observed import (
    EtcdView,
    Leadership,
    Observed,
    Phase,
    Process,
    Role,
    Settings,
    UnprotectedMode,
)


def is_calm(seen: Observed, settings: Settings) -> bool:
    """Say whether the leader serves, all others follow it, and each has just been heard."""
    etcd = seen.etcd
    if etcd is None or etcd.leadership is None or seen.task is not None:
        return False
    return (
        _is_undisturbed(etcd, etcd.leadership)
        and _is_in_its_place(seen, etcd.leadership)
        and _is_fresh(seen, etcd, settings)
    )


def _is_undisturbed(etcd: EtcdView, leadership: Leadership) -> bool:
    return (
        leadership.phase is Phase.SERVING
        and leadership.unprotected is UnprotectedMode.NO
        and not leadership.unfenced
        and not leadership.powered_off
        and etcd.lease_alive
        and etcd.request is None
    )


def _is_in_its_place(seen: Observed, leadership: Leadership) -> bool:
    """Say whether this host's database has the role that the record gives it."""
    database = seen.database
    if database.process is not Process.RUNNING or database.cannot_follow:
        return False
    if leadership.host == seen.me:
        leads = seen.lease is not None and seen.lease.epoch == leadership.epoch
        return leads and database.role is Role.PRIMARY and not database.drained
    return seen.lease is None and database.role is Role.STANDBY and database.follows == leadership.host


def _is_fresh(seen: Observed, etcd: EtcdView, settings: Settings) -> bool:
    """Say whether no host is about to count as silent; before it does, it is observed quickly for a loop."""
    late_ms = settings.peer_silent_ms - settings.loop_interval_ms
    return (
        etcd.answered_ago_ms <= settings.etcd_silent_ms
        and seen.database.silent_ms < late_ms
        and all(m.unchanged_ms < late_ms for m in etcd.members)
        and all(max(p.sql_silent_ms, p.agent_silent_ms) < late_ms for p in seen.peers)
    )
