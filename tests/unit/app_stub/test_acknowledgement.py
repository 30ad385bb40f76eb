"""An answer is held back until the standby has the write, whoever gives it; one look serves all who wait."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from app_stub import idempotency, log_position, sql
from app_stub.acknowledgement import Acknowledgement
from app_stub.database import Rows
from app_stub.durability import Verdict
from app_stub.idempotent_write import Writer
from app_stub.journey import money_moves
from app_stub.outcome import DatabaseFailure, FailureKind
from app_stub.problems import ProblemError
from app_stub.reads import Reader
from app_stub.services import Request, Services
from app_stub.settings import Database, DurabilityKind, DurabilityRule, Endpoint
from tests import virtual_time
from tests.unit.app_stub.fakes import ENTITY, FakeDatabase, FakeLimit, FakePool, metrics

A = Endpoint(host="198.18.1.13", port=2881)
B = Endpoint(host="198.18.2.23", port=2881)
SETTINGS = Database(endpoints=(A, B), user="u", password="p")
RULE = DurabilityRule(kind=DurabilityKind.CROSS_CENTRE, timeout_ms=300)
LIMIT = 1_000_000_001
KEY = f"{1:032x}"


@dataclass
class World:
    """Two logs, a service's pool, and who asked for what."""

    positions: dict[Endpoint, int | None] = field(default_factory=lambda: {A: 50, B: 10})
    roles: dict[Endpoint, str] = field(default_factory=lambda: {A: "PRIMARY", B: "STANDBY"})
    asked: list[Endpoint] = field(default_factory=list)
    database: FakeDatabase = field(
        default_factory=lambda: FakeDatabase(limits={LIMIT: FakeLimit(entity=ENTITY, cap_fen=1000)}, epoch=5)
    )

    def __post_init__(self) -> None:
        self.pool: Any = FakePool(self.database)
        self.pool.primary = A
        self.metrics = metrics()

    async def connect(self, settings: Database, endpoint: Endpoint, *, autocommit: bool) -> "Talker":
        assert autocommit
        if self.positions[endpoint] is None:
            raise ConnectionRefusedError("made by the test")
        return Talker(self, endpoint)

    def replicate(self) -> None:
        self.positions[B] = self.positions[A]

    def promote_b(self) -> None:
        """B leads; A is rebuilt as its standby."""
        self.roles = {A: "STANDBY", B: "PRIMARY"}
        self.positions = {A: 0, B: 900}
        self.pool.primary, self.database.epoch = B, 6
        self.pool.term += 1


@dataclass
class Talker:
    world: World
    endpoint: Endpoint

    async def read(self, queries: tuple[str, ...]) -> list[Rows]:
        await asyncio.sleep(0.001)
        position = self.world.positions[self.endpoint]
        if position is None:
            raise DatabaseFailure(FailureKind.NOT_SENT, code=2013, detail="made by the test")
        if queries == (sql.SELECT_EPOCH,):
            return [[(self.world.database.epoch,)]]
        if "END_SCN" in queries[0]:
            self.world.asked.append(self.endpoint)
            return [[(position,)]]
        return [[(self.world.roles[self.endpoint], "INVALID")]]

    def close(self) -> None:
        """Nothing to close."""


def _play(
    monkeypatch: pytest.MonkeyPatch,
    story: Callable[[World, Acknowledgement], Awaitable[None]],
    rule: DurabilityRule = RULE,
) -> None:
    world = World()
    monkeypatch.setattr(log_position, "connect", world.connect)

    async def play() -> None:
        acknowledgement = Acknowledgement(SETTINGS, rule, world.pool, world.metrics, virtual_time.now_s)
        acknowledgement.move()
        acknowledgement.start()
        try:
            async with asyncio.timeout(20):
                await story(world, acknowledgement)
        finally:
            await acknowledgement.stop()

    virtual_time.run(play())


def _of(world: World, acknowledgement: Acknowledgement) -> "asyncio.Task[Verdict]":
    loop = asyncio.get_running_loop()
    return loop.create_task(acknowledgement.of(world.pool.term, loop.time() + 60))


def test_all_who_wait_are_served_by_one_look_and_nobody_looks_when_none_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def story(world: World, acknowledgement: Acknowledgement) -> None:
        await asyncio.sleep(0.05)
        assert world.asked == []
        waiting = [_of(world, acknowledgement) for _ in range(50)]
        await asyncio.sleep(0.1)
        assert not any(task.done() for task in waiting)
        before = len(world.asked)
        world.replicate()
        assert set(await asyncio.gather(*waiting)) == {Verdict.CONFIRMED}
        assert len(world.asked) - before <= 4
        await asyncio.sleep(0.15)
        idle = len(world.asked)
        await asyncio.sleep(0.1)
        assert len(world.asked) == idle

    _play(monkeypatch, story, replace(RULE, timeout_ms=10_000))


