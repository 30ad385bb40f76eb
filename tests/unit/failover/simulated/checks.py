"""What must hold at every moment of a run, whatever was broken; told as what happened if it does not."""

from collections import Counter
from typing import Any

from failover.core.lag import lag_between_ns
from failover.core.observed import Guarantee, Leadership, Phase, Role, Settings
from tests.unit.failover.simulated.database import NS, Database, History
from tests.unit.failover.simulated.etcd import Etcd
from tests.unit.failover.simulated.world import World

LAG_SLACK_MS = 1000
"""The leader may report a further position between a candidate's look and its claim."""

BACK_MS = 2600
"""How long after its thaw a host may still believe in its lease: its clock may have stood still with it."""


class BrokenPromiseError(AssertionError):
    """Something that must never happen did."""


class Checks:
    """Watches one run."""

    def __init__(self, world: World, etcd: Etcd, databases: dict[str, Database], settings: Settings) -> None:
        self.world, self.etcd, self.databases, self.settings = world, etcd, databases, settings
        self.figures: Counter[str] = Counter()
        self.served: History | None = None
        self.served_by: Database | None = None
        self.two_since: float | None = None
        self.begun: dict[int, Guarantee] = {}
        self.accepted: set[int] = set()
        """Lineages that were begun with what an operator accepted to lose."""
        self.acked: dict[History, int] = {}
        """How far each line of writes was acknowledged."""
        self.lacks: dict[str, str] = {}
        """By host: what it lacked when it was last promoted."""
        for database in databases.values():
            database.on_promotion = self.promoted
        etcd.watchers.append(self.record_changed)
        world.after_each = self.one_writable_primary

    def one_writable_primary(self) -> None:
        writable = [d for d in self.databases.values() if d.writable()]
        if len(writable) < 2:
            self.two_since = None
            return
        if not self._thawed_under_a_lease_guarantee(writable):
            names = ", ".join(d.host.name for d in writable)
            raise BrokenPromiseError(f"two writable primaries at {self.world.now:.0f} ms: {names}")
        if self.two_since is None:
            self.two_since = self.world.now
            self.figures["thawed_writable_after_lease_guarantee"] += 1

    def _thawed_under_a_lease_guarantee(self, writable: list[Database]) -> bool:
        """The one documented exception: a host was frozen, and by the history only its lease was over."""
        record = self.etcd.leadership
        if record is None or self.begun.get(record.epoch) is not Guarantee.LEASE:
            return False
        old = [d for d in writable if d.host.name != record.host]
        return len(writable) - len(old) == 1 and all(
            d.host.thawed_since is not None and self.world.now - d.host.thawed_since < BACK_MS for d in old
        )

    def record_changed(self, old: Leadership | None, new: Leadership) -> None:
        if old is not None and new.epoch < old.epoch:
            raise BrokenPromiseError(f"epoch {new.epoch} after {old.epoch}")
        if old is not None and new.epoch == old.epoch and new.host != old.host:
            raise BrokenPromiseError(f"{new.host} and {old.host} both lead epoch {new.epoch}")
        if old is None or new.epoch > old.epoch:
            self._claimed(old, new)
        elif new.guarantee is not None and old.guarantee is None:
            self._begun(new)
        if new.phase is Phase.SERVING and (old is None or old.phase is Phase.RECOVERING):
            self._serves(new)
        if new.phase is Phase.HANDED:
            self.figures["handed"] += 1

    def _claimed(self, old: Leadership | None, new: Leadership) -> None:
        self.figures["claims"] += 1
        database = self.databases[new.host]
        if database.writable() and old is not None:
            raise BrokenPromiseError(f"{new.host} claims epoch {new.epoch} with a database that takes writes")
        if old is None or old.primary == new.host or new.accept_loss:
            return
        database.advance()
        reported, settled = old.final_scn, None
        if reported is None:
            put: dict[str, Any] = self.etcd.member_keys[old.primary][1]
            # A host that stood still writes nothing: at its next entry its position jumps by all of that.
            reported, settled = put["scn"], put["settled_scn"]
        lag_ms = lag_between_ns(database.scn, reported or 0, settled) / NS
        if lag_ms > self.settings.max_failover_lag_ms + LAG_SLACK_MS:
            raise BrokenPromiseError(f"{new.host} claims epoch {new.epoch} {lag_ms:.0f} ms behind")

    def acknowledged(self, history: History, scn: int, *, unprotected: bool) -> None:
        """Take in that clients were told of all writes up to `scn`."""
        self.acked[history] = max(scn, self.acked.get(history, 0))
        self.figures["acknowledged_alone" if unprotected else "acknowledged_with_standby"] += 1

    def promoted(self, database: Database) -> None:
        """Note what a standby that becomes the primary now lacks of all that was acknowledged.

        Broken only if it then serves: a host that was frozen in the middle of a promotion ends it when it
        thaws, under an epoch that nobody writes with any more.
        """
        self.lacks.pop(database.host.name, None)
        for history, scn in self.acked.items():
            behind = database.history is history and database.scn < scn
            if behind or database.history is None or not database.history.begins_with(history, scn):
                self.lacks[database.host.name] = (
                    f"became the primary at {database.scn} without all that was acknowledged, which is {scn},"
                    f" at {self.world.now:.0f} ms"
                )

    def _begun(self, new: Leadership) -> None:
        assert new.guarantee is not None
        self.begun[new.epoch] = new.guarantee
        if new.accept_loss:
            self.acked.clear()
            self.accepted.add(new.timeline)
        self.figures[f"guarantee_{new.guarantee}"] += 1

    def _serves(self, new: Leadership) -> None:
        database = self.databases[new.host]
        if database.role is not Role.PRIMARY or database.history is None:
            raise BrokenPromiseError(f"{new.host} serves epoch {new.epoch} with a {database.role}")
        if new.host in self.lacks and new.timeline not in self.accepted:
            raise BrokenPromiseError(f"{new.host} serves epoch {new.epoch} and {self.lacks[new.host]}")
        if self.served is not None and new.timeline not in self.accepted:
            self._goes_on_from(self.served, database, new)
        if self.served_by is not None and self.served_by is not database:
            self.figures["failovers"] += 1
        self.served, self.served_by = database.history, database

    def _goes_on_from(self, last: History, database: Database, new: Leadership) -> None:
        line = database.history
        while line is not None and line is not last:
            line = line.parent
        if line is None:
            raise BrokenPromiseError(
                f"{new.host} serves epoch {new.epoch} with another history than was served last"
            )

    def serving(self) -> str | None:
        """Return who serves now, with a database that takes writes."""
        record = self.etcd.leadership
        if record is None or record.phase is not Phase.SERVING:
            return None
        return record.host if self.databases[record.host].writable() else None
