"""How a simulated agent sees: its database, its peers, and etcd's last answer."""

from dataclasses import dataclass

from failover.core.lag import SettledPosition
from failover.core.observed import Database as DatabaseSeen
from failover.core.observed import (
    EtcdView,
    Leadership,
    Member,
    Peer,
    Process,
    Request,
    Role,
    Settings,
)
from tests.unit.failover.simulated.database import Database
from tests.unit.failover.simulated.etcd import Etcd
from tests.unit.failover.simulated.world import PEERS, World


class Counter:
    """For how long something has stood still, counted only while etcd answered."""

    __slots__ = ("ms", "value")

    def __init__(self) -> None:
        self.value: object = None
        self.ms = 0

    def see(self, value: object, passed_ms: int) -> int:
        self.ms = self.ms + passed_ms if value == self.value else 0
        self.value = value
        return self.ms


@dataclass(frozen=True)
class EtcdAnswer:
    """One linearizable read of everything, as etcd gives it."""

    leadership: Leadership | None
    lease_alive: bool
    members: dict[str, tuple[int, dict[str, object]]]
    request: Request | None
    paused: bool
    last_automatic_ago_ms: int | None


def read_all(etcd: Etcd) -> EtcdAnswer:
    etcd.expire()
    last = etcd.last_automatic_at
    return EtcdAnswer(
        etcd.leadership,
        etcd.lease_key is not None,
        dict(etcd.member_keys),
        etcd.request,
        etcd.paused,
        None if last is None else int(etcd.world.now - last),
    )


class Eyes:
    """What one agent has seen so far, by its own clock."""

    def __init__(self, world: World, database: Database, settings: Settings, *, sees_stopped: bool) -> None:
        self.world, self.database, self.settings = world, database, settings
        self.sees_stopped = sees_stopped
        """Whether it notices that the database was stopped by a signal, and need not wait for its silence."""
        self.view: EtcdView | None = None
        self.view_at = 0
        self.role: Role | None = None
        self.scn = 0
        self.settled = SettledPosition()
        self.answered_at = self.clock()
        self.started_at: int | None = None
        self._instance = -1
        self._counters: dict[str, Counter] = {}
        self._peers: dict[str, list[int]] = {}
        """Per host: when its database and when its agent last answered, and what that said was fenced."""

    def clock(self) -> int:
        return self.database.host.clock_ms(self.world.now)

    # The database.

    def ask_database(self) -> None:
        database = self.database
        if database.instance != self._instance:
            self._instance, self.role, self.answered_at = database.instance, None, self.clock()
        if database.answering and not database.stopped:
            database.advance()
            self.role, self.scn, self.answered_at = database.role, database.scn, self.clock()
            self.settled.add(self.scn, self.answered_at)

    def database_seen(self) -> DatabaseSeen:
        database, note, now = self.database, self.database.note, self.clock()
        if not database.alive:
            process = Process.DOWN
        elif database.stopped and self.sees_stopped:
            process = Process.HUNG
        else:
            process = Process.RUNNING if self.role is not None else Process.STARTING
        return DatabaseSeen(
            process=process,
            role=self.role if database.alive else None,
            scn=self.scn,
            settled_scn=self.settled.scn,
            silent_ms=now - self.answered_at,
            drained=database.alive and database.drained,
            recorded_role=note.role,
            recorded_epoch=max(note.epoch, database.table_epoch if database.answering else 0),
            timeline=note.timeline,
            follows=database.follows if database.disk_role is Role.STANDBY else None,
            cannot_follow=database.cannot_follow,
            started_ago_ms=None if self.started_at is None else now - self.started_at,
        )

    def describe(self, *, fenced: int, candidate: bool) -> dict[str, object]:
        """Return the fields of this host's member."""
        note = self.database.note
        answers = self.clock() - self.answered_at < self.settings.database_silent_ms
        return {
            "host": self.database.host.name,
            "role": self.role if self.database.alive and answers else None,
            "scn": self.scn,
            "settled_scn": self.settled.scn,
            "recorded_role": note.role,
            "timeline": note.timeline,
            "epoch": note.epoch,
            "fenced": fenced,
            "candidate": candidate,
        }

    # Other hosts.

    def ask_peers(self, me: str, names: set[str], agents_say: dict[str, int], databases: set[str]) -> None:
        """Look at `names`; of all hosts `agents_say` what is fenced, and `databases` answer, if reached."""
        now = self.clock()
        for name in names - {me}:
            entry = self._peers.setdefault(name, [now, now, 0])
            if not self.world.talk(me, name, PEERS):
                continue
            if name in databases:
                entry[0] = now
            if name in agents_say:
                entry[1], entry[2] = now, agents_say[name]
        for name in [n for n in self._peers if n not in names]:
            del self._peers[name]

    def peers_seen(self) -> tuple[Peer, ...]:
        now = self.clock()
        return tuple(
            Peer(
                host=name, sql_silent_ms=now - sql, agent_silent_ms=now - agent, reported_fenced_epoch=fenced
            )
            for name, (sql, agent, fenced) in self._peers.items()
        )

    # etcd.

    def take_in(self, answer: EtcdAnswer) -> None:
        now, settings = self.clock(), self.settings
        longest = settings.loop_interval_ms + settings.calm_interval_ms
        passed = min(now - self.view_at, longest) if self.view is not None else 0
        self.view_at = now
        leadership, request = answer.leadership, answer.request
        if leadership is not None:
            unchanged = self._still("leader", leadership.revision, passed)
            leadership = _leadership_unchanged(leadership, unchanged)
        if request is not None:
            unchanged = self._still("request", request.id, passed)
            request = Request(
                id=request.id,
                kind=request.kind,
                host=request.host,
                force=request.force,
                accept_loss=request.accept_loss,
                unchanged_ms=unchanged,
            )
        same_lease_ms = self._still("lease", answer.lease_alive, passed)
        self.view = EtcdView(
            answered_ago_ms=0,
            leadership=leadership,
            lease_alive=answer.lease_alive,
            lease_gone_ms=0 if answer.lease_alive else same_lease_ms,
            members=tuple(
                Member(unchanged_ms=self._still(name, seq, passed), **fields)  # type: ignore[arg-type]  # as put
                for name, (seq, fields) in answer.members.items()
            ),
            request=request,
            paused=answer.paused,
            last_automatic_ago_ms=answer.last_automatic_ago_ms,
        )

    def _still(self, key: str, value: object, passed_ms: int) -> int:
        counter = self._counters.get(key)
        if counter is None:
            counter = self._counters[key] = Counter()
        return counter.see(value, passed_ms)


def _leadership_unchanged(seen: Leadership, unchanged_ms: int) -> Leadership:
    """Return a copy; `dataclasses.replace` takes five times as long, and this happens at every look."""
    copy = object.__new__(Leadership)
    copy.__dict__.update(seen.__dict__)
    copy.__dict__["unchanged_ms"] = unchanged_ms
    return copy
