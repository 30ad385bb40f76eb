"""A database in memory that fails at a chosen point, and the pool and services around it.

It understands exactly the packets that `app_stub.sql` writes, and raises on any other.
"""

import asyncio
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from app_stub import sql
from app_stub.database import Rows
from app_stub.metrics import Metrics
from app_stub.outcome import DatabaseFailure, FailureKind
from app_stub.pool import NoConnectionError

ENTITY = "QH01"
_CHANGE = re.compile(
    r"UPDATE credit_limit SET used_fen=used_fen([+-])(\d+) WHERE limit_id=(\d+) AND entity_code='(\w+)'.*"
)
_STATUS = re.compile(
    r"UPDATE credit_limit SET status='(\w+)',.* WHERE limit_id=(\d+) AND entity_code='(\w+)'"
)
_JOURNAL = re.compile(
    r"INSERT INTO journal\(.*\) SELECT '(\w+)','(\w{32})','(\w{32})','(\w+)',(\d+),NULL,(\d+),(.*),'(.*)',"
    r"\(SELECT epoch FROM leadership WHERE one=1 AND epoch=(\d+)\) FROM DUAL WHERE ROW_COUNT\(\)=1"
)
_TOGETHER = re.compile(
    r"UPDATE credit_limit SET used_fen=used_fen\+CASE limit_id (?P<amounts>.*?) END%(?P<place>\d+)"
    r"-(?P<half>\d+) "
    r"WHERE limit_id IN \((?P<limits>[\d,]+)\) AND entity_code=SUBSTR\(CASE limit_id (?P<owners>.*?) END,4\) "
    r"AND LEFT\(status,1\)<=SUBSTR\(CASE limit_id (?P=owners) END,3,1\) "
    r"AND used_fen\+CASE limit_id (?P=amounts) END%(?P=place)-(?P=half) BETWEEN 0 AND cap_fen"
)
_LOCK = re.compile(r"SELECT entity_code,limit_id,.* WHERE limit_id IN \(([\d,]+)\) FOR UPDATE")
_EACH_AMOUNT = re.compile(r"WHEN (\d+) THEN (\d+)")
_EACH_OWNER = re.compile(r"WHEN (\d+) THEN '(\d\d)([af])(\w+)'")
_TOGETHER_ROW = re.compile(
    r"(?:IF\(ROW_COUNT\(\)=\d+,'(?:\w+)',NULL\)|'\w+'),"
    r"'(\w{32})','(\w{32})','(\w+)',(\d+),NULL,(\d+),'[^']*','([^']*)','([^']*)',"
    r"(?:\(SELECT epoch FROM leadership WHERE one=1 AND epoch=)?(\d+)"
)
_STORED = re.compile(
    r"SELECT request_hash,answer FROM journal WHERE entity_code='(\w+)' AND idempotency_key='(\w+)'"
)
_LIMIT = re.compile(r"SELECT entity_code,limit_id,.* FROM credit_limit WHERE limit_id=(\d+)")


class Fault(StrEnum):
    """Where an attempt breaks."""

    NOT_SENT = "connection found dead before sending"
    LOST_BEFORE_COMMIT = "connection lost, the server rolled back"
    LOST_AFTER_COMMIT = "connection lost, the server had committed"
    LOCK_TIMEOUT = "server error before COMMIT"
    STANDBY = "the server is a standby"
    OTHER_EPOCH = "the server is a primary of another epoch"
    COMMIT_ERROR_DONE = "error at COMMIT, committed"
    COMMIT_ERROR_UNDONE = "error at COMMIT, rolled back"
    NO_PRIMARY = "no connection to be had"


@dataclass
class FakeLimit:
    entity: str
    cap_fen: int
    used_fen: int = 0
    status: str = "active"


