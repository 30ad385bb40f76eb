"""The answer of `GET /status`: one agent's observations, for people and for other agents. Pure values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from failover.core.observed import Leadership, Member, Observed, Role
from failover.core.observed import Settings as Limits
from failover.settings import Settings

Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class LeaderStatus:
    """Who leads, or led last."""

    host: str
    epoch: int
    phase: str
    guarantee: str | None
    to: str | None
    """In a handover: the host that will lead."""
    lease_alive: bool
    unfenced: tuple[str, ...]
    """Former leaders that are not known to be fenced."""
    powered_off: tuple[str, ...]
    alone: str
    """Whether writes may be acknowledged that no standby has: `no`, `yes`, or `ending`."""


@dataclass(frozen=True, kw_only=True)
class MemberStatus:
    """A database host, as its own agent last reported it to etcd."""

    host: str
    role: str | None
    scn: int
    lag_ms: int | None
    epoch: int
    fenced_epoch: int
    may_lead: bool
    """Whether it is a candidate; the API keeps the word, for programs and agents of other versions."""
    silent_ms: int
    """Time since its last new report to etcd."""
    thinks: str
    """Last decision of its agent: the action, and why."""


@dataclass(frozen=True, kw_only=True)
class DatabaseStatus:
    """The database of the host that was asked."""

    process: str
    role: str | None
    silent_ms: int


@dataclass(frozen=True, kw_only=True)
class PausedStatus:
    """A pause: no automatic actions."""

    host: str
    """Host on which the pause was ordered."""
    at_s: float


@dataclass(frozen=True, kw_only=True)
class RequestStatus:
    """An operator's request that no agent has taken yet."""

    id: str
    kind: str
    host: str
    waits_ms: int


@dataclass(frozen=True, kw_only=True)
class Status:
    """One agent's observations."""

    environment: str
    me: str
    fenced_epoch: int
    """The highest epoch whose end this agent confirmed: other agents wait for it."""
    scn: int
    """Position of its database, from which other agents compute the lag of theirs."""
    settled_scn: int | None = None
    """Its position half a second before; agents of earlier versions do not report it."""
    thinks: str
    database: DatabaseStatus
    durability: str
    store_answered_ago_ms: int | None
    """Time since etcd last answered; None: not since the agent started, so its content is unknown."""
    leader: LeaderStatus | None
    members: tuple[MemberStatus, ...]
    paused: PausedStatus | None
    request: RequestStatus | None


def status_of(
    seen: Observed,
    settings: Settings,
    *,
    last_decision: str,
    reports: Mapping[str, Json],
    paused: Json | None,
) -> Status:
    """Return an agent's status from its observations.

    Args:
        seen: its last observations.
        settings: of its host.
        last_decision: of its agent: the action, and why.
        reports: by host, the last report of its agent in etcd (`MemberReport.report`).
        paused: what etcd holds about a pause (`EtcdSnapshot.paused`).
    """
    etcd = seen.etcd
    request = etcd.request if etcd else None
    return Status(
        environment=settings.environment,
        me=seen.me,
        fenced_epoch=seen.fenced_epoch,
        scn=seen.database.scn,
        settled_scn=seen.database.settled_scn,
        thinks=last_decision,
        database=DatabaseStatus(
            process=seen.database.process, role=seen.database.role, silent_ms=seen.database.silent_ms
        ),
        durability=settings.durability.mode,
        store_answered_ago_ms=etcd.answered_ago_ms if etcd else None,
        leader=_leader(etcd.leadership, lease_alive=etcd.lease_alive) if etcd and etcd.leadership else None,
        members=tuple(_member(m, reports.get(m.host, {})) for m in (etcd.members if etcd else ())),
        paused=PausedStatus(host=str(paused.get("host", "")), at_s=float(paused.get("at_s", 0)))
        if paused is not None
        else None,
        request=RequestStatus(
            id=request.id, kind=request.kind, host=request.host, waits_ms=request.unchanged_ms
        )
        if request
        else None,
    )


def successor(seen: Observed, limits: Limits) -> str | None:
    """Return the default target of a switchover: the living standby with the most data; None: there is none.

    Objections to that host are not checked here; `objections` does that.
    """
    etcd = seen.etcd
    if etcd is None or etcd.leadership is None:
        return None
    able = [
        (m.scn, m.host)
        for m in etcd.members
        if m.host != etcd.leadership.host
        and m.candidate
        and m.role is Role.STANDBY
        and m.timeline == etcd.leadership.timeline
        and m.unchanged_ms < limits.peer_silent_ms
    ]
    return max(able)[1] if able else None


def _leader(leadership: Leadership, *, lease_alive: bool) -> LeaderStatus:
    return LeaderStatus(
        host=leadership.host,
        epoch=leadership.epoch,
        phase=leadership.phase,
        guarantee=leadership.guarantee,
        to=leadership.to,
        lease_alive=lease_alive,
        unfenced=tuple(u.host for u in leadership.unfenced),
        powered_off=leadership.powered_off,
        alone=leadership.unprotected,
    )


def _member(member: Member, report: Json) -> MemberStatus:
    lag_ms = report.get("lag_ms")
    return MemberStatus(
        host=member.host,
        role=member.role,
        scn=member.scn,
        lag_ms=lag_ms if isinstance(lag_ms, int) else None,
        epoch=member.epoch,
        fenced_epoch=member.fenced,
        may_lead=member.candidate,
        silent_ms=member.unchanged_ms,
        thinks=str(report.get("thinks", "")),
    )
