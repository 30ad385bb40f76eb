"""Fencing oneself: the lease goes first, the signal is sent before anything is waited for."""

import asyncio

from failover.agent.memory import HeldLease, Memory
from failover.agent.self_fence import SelfFence
from failover.etcd.history import Event
from failover.etcd.history_writer import HistoryWriter
from tests.unit.failover import virtual


class FakeDatabase:
    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self.is_down = asyncio.Event()
        self.kills: list[bool] = []

    def kill_now(self) -> None:
        self.kills.append(self._memory.lease is None)

    async def kill(self) -> None:
        await self.is_down.wait()


class NoHistory:
    async def append(self, epoch: int, event: Event) -> None:
        raise AssertionError("nothing waits for etcd")

    async def read(self) -> dict[int, list[dict[str, object]]]:
        raise AssertionError


class Stage:
    def __init__(self, lease: HeldLease | None) -> None:
        self.memory = Memory(lease=lease)
        self.database = FakeDatabase(self.memory)
        self.dropped: list[int] = []
        self.woken = 0
        self.on_result: list[str] = []
        self.history_writer = HistoryWriter(NoHistory(), "ob-a")
        self.fence = SelfFence(
            self.memory,
            self.database,
            self.history_writer,
            cancel_work=lambda: self.dropped.append(len(self.database.kills)),
            on_result=self.on_result.append,
            wake=self._wake,
        )

    def _wake(self) -> None:
        self.woken += 1


LEASE = HeldLease(epoch=4, id="l", renewed_at_ms=0)


def test_the_lease_is_dropped_and_the_signal_sent_before_anything_else() -> None:
    async def play() -> None:
        it = Stage(LEASE)
        it.fence.begin("the lease lapsed")
        assert (it.memory.lease, it.memory.fencing, it.memory.fenced_epoch) == (None, True, 0)
        assert (it.database.kills, it.dropped) == ([True], [1])
        it.database.is_down.set()
        await it.fence.wait()

    virtual.run(play())


def test_only_what_is_certainly_down_counts_as_fenced() -> None:
    async def play() -> None:
        it = Stage(LEASE)
        it.fence.begin("why")
        await asyncio.sleep(0.02)
        assert (it.memory.fenced_epoch, it.memory.fencing, it.on_result) == (0, True, [])
        it.fence.begin("why again")
        assert len(it.database.kills) == 1
        it.database.is_down.set()
        await it.fence.wait()
        assert (it.memory.fenced_epoch, it.memory.fencing, it.on_result) == (4, False, ["done"])
        assert it.woken == 2
        assert it.fence.last_ms is not None
        assert it.fence.last_ms >= 20

    virtual.run(play())


def test_ending_a_hung_standby_confirms_no_epoch() -> None:
    async def play() -> None:
        it = Stage(None)
        it.database.is_down.set()
        it.fence.begin("it hangs")
        await it.fence.wait()
        assert it.memory.fenced_epoch == 0

    virtual.run(play())
