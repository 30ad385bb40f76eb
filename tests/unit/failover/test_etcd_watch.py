"""Looks at etcd: a lease is renewed as of when that was asked for; silence counts while it answers."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import pytest

from failover.agent.etcd_watch import EtcdWatch
from failover.agent.memory import HeldLease, Memory
from failover.agent.pace import Pace
from failover.core.observed import EtcdView, Leadership, Member, Phase, Request, RequestKind
from failover.etcd.client import EtcdSnapshot, MemberReport
from failover.etcd.http_api import EtcdError
from failover.etcd.records import LeaderRecord
from tests import virtual_time
from tests.unit.failover import virtual
from tests.unit.failover.config import settings

LOOP_MS, CALM_MS = 200, 500
LEASE = HeldLease(epoch=3, id="l", renewed_at_ms=900)


def leader(
    *, host: str = "ob-a", epoch: int = 3, revision: int = 10, automatic_s: float | None = None
) -> LeaderRecord:
    leadership = Leadership(
        host=host, epoch=epoch, phase=Phase.SERVING, revision=revision, timeline=1, primary=host
    )
    return LeaderRecord(leadership=leadership, acquisition_id="c", last_automatic_s=automatic_s)


def put(host: str, revision: int) -> MemberReport:
    return MemberReport(member=Member(host=host, scn=revision), revision=revision, report={})


class Fake:
    """An etcd that answers what it is told to, and takes its time."""

    def __init__(self) -> None:
        self.now_ms, self.wall_s = 1000, 5000.0
        self.snapshot = EtcdSnapshot(revision=1, leader=leader(), lease_alive=True)
        self.kept: bool | Exception = True
        self.fails: Exception | None = None
        self.takes_ms = 0
        self.puts: list[str] = []
        self.looks = self.listened = 0
        self.memory = Memory(lease=LEASE)
        self.pace = Pace(busy_ms=LOOP_MS, calm_ms=CALM_MS)
        self.changed: asyncio.Queue[EtcdError | None] = asyncio.Queue()
        self.while_asked: Callable[[], None] = lambda: None
        self.watch = EtcdWatch(
            self,
            self.memory,
            me="ob-a",
            timing=settings().timing,
            pace=self.pace,
            member_text=lambda: f"member {len(self.puts)}",
            now_ms=lambda: self.now_ms,
            wall_s=lambda: self.wall_s,
        )

    async def read(self, *, host: str = "", member: str | None = None) -> EtcdSnapshot:
        self.looks += 1
        if member is not None:
            assert host == "ob-a"
            self.puts.append(member)
        self.now_ms += self.takes_ms
        self.while_asked()
        if self.fails:
            raise self.fails
        self.snapshot = replace(self.snapshot, revision=self.snapshot.revision + 1)
        return self.snapshot

    async def changes(self) -> AsyncIterator[None]:
        self.listened += 1
        while True:
            told = await self.changed.get()
            if told is not None:
                raise told
            yield

    async def keep_alive(self, lease: str) -> bool:
        assert lease == "l"
        if isinstance(self.kept, Exception):
            raise self.kept
        return self.kept

    async def poll(self, *, put: bool = False) -> None:
        await self.watch.poll(put=put)

    def view(self) -> EtcdView:
        view = self.watch.observe()
        assert view is not None
        return view


@pytest.fixture
def fake() -> Fake:
    return Fake()


def run(work: Awaitable[None]) -> None:
    async def whole() -> None:
        await work

    virtual.run(whole())


def test_before_the_first_answer_nothing_is_known(fake: Fake) -> None:
    assert fake.watch.observe() is None


def test_a_lease_counts_from_when_its_renewal_was_sent(fake: Fake) -> None:
    fake.takes_ms = 350
    run(fake.poll())
    assert fake.memory.lease == replace(LEASE, renewed_at_ms=1000)
    assert fake.view().answered_ago_ms == 0


@pytest.mark.parametrize("found", [leader(host="ob-b"), leader(epoch=4), None])
def test_a_lease_is_not_renewed_when_the_record_names_another_lead(
    fake: Fake, found: LeaderRecord | None
) -> None:
    fake.snapshot = replace(fake.snapshot, leader=found)
    run(fake.poll())
    assert fake.memory.lease == LEASE


def test_a_lease_is_not_renewed_without_its_keepalive_nor_without_the_look(fake: Fake) -> None:
    fake.kept = EtcdError("silence")
    run(fake.poll())
    assert fake.memory.lease == LEASE
    fake.kept, fake.fails = True, EtcdError("silence")
    run(fake.poll())
    assert (fake.memory.lease, fake.watch.failures) == (LEASE, 2)


def test_a_lease_that_ended_in_etcd_is_dropped(fake: Fake) -> None:
    fake.kept = False
    run(fake.poll())
    assert fake.memory.lease is None


def test_a_lease_that_was_dropped_meanwhile_is_not_taken_up_again(fake: Fake) -> None:
    fake.while_asked = lambda: setattr(fake.memory, "lease", None)
    run(fake.poll())
    assert fake.memory.lease is None


def test_stillness_is_counted_only_while_etcd_answers(fake: Fake) -> None:
    async def play() -> None:
        fake.snapshot = replace(fake.snapshot, members=(put("ob-b", 5),), lease_alive=False)
        await fake.poll()
        for _ in range(3):
            fake.now_ms += LOOP_MS
            await fake.poll()
        assert fake.view().members[0].unchanged_ms == 3 * LOOP_MS
        assert fake.view().lease_gone_ms == 3 * LOOP_MS
        leadership = fake.view().leadership
        assert leadership is not None
        assert leadership.unchanged_ms == 3 * LOOP_MS
        # Between two answers it does not grow; a long silence counts as a calm look and a loop.
        fake.now_ms += 60_000
        assert fake.view().members[0].unchanged_ms == 3 * LOOP_MS
        assert fake.view().answered_ago_ms == 60_000
        await fake.poll()
        assert fake.view().members[0].unchanged_ms == 4 * LOOP_MS + CALM_MS

    run(play())


async def looked(fake: Fake, times: int) -> None:
    while fake.looks < times:
        await asyncio.sleep(0.001)


@pytest.mark.parametrize(("is_calm", "interval_ms"), [(False, LOOP_MS), (True, CALM_MS)])
def test_looks_are_as_far_apart_as_the_pace_says(fake: Fake, is_calm: bool, interval_ms: int) -> None:
    async def play() -> None:
        fake.pace.set(is_calm=is_calm)
        running = asyncio.create_task(fake.watch.run())
        await looked(fake, 1)
        began_s = virtual_time.now_s()
        await looked(fake, 4)
        running.cancel()
        assert virtual_time.now_s() - began_s == pytest.approx(3 * interval_ms / 1000, abs=0.02)

    run(play())


def test_a_change_that_etcd_tells_is_looked_at_at_once(fake: Fake) -> None:
    async def play() -> None:
        fake.pace.set(is_calm=True)
        tasks = [asyncio.create_task(work()) for work in (fake.watch.run, fake.watch.listen)]
        await looked(fake, 2)
        began_s = virtual_time.now_s()
        fake.changed.put_nowait(None)
        await looked(fake, 3)
        assert virtual_time.now_s() - began_s < 0.01
        for task in tasks:
            task.cancel()

    run(play())


def test_an_etcd_that_tells_no_more_is_listened_to_again_and_looked_at(
    fake: Fake,
) -> None:
    async def play() -> None:
        fake.pace.set(is_calm=True)
        tasks = [asyncio.create_task(work()) for work in (fake.watch.run, fake.watch.listen)]
        await looked(fake, 2)
        for _ in range(3):
            fake.changed.put_nowait(EtcdError("silence"))
            listened = fake.listened
            while fake.listened == listened:
                await asyncio.sleep(0.001)
            looks = fake.looks
            await looked(fake, looks + 1)
        fake.changed.put_nowait(None)
        looks = fake.looks
        await looked(fake, looks + 1)
        for task in tasks:
            assert not task.done()
            task.cancel()

    run(play())


def test_every_change_begins_the_count_anew(fake: Fake) -> None:
    async def play() -> None:
        request = Request(id="r", kind=RequestKind.REJOIN, host="ob-b")
        fake.snapshot = replace(fake.snapshot, members=(put("ob-b", 5),), request=request, request_revision=6)
        for _ in range(3):
            await fake.poll()
            fake.now_ms += LOOP_MS
        assert fake.view().request == replace(request, unchanged_ms=2 * LOOP_MS)
        fake.snapshot = replace(
            fake.snapshot, members=(put("ob-b", 7),), request_revision=8, leader=leader(revision=11)
        )
        await fake.poll()
        view = fake.view()
        assert view.request is not None
        assert view.leadership is not None
        assert (view.members[0].unchanged_ms, view.request.unchanged_ms) == (0, 0)
        assert view.leadership.unchanged_ms == 0

    run(play())


def test_an_answer_that_was_overtaken_is_not_taken(fake: Fake) -> None:
    async def play() -> None:
        await fake.poll()
        newest = fake.snapshot.revision
        fake.snapshot = EtcdSnapshot(revision=newest - 5, leader=leader(host="ob-x"))
        await fake.poll()
        record = fake.watch.record
        assert record is not None
        assert record.leadership.host == "ob-a"

    run(play())


def test_the_last_automatic_failover_ages_by_the_own_clock(fake: Fake) -> None:
    async def play() -> None:
        fake.snapshot = replace(fake.snapshot, leader=leader(automatic_s=4997.0))
        await fake.poll()
        assert fake.view().last_automatic_ago_ms == 3000
        # Neither a jump of the clock that people read, nor another host's being ahead, undoes that.
        fake.wall_s, fake.now_ms = 1.0, fake.now_ms + 500
        assert fake.view().last_automatic_ago_ms == 3500
        fake.snapshot = replace(fake.snapshot, leader=leader(automatic_s=9000.0))
        await fake.poll()
        assert fake.view().last_automatic_ago_ms == 0

    run(play())


def test_the_member_that_could_not_be_put_is_put_next_time(fake: Fake) -> None:
    async def play() -> None:
        running = asyncio.create_task(fake.watch.run())
        fake.fails = EtcdError("silence")
        while fake.looks < 1:
            await asyncio.sleep(0)
        fake.fails = None
        fake.watch.recheck_now()
        await asyncio.wait_for(fake.watch.first_read(), 5)
        running.cancel()
        assert fake.puts == ["member 0", "member 1"]

    run(play())


def test_a_mistake_in_looking_is_silence_and_ends_nothing(
    fake: Fake, caplog: pytest.LogCaptureFixture
) -> None:
    fake.fails = KeyError("responses")
    run(fake.poll())
    assert fake.watch.observe() is None
    assert fake.memory.lease == LEASE
    assert "the read of etcd failed" in caplog.text
