"""The watcher turns answers and silence into a primary, quickly, and only after both had their say."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest

from app_stub import primary_watch
from app_stub.database import Rows
from app_stub.outcome import DatabaseFailure, Meaning
from app_stub.primary_watch import PrimaryWatch
from app_stub.settings import Database, Endpoint
from tests.unit.app_stub.fakes import metrics

A = Endpoint(host="198.18.1.13", port=2881)
B = Endpoint(host="198.18.2.23", port=2881)
SETTINGS = Database(endpoints=(A, B), user="u", password="p", watch_interval_ms=5, silence_ms=100)


@dataclass
class World:
    """What each endpoint says: a role, `down` (refuses), or `hangs`."""

    says: dict[Endpoint, str]
    followed: list[Endpoint | None] = field(default_factory=list)

    async def connect(self, settings: Database, endpoint: Endpoint, *, autocommit: bool) -> "Talker":
        assert autocommit
        if self.says[endpoint] == "down":
            raise ConnectionRefusedError("made by the test")
        if self.says[endpoint] == "hangs":
            await asyncio.sleep(0.03)
            raise TimeoutError("made by the test")
        return Talker(self, endpoint)

    async def until(self, *followed: Endpoint | None) -> None:
        async with asyncio.timeout(3):
            while self.followed != list(followed):
                await asyncio.sleep(0.002)


@dataclass
class Talker:
    world: World
    endpoint: Endpoint

    async def read(self, queries: tuple[str, ...]) -> list[Rows]:
        said = self.world.says[self.endpoint]
        if said == "down":
            raise DatabaseFailure(Meaning.NOT_SENT, code=2013, detail="made by the test")
        if said == "hangs":
            await asyncio.sleep(60)
        return [[(said,)]]

    def close(self) -> None:
        """Nothing to close."""


def _play(
    monkeypatch: pytest.MonkeyPatch, world: World, story: Callable[[PrimaryWatch], Awaitable[None]]
) -> None:
    monkeypatch.setattr(primary_watch, "connect", world.connect)

    async def play() -> None:
        watch = PrimaryWatch(SETTINGS, world.followed.append, metrics())
        watch.start()
        await story(watch)
        await watch.stop()

    asyncio.run(play())


def test_a_crashed_primary_is_left_at_once_and_its_successor_followed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World({A: "PRIMARY", B: "STANDBY"})

    async def story(_: PrimaryWatch) -> None:
        await world.until(A)
        world.says[A] = "down"
        await world.until(A, None)
        world.says[B] = "PRIMARY"
        await world.until(A, None, B)
        world.says[A] = "PRIMARY"
        await asyncio.sleep(0.05)
        await world.until(A, None, B)

    _play(monkeypatch, world, story)


def test_a_short_stall_is_forgiven_and_a_long_silence_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World({A: "PRIMARY", B: "STANDBY"})

    async def story(_: PrimaryWatch) -> None:
        await world.until(A)
        world.says[A] = "hangs"
        await asyncio.sleep(0.05)
        assert world.followed == [A]
        await world.until(A, None)
        world.says[A] = "PRIMARY"
        await world.until(A, None, A)

    _play(monkeypatch, world, story)


def test_nothing_is_followed_before_both_had_their_say(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World({A: "PRIMARY", B: "PRIMARY"})

    async def story(_: PrimaryWatch) -> None:
        await asyncio.sleep(0.05)
        assert world.followed == []

    _play(monkeypatch, world, story)


def test_a_lone_primary_is_followed_though_the_other_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World({A: "down", B: "PRIMARY"})

    async def story(watch: PrimaryWatch) -> None:
        await world.until(B)
        watch.suspect()
        await asyncio.sleep(0.03)
        assert world.followed == [B]

    _play(monkeypatch, world, story)
