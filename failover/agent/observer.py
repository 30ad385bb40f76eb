"""Collects the input of the core's decisions, and this agent's report about itself to the others."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from failover import clock
from failover.agent.memory import Memory, RejoinedFile
from failover.core import observed
from failover.core.lag import NS_IN_MS, lag_between_ns
from failover.core.observed import (
    EtcdView,
    Leadership,
    Member,
    Observed,
    Phase,
    Process,
    Role,
    Task,
    TaskKind,
)
from failover.core.unprotected import is_followed
from failover.etcd import records
from failover.host.local_state import LocalState
from failover.settings import Settings

STUCK_MS = 30_000
"""If a standby's position stood still for this long while the leader's moved, the standby cannot follow."""


class DatabaseSource(Protocol):
    """What this module needs of `database.DatabaseWatch`."""

    @property
    def epoch(self) -> int | None:
        """The epoch in its table."""

    def observe(self) -> observed.Database:
        """Return the database as it stands now."""


class EtcdSource(Protocol):
    """What this module needs of `etcd_watch.EtcdWatch`."""

    def observe(self) -> EtcdView | None:
        """Return the last read."""


class PeerSource(Protocol):
    """What this module needs of `peers.PeerWatch`."""

    def observe(self) -> tuple[observed.Peer, ...]:
        """Return what is known of each peer."""

    def position_of(self, host: str) -> tuple[int, int | None]:
        """Return the last reported position of the database of `host`, and its settled position."""


@dataclass
class _Standstill:
    """Time since when this host's standby has stood still, and the leader's position then."""

    scn: int = 0
    leader_scn: int = 0
    since_ms: int = 0


class Observer:
    """Collects everything that is observed from this host into one value."""

    def __init__(
        self,
        settings: Settings,
        memory: Memory,
        *,
        database: DatabaseSource,
        etcd: EtcdSource,
        peers: PeerSource,
        rejoined: RejoinedFile,
        used_by_others: Callable[[], bool],
        now_ms: Callable[[], int] = clock.steady_ms,
    ) -> None:
        """Collect from `database`, `etcd` and `peers`.

        Args:
            settings: of this host.
            memory: the agent's own actions.
            database: of this host.
            etcd: the last read.
            peers: direct observations of them.
            rejoined: when the data were last emptied.
            used_by_others: returns whether another process is using the database's tool.
            now_ms: the steady clock.
        """
        self._settings = settings
        self._memory = memory
        self._database = database
        self._etcd = etcd
        self._peers = peers
        self._rejoined = rejoined
        self._used_by_others = used_by_others
        self._now_ms = now_ms
        self._standstill = _Standstill()
        self._followed_at_ms = self._unprotected_reported_at_ms = now_ms()
        self._seq = 0
        self.last_decision: Callable[[], str] = lambda: ""
        """Returns the agent's last decision; set when its loop exists."""
        self._host_of = {p.address: p.host for p in settings.peers} | {settings.address: settings.me}

    def observe(self) -> Observed:
        """Return everything as it stands now."""
        memory, etcd = self._memory, self._etcd.observe()
        database = self._own_database(etcd)
        rejoined_ms = self._rejoined.at_ms
        # Read the clock last, so that nothing in the value is younger than this time.
        now_ms = self._now_ms()
        seen = Observed(
            now_ms=now_ms,
            me=self._settings.me,
            candidate=self._settings.candidate,
            database=database,
            lease=memory.lease.observed() if memory.lease else None,
            etcd=etcd,
            peers=self._peers.observe(),
            task=self._task(now_ms),
            fence_device=memory.fence_reports(),
            lock_acquired_at_ms=memory.lock_acquired_at_ms,
            fenced_epoch=memory.fenced_epoch,
            unprotected_reported_ago_ms=now_ms - self._unprotected_reported_at_ms,
            rejoined_ago_ms=None if rejoined_ms is None else now_ms - rejoined_ms,
        )
        if is_followed(seen, self._settings.timing.peer_silent_ms):
            self._followed_at_ms = now_ms
        return replace(seen, unfollowed_ms=now_ms - self._followed_at_ms)

    def unprotected_reported(self) -> None:
        """Remember that services were told until now, or could have been, not to wait for a standby."""
        self._unprotected_reported_at_ms = self._now_ms()

    def proven_local_state(self, seen: Observed) -> LocalState | None:
        """Return new knowledge about the data that is not recorded yet, or None.

        If a standby's table shows the epoch of the serving leader, the standby has that leader's log, and so
        its history.
        """
        leadership = seen.etcd.leadership if seen.etcd else None
        local_state, epoch = self._memory.local_state, self._database.epoch
        if (
            leadership is None
            or leadership.host == seen.me
            or leadership.phase is not Phase.SERVING
            or leadership.epoch != epoch
            or seen.database.role is not Role.STANDBY
            or local_state.role is not Role.STANDBY
            or (local_state.timeline, local_state.epoch) == (leadership.timeline, epoch)
        ):
            return None
        return replace(local_state, timeline=leadership.timeline, epoch=epoch)

    def lag_ms(self, seen: Observed) -> int | None:
        """Return this standby's lag behind the leader's last position; None: not a standby, or unknown."""
        leadership = seen.etcd.leadership if seen.etcd else None
        if leadership is None or seen.database.role is not Role.STANDBY or leadership.host == seen.me:
            return None
        leader_scn, settled_scn = self._leader_position(seen.etcd, leadership)
        if not leader_scn:
            return None
        return max(0, lag_between_ns(seen.database.scn, leader_scn, settled_scn)) // NS_IN_MS

    def member_text(self) -> str:
        """Return this agent's report about itself for etcd."""
        seen = self.observe()
        database = seen.database
        self._seq += 1
        member = Member(
            host=seen.me,
            role=database.role,
            scn=database.scn,
            settled_scn=database.settled_scn,
            recorded_role=database.recorded_role,
            timeline=database.timeline,
            epoch=database.recorded_epoch,
            fenced=seen.fenced_epoch,
            candidate=seen.candidate,
        )
        more = {
            "process": database.process,
            "follows": database.follows,
            "thinks": self.last_decision(),
        }
        return records.member_text(member, seq=self._seq, lag_ms=self.lag_ms(seen), more=more)

    def _own_database(self, etcd: EtcdView | None) -> observed.Database:
        local_state, found = self._memory.local_state, self._database.observe()
        source, started_ms = found.follows, self._memory.started_at_ms
        self._watch_standstill(found, etcd)
        return replace(
            found,
            recorded_role=local_state.role,
            recorded_epoch=max(local_state.epoch, self._database.epoch or 0),
            timeline=local_state.timeline,
            follows=None if source is None else self._host_of.get(source, source),
            cannot_follow=self._memory.cannot_follow,
            started_ago_ms=None if started_ms is None else self._now_ms() - started_ms,
        )

    def _task(self, now_ms: int) -> Task | None:
        running_task = self._memory.running_task
        if running_task is not None:
            return Task(kind=running_task.kind, started_ago_ms=now_ms - running_task.since_ms)
        if self._used_by_others():
            # A deploy or an administrator uses the tool: it can make at most a standby, or the database is
            # fenced.
            return Task(kind=TaskKind.REJOIN, started_ago_ms=0)
        return None

    def _leader_position(self, etcd: EtcdView | None, leadership: Leadership) -> tuple[int, int | None]:
        members = etcd.members if etcd else ()
        put = ((m.scn, m.settled_scn) for m in members if m.host == leadership.host)
        return max(next(put, (0, None)), self._peers.position_of(leadership.host), key=lambda at: at[0])

    def _watch_standstill(self, found: observed.Database, etcd: EtcdView | None) -> None:
        leadership = etcd.leadership if etcd else None
        now_ms, still = self._now_ms(), self._standstill
        if leadership is None or found.role is not Role.STANDBY or found.process is not Process.RUNNING:
            still.since_ms = now_ms
            return
        leader_scn, _ = self._leader_position(etcd, leadership)
        seen_now = any(
            p.host == leadership.host and p.sql_silent_ms < self._settings.timing.peer_silent_ms
            for p in self._peers.observe()
        )
        serves = leadership.phase is Phase.SERVING
        if found.scn != still.scn or not seen_now or not serves or found.scn >= leader_scn:
            still.scn, still.leader_scn, still.since_ms = found.scn, leader_scn, now_ms
        elif now_ms - still.since_ms >= STUCK_MS and leader_scn > still.leader_scn:
            self._memory.cannot_follow = True