def test_a_primary_that_is_none_confirms_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(world: World, acknowledgement: Acknowledgement) -> None:
        world.roles[A] = "STANDBY"
        world.replicate()
        assert await _of(world, acknowledgement) is Verdict.LATE
        assert A not in world.asked

    _play(monkeypatch, story)


def test_who_waits_for_a_standby_that_is_gone_is_told_when_its_primary_is_enough(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def story(world: World, acknowledgement: Acknowledgement) -> None:
        world.positions[B] = None
        assert await _of(world, acknowledgement) is Verdict.LATE
        waiting = _of(world, acknowledgement)
        await asyncio.sleep(0.05)
        acknowledgement.allow(virtual_time.now_s() + 60)
        assert await waiting is Verdict.ALONE
        assert await _of(world, acknowledgement) is Verdict.ALONE
        page = world.metrics.page().decode()
        assert "loan_durability_degraded 1.0" in page
        assert "loan_acknowledged_alone_total 2.0" in page
        acknowledgement.allow(float("-inf"))
        assert "loan_durability_degraded 0.0" in world.metrics.page().decode()
        world.replicate()
        assert await _of(world, acknowledgement) is Verdict.CONFIRMED

    _play(monkeypatch, story)


def _request(give_up_s: float) -> Request:
    fields: dict[str, object] = {"amount_fen": 100}
    return Request(
        route="/v1/limits/{id}/drawdowns",
        row_id=LIMIT,
        entity_code=ENTITY,
        idempotency_key=KEY,
        request_hash=idempotency.request_hash("/v1/limits/{id}/drawdowns", LIMIT, fields),
        fields=fields,
        give_up_s=give_up_s,
    )


def _draw_down(world: World, acknowledgement: Acknowledgement, patience_s: float = 10) -> "asyncio.Task[int]":
    services = Services(
        pool=world.pool,
        writer=Writer(
            world.pool, world.metrics, lambda: None, None, acknowledgement, clock_s=virtual_time.now_s
        ),
        reader=Reader(world.pool, lambda: None, virtual_time.now_s),
        metrics=world.metrics,
    )
    loop = asyncio.get_running_loop()

    async def status() -> int:
        try:
            return (await money_moves.draw_down(services, _request(loop.time() + patience_s))).status
        except ProblemError as raised:
            return raised.problem.status

    return loop.create_task(status())


def test_a_write_and_its_replay_are_answered_once_the_standby_has_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def story(world: World, acknowledgement: Acknowledgement) -> None:
        assert await _draw_down(world, acknowledgement) == 504, "committed, and never a definite no"
        assert len(world.database.journal) == 1
        replay = _draw_down(world, acknowledgement)
        await asyncio.sleep(0.1)
        assert not replay.done()
        world.replicate()
        assert await replay == 201
        assert len(world.database.journal) == 1

    _play(monkeypatch, story, replace(RULE, timeout_ms=500))


@pytest.mark.parametrize("is_lost", [False, True])
def test_a_write_whose_primary_goes_while_it_waits_is_resolved_by_the_next_one(
    monkeypatch: pytest.MonkeyPatch, is_lost: bool
) -> None:
    async def story(world: World, acknowledgement: Acknowledgement) -> None:
        waiting = _draw_down(world, acknowledgement)
        await asyncio.sleep(0.05)
        assert len(world.database.journal) == 1
        if is_lost:
            world.database.journal.clear()
            world.database.limits[LIMIT].used_fen = 0
        world.promote_b()
        acknowledgement.move()
        await asyncio.sleep(0.05)
        assert not waiting.done(), "the new standby has to have it, too"
        assert len(world.database.journal) == 1
        world.positions[A] = world.positions[B]
        assert await waiting == 201
        assert world.database.limits[LIMIT].used_fen == 100

    _play(monkeypatch, story, replace(RULE, timeout_ms=10_000))


def test_no_write_is_held_beyond_the_deadline_of_its_request(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(world: World, acknowledgement: Acknowledgement) -> None:
        assert await _draw_down(world, acknowledgement, patience_s=0.1) == 504

    _play(monkeypatch, story, replace(RULE, timeout_ms=60_000))
