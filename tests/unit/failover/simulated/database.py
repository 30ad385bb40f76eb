"""A database as the real one behaves: roles, positions, histories, and what is left of it after a crash."""

from collections.abc import Callable
from dataclasses import dataclass

from failover.core.observed import Role
from tests.unit.failover.simulated.world import PEERS, Host, World

NS = 1_000_000


@dataclass(eq=False)
class History:
    """One line of writes; a promotion that was not drained forks a new one off."""

    parent: "History | None" = None
    fork_scn: int = 0

    def begins_with(self, other: "History", scn: int) -> bool:
        """Say whether data of `other` up to `scn` are a beginning of this line."""
        line: History | None = self
        while line is not None and line is not other:
            if scn > line.fork_scn:
                return False
            line = line.parent
        return line is other


@dataclass
class Note:
    """What the agent keeps on disk beside the data."""

    role: Role | None
    timeline: int | None = None
    epoch: int = 0
    rejoined_at: float | None = None


class Database:
    """One database host's data and process."""

    def __init__(self, world: World, host: Host, role: Role, history: History) -> None:
        self.world, self.host = world, host
        self.history: History | None = history
        self.disk_role = role
        self.note = Note(role)
        self.scn = 1 * NS
        self.alive = self.answering = self.stopped = self.drained = False
        self.role = role
        self.instance = 0
        self.follows: str | None = None
        self.cannot_follow = False
        self.table_epoch = 0
        self.lag_ms = world.chance.uniform(20, 150)
        self.stalled = False
        """Whether its copying stands still, as with a slow disk or a long transaction."""
        self.others: dict[str, Database] = {}
        self.on_promotion: Callable[[Database], None] = lambda _: None

    def writable(self) -> bool:
        return (
            self.answering
            and self.role is Role.PRIMARY
            and not self.drained
            and not self.stopped
            and not self.host.frozen
            and self.host.on
        )

    def kill(self) -> None:
        self.advance()
        self.alive = self.answering = self.stopped = self.drained = False
        self.instance += 1

    def start(self) -> int:
        """Begin to start; `answer` ends it. Returns which process this is."""
        self.kill()
        self.alive, self.role = True, self.disk_role
        return self.instance

    def answer(self, instance: int) -> bool:
        """End the start of process `instance`, and say whether that is still the one."""
        if instance != self.instance or not self.alive:
            return False
        self.answering = True
        return True

    def become_primary(self, instance: int, *, fork: bool) -> bool:
        """End a promotion begun on process `instance`."""
        if instance != self.instance or not self.answering or self.history is None:
            return False
        self.advance()
        if self.role is not Role.PRIMARY:
            self.on_promotion(self)
        if fork and self.role is not Role.PRIMARY:
            self.history = History(parent=self.history, fork_scn=self.scn)
        self.role = self.disk_role = Role.PRIMARY
        self.drained, self.follows = False, None
        return True

    def drain(self, instance: int) -> bool:
        if instance != self.instance or not self.answering or self.stopped:
            return False
        self.advance()
        self.drained, self.disk_role = True, Role.STANDBY
        return True

    def erase(self) -> None:
        self.kill()
        self.history, self.scn, self.table_epoch, self.follows = None, 0, 0, None
        self.cannot_follow = False

    def copy_of(self, source: "Database") -> bool:
        """Become a standby that has all of `source`, if that can be read now."""
        if not source.readable_from(self):
            return False
        source.advance()
        self.history, self.scn, self.table_epoch = source.history, source.scn, source.table_epoch
        self.disk_role, self.follows, self.cannot_follow = Role.STANDBY, source.host.name, False
        return True

    def readable_from(self, reader: "Database") -> bool:
        return (
            self.answering
            and not self.stopped
            and self.history is not None
            and self.world.talk(reader.host.name, self.host.name, PEERS)
        )

    def advance(self) -> None:
        """Bring its position up to now: a primary writes all the time, a standby pulls."""
        if self.writable():
            self.scn = max(self.scn, int(self.world.now * NS))
            return
        if self.role is not Role.STANDBY or not self.answering or self.stopped or self.stalled:
            return
        source = self.others.get(self.follows or "")
        if source is None or self.host.frozen or not source.readable_from(self):
            return
        self._pull(source)

    def _pull(self, source: "Database") -> None:
        source.advance()
        if self.history is None or source.history is None:
            return
        if not source.history.begins_with(self.history, self.scn):
            self.cannot_follow = True
            return
        self.history = source.history
        self.scn = max(self.scn, min(source.scn, int((self.world.now - self.lag_ms) * NS)))
        if self.scn + 200 * NS > source.scn:
            self.table_epoch = max(self.table_epoch, source.table_epoch)
