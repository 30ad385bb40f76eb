"""This host's database as the agent sees it, from answers that come late, never, or from another process."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from failover.core.observed import Process, Role
from failover.host.database import DatabaseWatch
from failover.host.processes import Running
from failover.host.session import Answer, SessionError
from tests.unit.failover import virtual


class Fake:
    """Process, port and connection of one database, and the clock."""

    def __init__(self) -> None:
        self.now_ms = 100_000
        self.running = Running(pids=(7,), started_at_ms=99_000)
        self.answer: Answer | None = Answer(role=Role.STANDBY, scn=5, drained=False, source="198.18.1.13")
        self.epoch: int | None = 4
        self.connections = 0
        self.epochs_asked = self.roles_asked = self.positions_asked = 0
        self.dumps_asked = 0
        self.dumps: int | None = 3
        self.followed: list[tuple[int, int] | None] = []
        self.is_calm = False
        self.before_answer: Callable[[], None] = lambda: None
        self.survives_kills = 0
        self.port_closes_late = 0

    # processes

    def look(self) -> Running:
        return self.running

    def kill(self) -> tuple[int, ...]:
        pids = self.running.pids
        if self.survives_kills:
            self.survives_kills -= 1
        else:
            self.running = Running()
        return pids

    def is_open(self) -> bool:
        self.port_closes_late -= 1
        return self.port_closes_late >= 0

    # its end

    def follow(self, identity: tuple[int, int] | None) -> None:
        if identity not in self.followed[-1:]:
            self.followed.append(identity)

    def close(self) -> None:
        self.follow(None)

    # connection

    async def look_at(self) -> Answer:
        self.before_answer()
        if self.answer is None:
            raise SessionError("no answer")
        return self.answer


class FakeConnection:
    def __init__(self, fake: Fake) -> None:
        self._fake = fake

    async def look(self, *, timeout_s: float) -> Answer:
        assert timeout_s == 2.0
        self._fake.roles_asked += 1
        return await self._fake.look_at()

    async def position(self, *, timeout_s: float) -> int:
        assert timeout_s == 2.0
        self._fake.positions_asked += 1
        return (await self._fake.look_at()).scn

    async def epoch(self, *, timeout_s: float) -> int:
        self._fake.epochs_asked += 1
        if self._fake.epoch is None:
            raise SessionError("4012")
        return self._fake.epoch

    async def dumps(self, *, timeout_s: float) -> int:
        self._fake.dumps_asked += 1
        if self._fake.dumps is None:
            raise SessionError("no answer")
        return self._fake.dumps

    async def set_epoch(self, epoch: int, *, timeout_s: float) -> None:
        self._fake.epoch = epoch

    def close(self) -> None:
        pass


def watch_of(fake: Fake) -> DatabaseWatch:
    async def connect() -> FakeConnection:
        if fake.answer is None:
            raise SessionError("refused")
        fake.connections += 1
        return FakeConnection(fake)

    return DatabaseWatch(
        processes=fake,
        connect=connect,
        is_open=fake.is_open,
        interval_ms=200,
        silent_ms=2000,
        is_calm=lambda: fake.is_calm,
        exit_watch=fake,
        now_ms=lambda: fake.now_ms,
    )


@pytest.fixture
def fake() -> Fake:
    return Fake()


def run(work: Callable[[], Awaitable[None]]) -> None:
    async def whole() -> None:
        await work()

    virtual.run(whole())


def test_a_database_is_down_without_a_process_and_its_position_is_kept(fake: Fake) -> None:
    async def work() -> None:
        watch = watch_of(fake)
        await watch.ask()
        fake.running = Running()
        seen = watch.observe()
        assert (seen.process, seen.role, seen.scn, seen.follows) == (Process.DOWN, None, 5, None)

    run(work)


def test_it_is_starting_until_it_answers_and_silent_since_its_start(fake: Fake) -> None:
    async def work() -> None:
        fake.answer = None
        watch = watch_of(fake)
        await watch.ask()
        seen = watch.observe()
        assert (seen.process, seen.role, seen.silent_ms) == (Process.STARTING, None, 1000)
        assert watch.failures == 1

    run(work)


def test_what_it_answers_is_seen_and_ages(fake: Fake) -> None:
    async def work() -> None:
        watch = watch_of(fake)
        await watch.ask()
        fake.now_ms += 300
        seen = watch.observe()
        assert (seen.process, seen.role, seen.scn) == (Process.RUNNING, Role.STANDBY, 5)
        assert (seen.silent_ms, seen.follows, watch.epoch) == (300, "198.18.1.13", 4)

    run(work)


def test_a_stopped_process_hangs_however_fresh_its_answer_is(fake: Fake) -> None:
    async def work() -> None:
        watch = watch_of(fake)
        await watch.ask()
        fake.running = Running(pids=(7,), started_at_ms=99_000, stopped=True)
        assert watch.observe().process is Process.HUNG

    run(work)


def test_an_answer_of_the_process_before_says_nothing_about_this_one(fake: Fake) -> None:
    async def work() -> None:
        watch = watch_of(fake)
        await watch.ask()
        fake.running = Running(pids=(7,), started_at_ms=99_900)
        seen = watch.observe()
        assert (seen.process, seen.role, seen.silent_ms) == (Process.STARTING, None, 100)

    run(work)


def test_an_answer_that_outlived_its_process_is_not_taken(fake: Fake) -> None:
    async def work() -> None:
        watch = watch_of(fake)

        def replaced() -> None:
            fake.running = Running(pids=(8,), started_at_ms=100_000)

        fake.before_answer = replaced
        await watch.ask()
        assert watch.observe().process is Process.STARTING

    run(work)


def test_the_connection_is_kept_and_opened_anew_after_a_failure(fake: Fake) -> None:
    async def work() -> None:
        watch = watch_of(fake)
        for _ in range(3):
            await watch.ask()
        assert fake.connections == 1
        answer, fake.answer = fake.answer, None
        await watch.ask()
        fake.answer = answer
        await watch.ask()
        assert (fake.connections, watch.failures) == (2, 1)
        assert watch.observe().process is Process.RUNNING

    run(work)


def test_the_epoch_is_asked_for_now_and_then_and_its_failure_is_no_silence(fake: Fake) -> None:
    async def work() -> None:
        watch = watch_of(fake)
        fake.epoch = None
        for _ in range(5):
            await watch.ask()
            fake.now_ms += 200
        assert (fake.epochs_asked, watch.epoch) == (1, None)
        assert watch.observe().silent_ms == 200
        fake.epoch = 9
        fake.now_ms += 5000
        await watch.ask()
        assert watch.epoch == 9

    run(work)


def test_a_drained_database_is_believed_until_something_may_make_it_writable(fake: Fake) -> None:
    async def work() -> None:
        fake.answer = Answer(role=Role.PRIMARY, scn=5, drained=True, source=None)
        watch = watch_of(fake)
        await watch.ask()
        assert watch.observe().drained
        watch.distrust()
        await watch.ask()
        assert not watch.observe().drained
        watch.trust()
        assert watch.observe().drained
        watch.distrust()
        fake.running = Running(pids=(9,), started_at_ms=100_000)
        await watch.ask()
        assert watch.observe().drained

    run(work)


def test_while_all_is_well_the_role_is_asked_for_once_a_second_and_the_position_each_time(fake: Fake) -> None:
    async def work() -> None:
        fake.is_calm = True
        watch = watch_of(fake)
        running = asyncio.create_task(watch.run())
        for scn in range(10, 22):
            fake.answer = Answer(role=Role.STANDBY, scn=scn, drained=False, source="198.18.1.13")
            await asyncio.sleep(0.2)
            fake.now_ms += 200
            seen = watch.observe()
            assert (seen.scn, seen.role, seen.follows) == (scn, Role.STANDBY, "198.18.1.13")
            assert seen.silent_ms <= 200
        running.cancel()
        assert (fake.roles_asked, fake.positions_asked) == (3, 9)

    run(work)


def test_a_role_that_changed_is_seen_at_once_by_who_asks_for_it_or_is_not_calm(fake: Fake) -> None:
    async def work() -> None:
        fake.is_calm = True
        watch = watch_of(fake)
        await watch.ask()
        fake.answer = Answer(role=Role.PRIMARY, scn=6, drained=False, source=None)
        await watch.ask()
        assert watch.observe().role is Role.PRIMARY
        fake.answer, fake.is_calm = Answer(role=Role.STANDBY, scn=7, drained=False, source="a"), False
        running = asyncio.create_task(watch.run())
        await asyncio.sleep(0.01)
        running.cancel()
        assert watch.observe().role is Role.STANDBY

    run(work)


def test_another_process_is_asked_for_its_role_however_calm_all_is(fake: Fake) -> None:
    async def work() -> None:
        fake.is_calm = True
        watch = watch_of(fake)
        running = asyncio.create_task(watch.run())
        await asyncio.sleep(0.01)
        fake.running = Running(pids=(8,), started_at_ms=100_000)
        fake.answer = Answer(role=Role.PRIMARY, scn=6, drained=False, source=None)
        await asyncio.sleep(0.2)
        assert watch.observe().role is Role.PRIMARY
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert fake.followed == [(7, 99_000), (8, 100_000), None]

    run(work)


def test_dumps_are_counted_once_a_minute_and_of_the_running_database_only(fake: Fake) -> None:
    async def work() -> None:
        watch = watch_of(fake)
        assert watch.observe().dumps is None
        for _ in range(3):
            await watch.ask()
        assert (watch.observe().dumps, fake.dumps_asked) == (3, 1)
        fake.now_ms += 60_000
        await watch.ask()
        assert fake.dumps_asked == 2
        fake.now_ms += 60_000
        fake.dumps = None
        await watch.ask()
        seen = watch.observe()
        assert (seen.dumps, seen.silent_ms, watch.failures) == (None, 0, 0)
        fake.dumps, fake.now_ms = 3, fake.now_ms + 60_000
        await watch.ask()
        assert watch.observe().dumps == 3
        fake.running = Running()
        await watch.ask()
        assert watch.observe().dumps is None

    run(work)


def test_it_is_killed_until_no_process_is_left_and_its_port_is_closed(fake: Fake) -> None:
    async def work() -> None:
        watch = watch_of(fake)
        await watch.ask()
        fake.survives_kills, fake.port_closes_late = 2, 2
        await watch.kill()
        assert fake.running.identity is None
        assert fake.port_closes_late < 0
        assert (watch.observe().process, watch.epoch) == (Process.DOWN, None)

    run(work)


def test_an_epoch_that_was_set_is_known_at_once(fake: Fake) -> None:
    async def work() -> None:
        watch = watch_of(fake)
        await watch.set_epoch(12)
        assert (watch.epoch, fake.epoch) == (12, 12)

    run(work)
