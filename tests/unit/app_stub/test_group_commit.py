"""Writes of different kinds share a COMMIT, and each gets the outcome of its own journal row."""

import asyncio
import re
from typing import Any

import pytest

from app_stub import sql
from app_stub.group_commit import GroupCommit
from app_stub.group_queue import MAX_MOVES, GroupOutcome, GroupQueue, Sent, Waiting
from app_stub.money import Kind
from app_stub.pool import NoConnectionError
from tests import virtual_time
from tests.unit.app_stub.fakes import Clock, metrics


class Recorder:
    """A pool of one session that remembers packets and answers with the counts it was given."""

    epoch = 5
    term = 1
    deadline_s = float("inf")

    def __init__(self, *counts: tuple[int, ...]) -> None:
        self.packets: list[list[str]] = []
        self._counts = list(counts)

    async def acquire(self, timeout_s: float) -> "Recorder":
        return self

    def release(self, session: object) -> None:
        assert session is self

    async def run(self, packet: str, statements: int) -> tuple[int, ...]:
        self.packets.append(packet.split(";"))
        assert len(self.packets[-1]) == statements
        counts = self._counts.pop(0)
        assert len(counts) == statements
        return counts


def _row(
    number: int, kind: Kind, *, limit_id: int | None = None, customer_id: int | None = None
) -> sql.JournalRow:
    return sql.JournalRow(
        entity_code="QH01",
        idempotency_key=f"{number:032x}",
        request_hash="f" * 32,
        kind=kind,
        limit_id=limit_id,
        customer_id=customer_id,
        entry=None,
        answer=b"{}",
    )


def test_movements_come_first_and_each_write_learns_of_its_own_row() -> None:
    # 1 UPDATE + 1 INSERT for all movements, 2 for the assessment (which does not apply), 3 for the grant
    # (which does), COMMIT.
    pool: Any = Recorder((3, 3, 0, 0, 1, 1, 1, 0))

    async def story() -> list[GroupOutcome]:
        give_up_s = virtual_time.now_s() + 10
        group = GroupCommit(pool, metrics(), lambda: None, queue_limit=100, clock_s=virtual_time.now_s)

        def move(number: int) -> Any:
            limit_id = 100 - number
            row = _row(number, Kind.DRAWDOWN, limit_id=limit_id)
            move = sql.Move(entity_code="QH01", limit_id=limit_id, drawn_fen=1)
            return group.attempt(row, move, tuple, give_up_s)

        grant = group.attempt(
            _row(8, Kind.GRANT, customer_id=9), None, lambda: ("GRANT A", "GRANT B"), give_up_s
        )
        assess = group.attempt(_row(9, Kind.ASSESSMENT, customer_id=5), None, lambda: ("ASSESS",), give_up_s)
        sent = await asyncio.gather(move(0), grant, move(1), assess, move(2))
        return [each.outcome for each in sent]

    assert virtual_time.run(story()) == [
        GroupOutcome.DONE, GroupOutcome.DONE, GroupOutcome.DONE, GroupOutcome.ALONE, GroupOutcome.DONE,
    ]  # fmt: skip
    (packet,) = pool.packets
    assert [text.split()[0] for text in packet] == [
        "UPDATE", "INSERT", "ASSESS", "INSERT", "GRANT", "GRANT", "INSERT", "COMMIT",
    ]  # fmt: skip
    # Limits in ascending order, whatever order they came in.
    assert packet[0].index("WHEN 98 ") < packet[0].index("WHEN 99 ") < packet[0].index("WHEN 100 ")


class NoPool:
    """A pool without a primary, until it is given one."""

    epoch = 5
    term = 1

    def __init__(self) -> None:
        self.session: Recorder | None = None
        self.asked = 0
        self.waited_s: list[float] = []

    async def acquire(self, timeout_s: float) -> Recorder:
        self.asked += 1
        self.waited_s.append(timeout_s)
        for _ in range(5):
            await asyncio.sleep(0)
            if self.session is not None:
                return self.session
        raise NoConnectionError("no primary is known; waited")

    def release(self, session: object) -> None:
        """One session, shared."""


def _attempt(group: GroupCommit, number: int, give_up_s: float) -> "asyncio.Task[Sent]":
    row = _row(number, Kind.DRAWDOWN, limit_id=number)
    move = sql.Move(entity_code="QH01", limit_id=number, drawn_fen=1)
    return asyncio.create_task(group.attempt(row, move, tuple, give_up_s))


