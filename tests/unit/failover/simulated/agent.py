"""A simulated agent: it looks, asks the real `must_fence` and `decide`, and carries out what they say."""

from collections.abc import Callable, Generator
from dataclasses import replace
from typing import Any

from failover.core.actions import Action, FenceSelf, Hold, Refuse
from failover.core.decision import decide, must_fence
from failover.core.observed import (
    EtcdView,
    FenceReport,
    FenceState,
    Lease,
    Observed,
    Phase,
    Role,
    Settings,
    Task,
    TaskKind,
    UnprotectedMode,
)
from failover.core.pace import is_calm
from failover.core.unprotected import is_followed, reported_unprotected_mode
from tests.unit.failover.simulated.database import Database
from tests.unit.failover.simulated.etcd import Etcd
from tests.unit.failover.simulated.eyes import EtcdAnswer, Eyes, read_all
from tests.unit.failover.simulated.service import Service
from tests.unit.failover.simulated.traffic import Traffic
from tests.unit.failover.simulated.world import World

Effect = Generator[float | Callable[[], object], Any, None]
"""Yields milliseconds to wait, or an operation on etcd; is sent its result, None if no answer came."""


class Agent(Service):
    """One agent. Everything but the note on disk is lost when it ends."""

    def __init__(
        self,
        world: World,
        etcd: Etcd,
        database: Database,
        settings: Settings,
        effects: Callable[["Agent", Action], None],
        *,
        candidate: bool,
    ) -> None:
        super().__init__(world, database)
        self.etcd, self.settings, self.effects = etcd, settings, effects
        self.me, self.candidate = database.host.name, candidate
        self.others: dict[str, Agent] = {}
        self.traffic = Traffic(world, etcd, self.me, settings.etcd_timeout_ms, self.on_me)
        self.sees_stopped = world.chance.random() < 0.5
        self.last: Action = Hold(why="not started")
        self.refusals = self.decisions = self.self_fences = 0
        self._reset()

    def _reset(self) -> None:
        self.eyes = Eyes(self.world, self.database, self.settings, sees_stopped=self.sees_stopped)
        self.lease: Lease | None = None
        self.lease_number: int | None = None
        self.claimed_at: int | None = None
        self.reports: dict[str, FenceState] = {}
        self.fenced_epoch = 0
        self.task: tuple[TaskKind, int] | None = None
        self.turn = 0
        """Grows when what is under way is given up."""
        self.busy = self.killing = False
        self.looking_since: int | None = None
        self.ticks = self.puts = self.looked_at = 0
        self.said: tuple[int, bool] = (0, False)
        """The epoch, and that clients need not wait for a standby: what it answers to them."""
        self.unprotected_reported_at = self.followed_at = self.eyes.clock()

    def begin(self) -> None:
        """Start without knowing anything."""
        self._reset()
        self._tick()

    def leads_already(self, epoch: int, lease_number: int) -> None:
        """Be the leader from the beginning of the run."""
        self.life += 1
        self.running = True
        self.lease = Lease(epoch=epoch, renewed_at_ms=self.eyes.clock())
        self.lease_number, self.claimed_at = lease_number, self.eyes.clock()
        self._tick()

    # Its loop.

    def _tick(self) -> None:
        self.last_ping = self.world.now
        self.ticks += 1
        loop_ms = self.settings.loop_interval_ms
        self.on_me(loop_ms, self._tick)
        self.on_me(loop_ms / 2, self.guard)
        self.guard()
        calm = is_calm(self.observe(), self.settings)
        if calm and self.eyes.clock() - self.looked_at < self.settings.calm_interval_ms - loop_ms / 2:
            # Nobody tells it of changes here: etcd that does so may always be late.
            self.on_me(0, self._decide)
            return
        self.looked_at = self.eyes.clock()
        self._look_at_peers()
        self.look()
        if calm or self.ticks % 2 == 0:
            self.put_member()

    def guard(self) -> None:
        """Fence first; only a database that never knew an epoch may be one to adopt, after a first look."""
        waits_to_adopt = self.database.note.epoch == 0 and self.eyes.view is None and self.ticks < 3
        nothing_to_fence = not self.database.alive and self.lease is None and self.task is None
        if self.killing or waits_to_adopt or nothing_to_fence:
            return
        self.eyes.ask_database()
        why = must_fence(self.observe(), self.settings)
        if why is not None:
            self.self_fences += self.lease is not None
            self.effects(self, FenceSelf(why=why))

    def _decide(self) -> None:
        if self.busy or self.killing:
            return
        self.eyes.ask_database()
        self.decisions += 1
        seen = self._announced(self.observe())
        action = decide(seen, self.settings)
        self.refusals += isinstance(action, Refuse) and not isinstance(self.last, Refuse)
        self.self_fences += isinstance(action, FenceSelf) and self.lease is not None
        self.last = action
        if not isinstance(action, Hold):
            self.effects(self, action)

    def _announced(self, seen: Observed) -> Observed:
        """Tell clients before anything is decided, and see what that changes."""
        was_unprotected, record = self.said[1], seen.etcd.leadership if seen.etcd else None
        self.said = record.epoch if record else 0, reported_unprotected_mode(seen) is UnprotectedMode.YES
        if was_unprotected or self.said[1]:
            self.unprotected_reported_at = seen.now_ms
            return replace(seen, unprotected_reported_ago_ms=0)
        return seen

    def observe(self) -> Observed:
        view, now = self.eyes.view, self.eyes.clock()
        if view is not None:
            copy = object.__new__(EtcdView)
            copy.__dict__.update(view.__dict__)
            copy.__dict__["answered_ago_ms"] = now - self.eyes.view_at
            view = copy
        note = self.database.note
        seen = Observed(
            now_ms=now,
            me=self.me,
            candidate=self.candidate,
            database=self.eyes.database_seen(),
            lease=self.lease,
            etcd=view,
            peers=self.eyes.peers_seen(),
            task=None if self.task is None else Task(kind=self.task[0], started_ago_ms=now - self.task[1]),
            fence_device=tuple(FenceReport(host=h, state=s) for h, s in self.reports.items()),
            lock_acquired_at_ms=self.claimed_at,
            fenced_epoch=self.fenced_epoch,
            unprotected_reported_ago_ms=now - self.unprotected_reported_at,
            rejoined_ago_ms=None if note.rejoined_at is None else int(self.world.now - note.rejoined_at),
        )
        if is_followed(seen, self.settings.peer_silent_ms):
            self.followed_at = now
        return replace(seen, unfollowed_ms=now - self.followed_at)

    # What it is in the middle of.

    def run(self, effect: Effect, *, background: bool = False, task: TaskKind | None = None) -> None:
        """Carry an effect on until it ends or is given up; after its end the agent looks again at once."""
        turn = self.turn
        if task is not None:
            self.task = (task, self.eyes.clock())
        self.busy = self.busy or not (background or task)

        def step(result: object = None) -> None:
            if self.turn != turn and not background:
                return
            try:
                wanted = effect.send(result)
            except StopIteration:
                if task is not None:
                    self.task = None
                elif not background:
                    self.busy = False
                self.on_me(0.1, self.look)
                return
            if callable(wanted):
                self.traffic.ask(wanted, step)
            else:
                self.on_me(wanted, step)

        step()

    def give_up(self) -> None:
        self.turn += 1
        self.busy, self.task = False, None

    # What it hears and tells.

    def look(self) -> None:
        """Renew the lease and read everything in one go; too late an answer counts as none."""
        now, since = self.eyes.clock(), self.looking_since
        if since is not None:
            if now - since < self.settings.etcd_timeout_ms:
                return
            self.traffic.leave(self.traffic.member)
            self.on_me(0, self._decide)
        self.looking_since = now
        lease, number = self.lease, self.lease_number

        def renew_and_read() -> tuple[bool, EtcdAnswer]:
            kept = number is not None and self.etcd.keep_alive(number)
            return kept, read_all(self.etcd)

        self.traffic.send(renew_and_read, lambda answer: self._looked(now, lease, number, answer))

    def _looked(self, sent_at: int, lease: Lease | None, number: int | None, answer: Any) -> None:
        if self.looking_since != sent_at:
            return
        self.looking_since = None
        if self.eyes.clock() - sent_at > self.settings.etcd_timeout_ms:
            return
        kept, read = answer
        if lease is not None and self.lease is not None and self.lease.epoch == lease.epoch:
            record = read.leadership
            named = record is not None and (record.host, record.epoch) == (self.me, lease.epoch)
            if kept and named:
                self.lease = Lease(epoch=lease.epoch, renewed_at_ms=sent_at)
            elif not kept and number == self.lease_number:
                self.lease = None
        self.eyes.take_in(read)
        self._prove_history()
        self._decide()

    def _prove_history(self) -> None:
        """A standby that has the serving leader's epoch in its table has the leader's history."""
        record = self.eyes.view.leadership if self.eyes.view else None
        note, database = self.database.note, self.database
        if record is None or record.phase is not Phase.SERVING or note.role is not Role.STANDBY:
            return
        if database.answering and database.table_epoch == record.epoch:
            note.timeline = record.timeline

    def _look_at_peers(self) -> None:
        view = self.eyes.view
        record = view.leadership if view is not None else None
        if record is None:
            return
        names = {record.host, *(u.host for u in record.unfenced)}
        agents_say = {n: a.fenced_epoch for n, a in self.others.items() if a.running and not a.paused}
        answering = {n for n, a in self.others.items() if a.database.answering and not a.database.stopped}
        self.eyes.ask_peers(self.me, names, agents_say, answering)

    def put_member(self) -> None:
        """Put it into etcd; a position that this life of the agent does not know stays there."""
        self.puts += 1
        seq = self.life * 1_000_000 + self.puts
        fields = self.describes_itself()
        before = self.etcd.member_keys.get(self.me)
        if before is not None and not fields["scn"]:
            fields["scn"] = before[1]["scn"]
        self.traffic.send(lambda: self.etcd.member_keys.__setitem__(self.me, (seq, fields)), None)

    def describes_itself(self) -> dict[str, object]:
        """Return what it puts."""
        return self.eyes.describe(fenced=self.fenced_epoch, candidate=self.candidate)