@dataclass
class FakeDatabase:
    """Rows, and the faults of the coming attempts (None: it goes well)."""

    limits: dict[int, FakeLimit] = field(default_factory=dict)
    journal: dict[tuple[str, str], tuple[str, str, int, int, str]] = field(default_factory=dict)
    """(entity, key) -> (hash, kind, limit_id, amount_fen, answer)"""
    faults: list[Fault | None] = field(default_factory=list)
    packets: list[str] = field(default_factory=list)
    before_read: Callable[[], None] = lambda: None
    epoch: int = 0
    takes_writes: bool = True

    def next_fault(self) -> Fault | None:
        return self.faults.pop(0) if self.faults else None

    def run(self, packet: str) -> tuple[int, ...]:
        """Run a whole packet, or nothing."""
        if not self.takes_writes:
            raise DatabaseFailure(FailureKind.NOT_PRIMARY, code=4688, detail="standby tenant is read only")
        *changes, insert, commit = packet.split(";")
        assert commit == "COMMIT"
        if not changes:
            return self._journal_together([], _TOGETHER_ROW.findall(insert))
        (change,) = changes
        if "CASE limit_id" in change:
            return self._run_together(change, insert)
        row = _JOURNAL.fullmatch(insert)
        assert row is not None, insert
        entity, key, digest, kind, limit_id, amount, _, answer, epoch = row.groups()
        apply = self._change(change)
        if apply is None:
            return (0, 0, 0)
        self._check_epoch(epoch)
        if (entity, key) in self.journal:
            raise DatabaseFailure(FailureKind.DUPLICATE, code=1062, detail="duplicate")
        apply()
        self.journal[entity, key] = (digest, kind, int(limit_id), int(amount), answer.replace('\\"', '"'))
        return (1, 1, 0)

    def _check_epoch(self, epoch: str) -> None:
        if int(epoch) != self.epoch:
            raise DatabaseFailure(FailureKind.OTHER_EPOCH, code=1048, detail="Column 'epoch' cannot be null")

    def _run_together(self, change: str, insert: str) -> tuple[int, ...]:
        parts = _TOGETHER.fullmatch(change)
        assert parts is not None, change
        owners = {
            limit_id: (highest, entity)
            for limit_id, _, highest, entity in _EACH_OWNER.findall(parts["owners"])
        }
        moves = [
            (
                limit_id,
                owners[limit_id][1],
                owners[limit_id][0],
                int(value) % int(parts["place"]) - int(parts["half"]),
            )
            for limit_id, value in _EACH_AMOUNT.findall(parts["amounts"])
        ]
        assert parts["limits"].split(",") == [limit_id for limit_id, *_ in moves]
        assert len(owners) == len(moves)
        rows = _TOGETHER_ROW.findall(insert)
        assert insert.count("(SELECT epoch FROM leadership") == 1
        assert len(rows) == insert.count("(") - 3 - insert.count("IF(") >= len(moves)
        assert f"IF(ROW_COUNT()={len(moves)}," in insert
        limits = [self.limits.get(int(limit_id)) for limit_id, *_ in moves]
        changed = 0
        for limit, (_, entity, highest, moved_fen) in zip(limits, moves, strict=True):
            # As the server counts: a row that stays the same was not changed.
            changed += (
                moved_fen != 0
                and limit is not None
                and limit.entity == entity
                and limit.status[0] <= highest
                and 0 <= limit.used_fen + moved_fen <= limit.cap_fen
            )
        if changed != len(moves):
            raise DatabaseFailure(FailureKind.REFUSED, code=1048, detail="column may not be null")
        applied = [(limit, moved_fen) for limit, (*_, moved_fen) in zip(limits, moves, strict=True) if limit]
        return changed, *self._journal_together(applied, rows)

    def _journal_together(
        self, changes: list[tuple[FakeLimit, int]], rows: list[tuple[str, ...]]
    ) -> tuple[int, ...]:
        self._check_epoch(rows[0][-1])
        owned = [(self.limits[int(row[3])].entity, row) for row in rows]
        if any((entity, row[0]) in self.journal for entity, row in owned):
            raise DatabaseFailure(FailureKind.DUPLICATE, code=1062, detail="duplicate")
        for limit, moved_fen in changes:
            limit.used_fen += moved_fen
        for entity, (key, digest, kind, limit_id, amount, credit, answer, epoch) in owned:
            assert int(epoch) == self.epoch
            assert credit in (f"settlement:{entity}", f"loan:{limit_id}")
            self.journal[entity, key] = (
                digest,
                kind,
                int(limit_id),
                int(amount),
                answer.replace('\\"', '"'),
            )
        return len(rows), 0

    def _change(self, change: str) -> Callable[[], None] | None:
        status = _STATUS.fullmatch(change)
        if status is not None:
            limit = self.limits.get(int(status[2]))
            if limit is None or limit.entity != status[3]:
                return None
            return lambda: setattr(limit, "status", status[1])
        move = _CHANGE.fullmatch(change)
        assert move is not None, change
        limit = self.limits.get(int(move[3]))
        amount = int(move[2]) if move[1] == "+" else -int(move[2])
        if limit is None or limit.entity != move[4]:
            return None
        if amount > 0 and (limit.status != "active" or limit.used_fen + amount > limit.cap_fen):
            return None
        if limit.used_fen + amount < 0:
            return None
        return lambda: setattr(limit, "used_fen", limit.used_fen + amount)

    def read(self, query: str) -> Rows:
        """Run one query."""
        self.before_read()
        if query == sql.SELECT_EPOCH:
            return [(self.epoch,)]
        stored = _STORED.fullmatch(query)
        if stored is not None:
            found = self.journal.get((stored[1], stored[2]))
            return [] if found is None else [(found[0], found[4])]
        locked = _LOCK.fullmatch(query)
        if locked is not None:
            ids = {int(limit_id): self.limits.get(int(limit_id)) for limit_id in locked[1].split(",")}
            return [
                (limit.entity, limit_id, 1, "HUINONG", limit.cap_fen, limit.used_fen, limit.status, None)
                for limit_id, limit in ids.items()
                if limit is not None
            ]
        asked = _LIMIT.fullmatch(query)
        assert asked is not None, query
        limit = self.limits.get(int(asked[1]))
        if limit is None:
            return []
        return [
            (limit.entity, int(asked[1]), 1, "HUINONG", limit.cap_fen, limit.used_fen, limit.status, None)
        ]