def test_what_waits_for_a_primary_goes_together_once_there_is_one() -> None:
    pool: Any = NoPool()
    session = Recorder((5, 5, 0))

    async def story() -> None:
        group = GroupCommit(pool, metrics(), lambda: None, queue_limit=100, clock_s=Clock(now_s=50.0))
        tasks = [_attempt(group, number, 54.5) for number in range(5)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        pool.session = session
        assert {sent.outcome for sent in await asyncio.gather(*tasks)} == {GroupOutcome.DONE}
        assert pool.asked == 1

    virtual_time.run(story())


def test_each_gives_up_at_its_own_deadline_and_the_queue_is_bounded() -> None:
    pool: Any = NoPool()
    clock = Clock(now_s=50.0)

    async def story() -> None:
        group = GroupCommit(pool, metrics(), lambda: None, queue_limit=3, clock_s=clock)
        hasty, patient = _attempt(group, 1, 51.0), _attempt(group, 2, 54.5)
        late = _attempt(group, 3, 54.55)
        await asyncio.sleep(0)
        with pytest.raises(NoConnectionError, match="3 writes wait"):
            await _attempt(group, 4, 54.5)
        clock.now_s = 51.0
        with pytest.raises(NoConnectionError, match="no primary"):
            await hasty
        assert not patient.done()
        clock.now_s = 54.48
        pool.session = Recorder()
        for task in (patient, late):
            with pytest.raises(NoConnectionError, match="too late"):
                await task
        assert pool.waited_s[0] == 1.0

    virtual_time.run(story())


def test_a_pool_that_is_out_of_patience_is_out_of_it_for_all_who_waited() -> None:
    pool: Any = NoPool()

    async def story() -> None:
        group = GroupCommit(pool, metrics(), lambda: None, queue_limit=9, clock_s=Clock(now_s=50.0))
        for task in [_attempt(group, number, 54.5) for number in range(3)]:
            with pytest.raises(NoConnectionError, match="no primary"):
                await task

    virtual_time.run(story())


def _waiting(number: int, limit_id: int) -> Waiting:
    return Waiting(
        row=_row(number, Kind.DRAWDOWN, limit_id=limit_id),
        move=sql.Move(entity_code="QH01", limit_id=limit_id, drawn_fen=1),
        change=(),
        outcome=asyncio.get_running_loop().create_future(),
        queued_s=0.0,
        give_up_s=10.0,
    )


def test_movements_on_a_limit_that_is_on_its_way_stay_and_go_together_afterwards() -> None:
    async def story() -> None:
        queue = GroupQueue(limit=100, clock_s=Clock())
        for number in range(MAX_MOVES + 3):
            queue.add(_waiting(number, 7 if number % 2 else 100 + number))
        assert queue.is_full(frozenset())
        assert not queue.is_full({7})
        first = queue.take({7})
        assert 7 not in {waiting.row.limit_id for waiting in first}
        assert len(first) == MAX_MOVES // 2 + 2
        rest = queue.take()
        assert [waiting.row.limit_id for waiting in rest] == [7] * (MAX_MOVES // 2 + 1)
        keys = [waiting.row.idempotency_key for waiting in rest]
        assert keys == sorted(keys), "in the order in which they came"

    virtual_time.run(story())


class Slow(Recorder):
    """A session whose packets take a while; it notes how many are under way on one limit."""

    def __init__(self) -> None:
        super().__init__()
        self.under_way: set[str] = set()
        self.crossed = 0

    async def read(self, queries: tuple[str, ...]) -> list[Any]:
        (limits,) = re.findall(r"limit_id IN \(([\d,]+)\)", queries[1])
        rows = [("QH01", int(n), 1, "P", 100, 0, "active", None) for n in limits.split(",")]
        return [[(self.epoch,)], rows]

    async def run(self, packet: str, statements: int) -> tuple[int, ...]:
        limits = set(re.findall(r"'loan:(\d+)'|limit_id IN \((\d+)\)", packet))
        mine = {one for pair in limits for one in pair if one}
        self.crossed += len(mine & self.under_way)
        self.under_way |= mine
        await asyncio.sleep(0.05)
        self.under_way -= mine
        self.packets.append(packet.split(";"))
        rows = packet.count("'drawdown'")
        return (1, rows, 0)


def test_no_two_groups_are_under_way_on_one_limit() -> None:
    pool: Any = Slow()

    async def story() -> None:
        group = GroupCommit(pool, metrics(), lambda: None, queue_limit=1000, clock_s=virtual_time.now_s)

        async def draw(number: int) -> Sent:
            await asyncio.sleep(number * 0.002)
            row = _row(number, Kind.DRAWDOWN, limit_id=7)
            move = sql.Move(entity_code="QH01", limit_id=7, drawn_fen=1)
            return await group.attempt(row, move, tuple, virtual_time.now_s() + 10)

        sent = await asyncio.gather(*(draw(number) for number in range(80)))
        assert {each.outcome for each in sent} == {GroupOutcome.DONE}

    virtual_time.run(story())
    assert pool.crossed == 0
    assert len(pool.packets) < 20
