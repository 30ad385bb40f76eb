"""A change of the primary while requests come in: none of them fails, and each write happens once."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from app_stub.application import Application
from app_stub.database import Rows
from app_stub.group_commit import GroupCommit
from app_stub.idempotent_write import Writer
from app_stub.outcome import DatabaseFailure, FailureKind
from app_stub.pool import Pool
from app_stub.reads import Reader
from app_stub.services import Services
from app_stub.settings import Database, Endpoint
from tests import virtual_time
from tests.unit.app_stub.fakes import ENTITY, FakeDatabase, FakeLimit, FakeSession, metrics

A = Endpoint(host="198.18.1.13", port=2881)
B = Endpoint(host="198.18.2.23", port=2881)
SETTINGS = Database(endpoints=(A, B), user="u", password="p", pool_size=4)
LIMITS = range(1_000_000_001, 1_000_000_041)
REQUESTS = 240
EVERY_S = 0.002


class SlowSession(FakeSession):
    """A session that takes its time, during which it may be cut."""

    def __init__(self, database: FakeDatabase, site: "Site", endpoint: Endpoint) -> None:
        super().__init__(database)
        self._site = site
        self._endpoint = endpoint

    async def run(self, packet: str, statements: int) -> tuple[int, ...]:
        if not self.usable:
            raise DatabaseFailure(FailureKind.NOT_SENT, code=0, detail="closed before")
        await asyncio.sleep(0.003)
        self._check(FailureKind.UNCERTAIN)
        counts = self._database.run(packet)
        await asyncio.sleep(0.003)
        # Committed, and the answer lost.
        self._check(FailureKind.UNCERTAIN)
        return counts

    async def read(self, queries: Any) -> list[Rows]:
        if not self.usable:
            raise DatabaseFailure(FailureKind.NOT_SENT, code=0, detail="closed before")
        await asyncio.sleep(0.003)
        self._check(FailureKind.NOT_SENT)
        return await super().read(queries)

    def _check(self, kind: FailureKind) -> None:
        if not self.usable or self._endpoint in self._site.dead:
            self.close()
            raise DatabaseFailure(kind, code=2013, detail="cut")


class Site:
    """Two databases with the same rows (the standby follows at once), and a service in front of them."""

    def __init__(self) -> None:
        limits = {limit_id: FakeLimit(entity=ENTITY, cap_fen=10**9, used_fen=5000) for limit_id in LIMITS}
        self.old = FakeDatabase(limits=limits, epoch=5)
        self.new = FakeDatabase(limits=limits, epoch=5, journal=self.old.journal, takes_writes=False)
        self.dead: set[Endpoint] = set()
        counted = metrics()
        self.pool = Pool(SETTINGS, self._connect, counted, clock_s=virtual_time.now_s)
        group = GroupCommit(self.pool, counted, lambda: None, queue_limit=1000, clock_s=virtual_time.now_s)
        services = Services(
            pool=self.pool,
            writer=Writer(self.pool, counted, lambda: None, group, clock_s=virtual_time.now_s),
            reader=Reader(self.pool, lambda: None, virtual_time.now_s),
            metrics=counted,
        )
        self._application = Application(services, counted, virtual_time.now_s, lambda: False, deadline_s=4.5)

    async def _connect(self, endpoint: Endpoint) -> SlowSession:
        await asyncio.sleep(0.002)
        if endpoint in self.dead:
            raise ConnectionRefusedError("made by the test")
        return SlowSession(self.old if endpoint == A else self.new, self, endpoint)

    async def request(self, number: int) -> int:
        """Send the request of this number; return its status."""
        limit_id = LIMITS[number % len(LIMITS)]
        headers = {b"x-legal-entity": ENTITY.encode(), b"idempotency-key": b"%032x" % number}
        method, target, body = (
            ("GET", f"/v1/limits/{limit_id}", b""),
            ("POST", f"/v1/limits/{limit_id}/unfreeze", b'{"reason":"test"}'),
            ("POST", f"/v1/limits/{limit_id}/repayments", b'{"amount_fen":1}'),
            ("POST", f"/v1/limits/{limit_id}/drawdowns", b'{"amount_fen":1}'),
        )[number % 4]
        return (await self._application.handle(method, target, headers, body)).status


async def _planned(site: Site) -> None:
    """As the agents tell it: hand-over, drained, the other one promoted."""
    site.pool.follow(A, 5, is_held=True)
    await asyncio.sleep(0.05)
    site.old.takes_writes = False
    site.pool.follow(None, 5)
    await asyncio.sleep(0.1)
    site.new.takes_writes, site.new.epoch = True, 6
    site.pool.follow(B, 6)


async def _planned_and_news_come_late(site: Site) -> None:
    """The old primary refuses before the services learn why, and the new one is found before its epoch."""
    site.old.takes_writes = False
    await asyncio.sleep(0.15)
    site.pool.follow(B, 5)
    site.new.takes_writes = True
    await asyncio.sleep(0.02)
    site.new.epoch = 6
    await asyncio.sleep(0.05)
    site.pool.follow(B, 6)


async def _crash(site: Site) -> None:
    site.dead.add(A)
    await asyncio.sleep(0.1)
    site.pool.follow(None, 5)
    await asyncio.sleep(0.1)
    site.new.takes_writes, site.new.epoch = True, 6
    site.pool.follow(B, 6)


async def _old_primary_thaws(site: Site) -> None:
    """The services know of the new epoch, and somebody points them at the old primary all the same."""
    site.new.takes_writes, site.new.epoch = True, 6
    site.pool.follow(A, 6)
    await asyncio.sleep(0.1)
    site.pool.follow(B, 6)


@pytest.mark.parametrize("change", [_planned, _planned_and_news_come_late, _crash, _old_primary_thaws])
def test_no_request_fails_while_the_primary_changes(change: Callable[[Site], Awaitable[None]]) -> None:
    async def play() -> None:
        site = Site()
        site.pool.start()
        site.pool.follow(A, 5)
        tasks = []
        for number in range(REQUESTS):
            tasks.append(asyncio.create_task(site.request(number)))
            if number == REQUESTS // 4:
                tasks.append(asyncio.create_task(_done(change(site))))
            await asyncio.sleep(EVERY_S)
        statuses = await asyncio.gather(*tasks)
        await site.pool.close()
        assert set(statuses) == {200, 201}, [status for status in statuses if status > 201]
        writes = REQUESTS * 3 // 4
        assert len(site.new.journal) == writes
        used_fen = sum(limit.used_fen for limit in site.new.limits.values())
        assert used_fen == 5000 * len(LIMITS), "as much was repaid as drawn"

    virtual_time.run(play())


async def _done(change: Awaitable[None]) -> int:
    await change
    return 200