class FakeSession:
    """A session on the fake database."""

    def __init__(self, database: FakeDatabase) -> None:
        self._database = database
        self.deadline_s = float("inf")
        self.usable = True

    async def run(self, packet: str, statements: int) -> tuple[int, ...]:
        assert self.usable, "a closed session was used"
        assert packet.count(";") == statements - 1
        database = self._database
        database.packets.append(packet)
        match database.next_fault():
            case Fault.NOT_SENT:
                raise self._failure(FailureKind.NOT_SENT)
            case Fault.LOST_BEFORE_COMMIT | Fault.COMMIT_ERROR_UNDONE:
                raise self._failure(FailureKind.UNCERTAIN)
            case Fault.LOST_AFTER_COMMIT | Fault.COMMIT_ERROR_DONE:
                database.run(packet)
                raise self._failure(FailureKind.UNCERTAIN)
            case Fault.LOCK_TIMEOUT:
                raise self._refusal(FailureKind.RETRY)
            case Fault.STANDBY:
                raise self._refusal(FailureKind.NOT_PRIMARY)
            case Fault.OTHER_EPOCH:
                raise self._refusal(FailureKind.OTHER_EPOCH)
            case _:
                return database.run(packet)

    def _failure(self, kind: FailureKind) -> DatabaseFailure:
        self.usable = False
        return self._refusal(kind)

    def _refusal(self, kind: FailureKind) -> DatabaseFailure:
        return DatabaseFailure(kind, code=0, detail="made by the test")

    async def rollback(self) -> None:
        assert self.usable, "a closed session was rolled back"

    async def read(self, queries: Iterable[str]) -> list[Rows]:
        assert self.usable, "a closed session was read"
        return [self._database.read(query) for query in queries]

    def close(self) -> None:
        self.usable = False


class FakePool:
    """A pool that opens a session for each request and remembers that each came back."""

    def __init__(self, database: FakeDatabase) -> None:
        self._database = database
        self.out = 0
        self.term = 1
        self.primary = "fake"
        self.usable = True

    async def acquire(self, timeout_s: float) -> Any:
        if self._database.faults and self._database.faults[0] is Fault.NO_PRIMARY:
            self._database.faults.pop(0)
            raise NoConnectionError("no primary is known")
        self.out += 1
        return FakeSession(self._database)

    @property
    def epoch(self) -> int:
        return self._database.epoch

    def back_off(self) -> None:
        """A fake one has nobody to spare."""

    def release(self, session: Any) -> None:
        self.out -= 1


@dataclass
class Clock:
    """A clock that goes on only while somebody pauses."""

    now_s: float = 0.0

    def __call__(self) -> float:
        return self.now_s

    async def pause(self, seconds: float) -> None:
        self.now_s += seconds
        await asyncio.sleep(0)


def metrics() -> Metrics:
    """Return metrics in a registry of their own."""
    return Metrics()
