"""The pool: bounded, fair, and rid of every connection to a database that is no longer the primary."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from app_stub.pool import NoConnectionError, Pool
from app_stub.settings import Database, Endpoint
from tests import virtual_time
from tests.unit.app_stub.fakes import FakeDatabase, FakeSession, metrics

A = Endpoint(host="198.18.1.13", port=2881)
B = Endpoint(host="198.18.2.23", port=2881)
SETTINGS = Database(
    endpoints=(A, B),
    user="u",
    password="p",
    pool_size=2,
    wait_ms=60,
    queue_limit=3,
    statement_timeout_ms=50,
)


class Server:
    """Counts what is opened, and fails or hangs on request."""

    def __init__(self) -> None:
        self.opened: list[tuple[Endpoint, FakeSession]] = []
        self.failures = 0
        self.hanging: set[Endpoint] = set()

    async def connect(self, endpoint: Endpoint) -> FakeSession:
        await asyncio.sleep(60 if endpoint in self.hanging else 0)
        if self.failures:
            self.failures -= 1
            raise ConnectionRefusedError("made by the test")
        session = FakeSession(FakeDatabase())
        self.opened.append((endpoint, session))
        return session


def _run(story: Callable[[Pool, Server], Awaitable[None]], settings: Database = SETTINGS) -> None:
    async def play() -> None:
        server = Server()
        pool = Pool(settings, server.connect, metrics(), clock_s=virtual_time.now_s)
        pool.start()
        try:
            await story(pool, server)
        finally:
            await pool.close()

    virtual_time.run(play())


def test_connections_are_kept_and_bounded() -> None:
    async def story(pool: Pool, server: Server) -> None:
        pool.follow(A, 1)
        for _ in range(10):
            one, two = await pool.acquire(10), await pool.acquire(10)
            pool.release(one)
            pool.release(two)
        assert len(server.opened) == 2
        assert pool.usable

    _run(story)


def test_without_a_primary_a_request_waits_for_one_and_then_gives_up() -> None:
    async def story(pool: Pool, server: Server) -> None:
        with pytest.raises(NoConnectionError, match="no primary is known"):
            await pool.acquire(10)
        assert not pool.usable
        waiting = asyncio.create_task(pool.acquire(10))
        await asyncio.sleep(0.005)
        pool.follow(A, 1)
        assert await waiting is server.opened[0][1]

    _run(story)


def test_a_busy_pool_serves_in_order_and_gives_up_in_time() -> None:
    async def story(pool: Pool, server: Server) -> None:
        pool.follow(A, 1)
        held = [await pool.acquire(10) for _ in range(2)]
        served: list[int] = []

        async def user(number: int) -> None:
            session = await pool.acquire(10)
            served.append(number)
            pool.release(session)

        users = [asyncio.create_task(user(number)) for number in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(NoConnectionError, match="wait for a connection already"):
            await pool.acquire(10)
        pool.release(held.pop())
        await asyncio.gather(*users)
        assert served == [0, 1, 2]
        again = await pool.acquire(10)
        with pytest.raises(NoConnectionError, match="busy"):
            await pool.acquire(10)
        pool.release(again)

    _run(story)


def test_a_new_primary_cuts_everything_of_the_old_one() -> None:
    async def story(pool: Pool, server: Server) -> None:
        pool.follow(A, 1)
        busy, idle = await pool.acquire(10), await pool.acquire(10)
        pool.release(idle)
        pool.follow(B, 1)
        assert not busy.usable
        assert not idle.usable
        pool.release(busy)
        await asyncio.sleep(0.01)
        now = await pool.acquire(10)
        assert now is not busy
        assert {endpoint for endpoint, session in server.opened if session.usable} == {B}
        pool.release(now)

    _run(story)


def test_a_lost_primary_is_not_usable_and_comes_back() -> None:
    async def story(pool: Pool, server: Server) -> None:
        pool.follow(A, 1)
        pool.release(await pool.acquire(10))
        pool.follow(None, 1)
        assert not pool.usable
        pool.follow(A, 1)
        pool.release(await pool.acquire(10))
        assert all(not session.usable for _, session in server.opened[:2])

    _run(story)


def test_broken_connections_are_replaced_when_given_back_and_when_found() -> None:
    async def story(pool: Pool, server: Server) -> None:
        pool.follow(A, 1)
        one, two = await pool.acquire(10), await pool.acquire(10)
        one.close()
        pool.release(one)
        pool.release(two)
        two.close()
        three = await pool.acquire(10)
        assert three not in (one, two)
        assert three.usable
        pool.release(three)

    _run(story)


def test_connecting_is_repeated_until_it_works() -> None:
    async def story(pool: Pool, server: Server) -> None:
        server.failures = 3
        pool.follow(A, 1)
        pool.release(await pool.acquire(2))

    _run(story, replace(SETTINGS, wait_ms=2000))


def test_those_that_hang_at_the_old_primary_make_room_at_once() -> None:
    async def story(pool: Pool, server: Server) -> None:
        server.hanging.add(A)
        pool.follow(A, 1)
        await asyncio.sleep(0.01)
        pool.follow(B, 1)
        pool.release(await pool.acquire(10))
        assert {endpoint for endpoint, _ in server.opened} == {B}

    _run(story)


def test_an_overdue_statement_loses_its_connection() -> None:
    async def story(pool: Pool, server: Server) -> None:
        pool.follow(A, 1)
        session = await pool.acquire(10)
        await asyncio.sleep(0.3)
        assert not session.usable
        pool.release(session)

    _run(story)


def test_a_cancelled_request_leaves_the_queue() -> None:
    async def story(pool: Pool, server: Server) -> None:
        pool.follow(A, 1)
        held = [await pool.acquire(10) for _ in range(2)]
        waiting = asyncio.create_task(pool.acquire(10))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        for session in held:
            pool.release(session)
        assert await pool.acquire(0.1) in held

    _run(story)


def test_while_the_primary_hands_over_nothing_new_is_sent_and_nothing_is_cut() -> None:
    async def story(pool: Pool, server: Server) -> None:
        pool.follow(A, 1)
        busy = await pool.acquire(10)
        pool.follow(A, 1, is_held=True)
        assert busy.usable
        waiting = asyncio.create_task(pool.acquire(10))
        await asyncio.sleep(0.01)
        pool.release(busy)
        await asyncio.sleep(0.01)
        assert not waiting.done()
        with pytest.raises(NoConnectionError, match="hands over"):
            await pool.acquire(0.01)
        pool.follow(B, 2)
        session = await waiting
        assert (pool.epoch, session.usable, busy.usable) == (2, True, False)
        assert server.opened[-1][0] == B

    _run(story)


def test_a_hand_over_that_was_called_off_goes_on_with_the_same_connections() -> None:
    async def story(pool: Pool, server: Server) -> None:
        pool.follow(A, 1)
        pool.release(await pool.acquire(10))
        pool.follow(A, 1, is_held=True)
        waiting = [asyncio.create_task(pool.acquire(10)) for _ in range(2)]
        await asyncio.sleep(0.01)
        term = pool.term
        pool.follow(A, 1)
        await asyncio.gather(*waiting)
        assert (pool.term, len(server.opened)) == (term, 2)

    _run(story)


def test_after_a_refusal_the_pool_rests_and_news_end_the_rest() -> None:
    async def story(pool: Pool, server: Server) -> None:
        pool.follow(A, 1)
        pool.release(await pool.acquire(10))
        pool.back_off()
        with pytest.raises(NoConnectionError):
            await pool.acquire(0.01)
        pool.follow(A, 2)
        pool.release(await pool.acquire(0.01))
        assert len(server.opened) == 2, "a new epoch of the same primary cuts nothing"
        pool.back_off()
        pool.release(await pool.acquire(10))

    _run(story, replace(SETTINGS, wait_ms=2000))
