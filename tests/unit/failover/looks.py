"""Literal looks of an agent, from its ordinary cases: `b` looks, `a` leads epoch 4 or did so last."""

from dataclasses import replace
from typing import Any

from failover.core.observed import (
    Database,
    EtcdView,
    FenceReport,
    FenceState,
    Guarantee,
    Leadership,
    Lease,
    Member,
    Observed,
    Peer,
    Phase,
    Process,
    Request,
    RequestKind,
    Role,
    Settings,
    Unfenced,
)

SETTINGS = Settings(unprotected_after_ms=5000)
NOW = 1_000_000
S = 1_000_000_000
"""A second of positions."""

AT = 500 * S
"""Where the primary is."""

A_UNFENCED = Unfenced(host="a", epoch=4)


def record(**changes: Any) -> Leadership:
    """etcd's record: a serves epoch 4."""
    base = Leadership(
        host="a",
        epoch=4,
        phase=Phase.SERVING,
        revision=70,
        timeline=3,
        primary="a",
        guarantee=Guarantee.SELF,
        unchanged_ms=60_000,
    )
    return replace(base, **changes)


def primary(**changes: Any) -> Database:
    """A database that takes writes."""
    base = Database(
        process=Process.RUNNING,
        role=Role.PRIMARY,
        scn=AT,
        recorded_role=Role.PRIMARY,
        recorded_epoch=4,
        timeline=3,
        started_ago_ms=60_000,
    )
    return replace(base, **changes)


def standby(**changes: Any) -> Database:
    """A database that follows a, 100 ms behind."""
    base = Database(
        process=Process.RUNNING,
        role=Role.STANDBY,
        scn=AT - S // 10,
        recorded_role=Role.STANDBY,
        recorded_epoch=4,
        timeline=3,
        follows="a",
        started_ago_ms=60_000,
    )
    return replace(base, **changes)


def down(role: Role | None, **changes: Any) -> Database:
    """A database without a process."""
    timeline = None if role is None else 3
    base = Database(process=Process.DOWN, recorded_role=role, recorded_epoch=4, timeline=timeline)
    return replace(base, **changes)


def member(host: str, **changes: Any) -> Member:
    """What a host put: a of a primary, others of a standby 100 ms behind."""
    role = Role.PRIMARY if host == "a" else Role.STANDBY
    scn = AT if host == "a" else AT - S // 10
    base = Member(host=host, role=role, recorded_role=role, scn=scn, timeline=3, epoch=4, unchanged_ms=100)
    return replace(base, **changes)


def view(leadership: Leadership | None = None, **changes: Any) -> EtcdView:
    """etcd's answer of just now: a leads, holds its lease and reports."""
    base = EtcdView(
        answered_ago_ms=20,
        leadership=record() if leadership is None else leadership,
        lease_alive=True,
        members=(member("a"), member("b")),
    )
    return replace(base, **changes)


NOTHING = EtcdView(answered_ago_ms=20)
"""What etcd tells when nobody has ever led."""


def look(**changes: Any) -> Observed:
    """How b, a sound standby, sees a sound leader."""
    base = Observed(
        now_ms=NOW,
        me="b",
        database=standby(),
        etcd=view(),
        peers=(Peer(host="a", sql_silent_ms=0, agent_silent_ms=0),),
    )
    return replace(base, **changes)


def leader_look(**changes: Any) -> Observed:
    """How a, the leader, sees itself."""
    base = Observed(
        now_ms=NOW,
        me="a",
        database=primary(),
        lease=Lease(epoch=4, renewed_at_ms=NOW - 100),
        etcd=view(),
        lock_acquired_at_ms=NOW - 60_000,
    )
    return replace(base, **changes)


def claimer_look(**changes: Any) -> Observed:
    """How b sees its own claim of epoch 5 just after it; a, which led epoch 4, is silent."""
    base = Observed(
        now_ms=NOW,
        me="b",
        database=standby(),
        lease=Lease(epoch=5, renewed_at_ms=NOW - 100),
        etcd=view(claimed()),
        peers=(SILENT,),
        lock_acquired_at_ms=NOW - 100,
    )
    return replace(base, **changes)


def claimed(**changes: Any) -> Leadership:
    """The record after b claimed epoch 5 from a."""
    base = {"host": "b", "epoch": 5, "phase": Phase.RECOVERING, "guarantee": None, "unchanged_ms": 100}
    return record(**{**base, "unfenced": (A_UNFENCED,), **changes})


SILENT = Peer(host="a", sql_silent_ms=5000, agent_silent_ms=5000)
"""A direct look at a that found nothing for long."""


def dead(**changes: Any) -> EtcdView:
    """What etcd tells when a has been silent for 1.3 s and its lease has not ended yet."""
    return view(**{"members": (member("a", unchanged_ms=1300), member("b")), **changes})


def device(state: FenceState, host: str = "a") -> tuple[FenceReport, ...]:
    return (FenceReport(host=host, state=state),)


def request(kind: RequestKind, host: str, **changes: Any) -> Request:
    return replace(Request(id="r1", kind=kind, host=host), **changes)
