"""The watcher turns answers and silence into a primary, quickly, and only after all had their say."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import pytest

from app_stub import agent_poller, role_poller, sql
from app_stub.database import Rows
from app_stub.outcome import DatabaseFailure, FailureKind
from app_stub.primary_watch import ALONE_S, PrimaryWatch
from app_stub.settings import Database, Endpoint
from failover.agent.limits import limits_of
from tests import virtual_time
from tests.unit.app_stub.fake_agent import KEY, FakeAgent
from tests.unit.app_stub.fakes import metrics
from tests.unit.failover.config import settings as agent_settings

A = Endpoint(host="198.18.1.13", port=2881)
B = Endpoint(host="198.18.2.23", port=2881)
SETTINGS = Database(endpoints=(A, B), user="u", password="p", watch_interval_ms=5, silence_ms=100)


@dataclass
class World:
    """What each endpoint says: a role, `down` (refuses), `hangs`, or `garbled` (its driver breaks)."""

    says: dict[Endpoint, str]
    followed: list[Endpoint | None] = field(default_factory=list)
    held: list[bool] = field(default_factory=list)
    epochs: dict[Endpoint, int] = field(default_factory=dict)
    epoch: int = 0
    """The last one that the pool was told."""
    asked: int = 0
    """How often anybody was asked for its role."""

    def follow(self, primary: Endpoint | None, epoch: int, *, is_held: bool = False) -> None:
        self.epoch = epoch
        if primary != (self.followed[-1] if self.followed else None):
            self.followed.append(primary)
        if not self.held or self.held[-1] != is_held:
            self.held.append(is_held)

    async def connect(self, settings: Database, endpoint: Endpoint, *, autocommit: bool) -> "Talker":
        assert autocommit
        if self.says[endpoint] == "down":
            raise ConnectionRefusedError("made by the test")
        if self.says[endpoint] == "garbled":
            raise IndexError("made by the test")
        if self.says[endpoint] == "hangs":
            await asyncio.sleep(0.03)
            raise TimeoutError("made by the test")
        return Talker(self, endpoint)

    async def until(self, *followed: Endpoint | None, held: list[bool] | None = None) -> None:
        async with asyncio.timeout(10):
            while self.followed != list(followed) or (held is not None and self.held != held):
                await asyncio.sleep(0.002)


@dataclass
class Talker:
    world: World
    endpoint: Endpoint
    usable = False
    """Once it has failed; a broken connection is the only failure here."""

    async def read(self, queries: tuple[str, ...]) -> list[Rows]:
        said = self.world.says[self.endpoint]
        if said == "down":
            raise DatabaseFailure(FailureKind.NOT_SENT, code=2013, detail="made by the test")
        if said == "hangs":
            await asyncio.sleep(60)
        if queries == (sql.SELECT_EPOCH,):
            return [[(self.world.epochs.get(self.endpoint, 0),)]]
        self.world.asked += 1
        # A primary that was told to become a standby still says PRIMARY.
        return [[("PRIMARY", "STANDBY") if said == "SWITCHING" else (said, "INVALID")]]

    def close(self) -> None:
        """Nothing to close."""


def _play(
    monkeypatch: pytest.MonkeyPatch,
    world: World,
    story: Callable[[PrimaryWatch], Awaitable[None]],
    agents: tuple[FakeAgent, ...] = (),
    alone: Callable[[float], None] = lambda _: None,
) -> None:
    monkeypatch.setattr(role_poller, "connect", world.connect)
    monkeypatch.setattr(agent_poller, "time", SimpleNamespace(monotonic=virtual_time.now_s))

    async def play() -> None:
        for agent in agents:
            await agent.start()
        settings = replace(SETTINGS, agents=tuple(agent.endpoint for agent in agents), agent_key=KEY)
        pool: Any = world
        watch = PrimaryWatch(settings, pool, metrics(), alone=alone)
        watch.start()
        await story(watch)
        await watch.stop()
        for agent in agents:
            await agent.stop()

    virtual_time.run(play())


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


def test_who_answers_for_an_agent_without_its_key_moves_nothing_and_is_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World({A: "PRIMARY", B: "STANDBY"})
    agent = FakeAgent()
    agent.key = "another-key"
    agent.says(99, "serving", B)
    alone: list[float] = []

    async def story(watch: PrimaryWatch) -> None:
        await world.until(A)
        assert world.followed == [A], "the databases' own roles decide"
        assert world.epoch < 99
        refused = watch._metrics.agent_answers_refused.labels(str(agent.endpoint), "signature")
        assert refused._value.get() > 0
        assert max(alone) == float("-inf"), "nor may a write be acknowledged without the standby"

    _play(monkeypatch, world, story, (agent,), alone.append)


def test_a_driver_that_breaks_does_not_end_the_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World({A: "PRIMARY", B: "garbled"})

    async def story(_: PrimaryWatch) -> None:
        await world.until(A)
        world.says.update({A: "down", B: "PRIMARY"})
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
        watch.recheck_now()
        await asyncio.sleep(0.03)
        assert world.followed == [B]

    _play(monkeypatch, world, story)


def test_a_primary_that_was_told_to_become_a_standby_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World({A: "PRIMARY", B: "STANDBY"})

    async def story(_: PrimaryWatch) -> None:
        await world.until(A)
        world.says[A] = "SWITCHING"
        await world.until(A, None)
        world.says[B] = "PRIMARY"
        await world.until(A, None, B)

    _play(monkeypatch, world, story)


def test_agents_lead_through_a_switchover_and_roles_take_over_when_they_fall_silent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World({A: "PRIMARY", B: "STANDBY"}, epochs={A: 5})

    async def story(watch: PrimaryWatch) -> None:
        one, other = agents
        one.says(5, "serving", A)
        other.says(5, "serving", A)
        await world.until(A)
        assert (world.epoch, world.held) == (5, [False])
        one.says(5, "handover")
        await world.until(A, held=[False, True])
        one.says(5, "handed")
        await world.until(A, None)
        world.says |= {A: "SWITCHING", B: "PRIMARY"}
        world.epochs[B] = 6
        other.says(6, "serving", B)
        await world.until(A, None, B)
        assert (world.epoch, world.held) == (6, [False, True, False])
        async with asyncio.timeout(10):
            while watch._statuses[B].epoch != 6:
                await asyncio.sleep(0.002)
        await one.stop()
        await other.stop()
        await asyncio.sleep(0.05)
        world.says[B] = "down"
        await world.until(A, None, B, None)
        # An old primary that nobody fenced is of an epoch that is over.
        world.says[A] = "PRIMARY"
        await asyncio.sleep(0.05)
        await world.until(A, None, B, None)

    agents = _agents(2)
    _play(monkeypatch, world, story, agents)


def test_roles_are_asked_for_rarely_while_all_agents_agree_and_at_once_when_one_is_silent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(role_poller, "_SETTLED_INTERVALS", 100_000)
    world = World({A: "PRIMARY", B: "STANDBY"}, epochs={A: 5})

    async def asked_within(limit_s: float) -> int:
        before = world.asked
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                while world.asked < before + 10:
                    await asyncio.sleep(0.005)
        return world.asked - before

    async def story(_: PrimaryWatch) -> None:
        one, other = agents
        one.says(5, "serving", A)
        await world.until(A)
        # The other one has not said anything yet.
        assert await asked_within(10.0) >= 10
        other.says(5, "serving", A)
        async with asyncio.timeout(10):
            while await asked_within(0.3) > 0:
                pass
        await other.stop()
        assert await asked_within(10.0) >= 10

    agents = _agents(2)
    _play(monkeypatch, world, story, agents)


def test_a_change_of_the_agents_word_has_the_roles_asked_for_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(role_poller, "_SETTLED_INTERVALS", 100_000)
    world = World({A: "PRIMARY", B: "STANDBY"}, epochs={A: 5})

    async def story(watch: PrimaryWatch) -> None:
        agents[0].says(5, "serving", A)
        await world.until(A)
        await asyncio.sleep(0.2)
        world.says |= {A: "STANDBY", B: "PRIMARY"}
        world.epochs[B] = 6
        agents[0].says(6, "serving", B)
        await world.until(A, B)
        async with asyncio.timeout(10):
            while watch._statuses[B].epoch != 6:
                await asyncio.sleep(0.002)

    agents = _agents(1)
    _play(monkeypatch, world, story, agents)


def test_agents_that_refuse_leave_it_to_the_roles(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World({A: "PRIMARY", B: "STANDBY"}, epochs={A: 5})

    async def story(_: PrimaryWatch) -> None:
        await agents[0].stop()
        await world.until(A)
        assert world.epoch == 5

    agents = _agents(1)
    _play(monkeypatch, world, story, agents)


def _agents(count: int) -> tuple[FakeAgent, ...]:
    return tuple(FakeAgent() for _ in range(count))


def test_agents_wait_longer_than_services_believe_that_the_primary_is_alone() -> None:
    """Half a second is for a service that is late to look at its clock."""
    assert limits_of(agent_settings()).unprotected_answer_ttl_ms >= ALONE_S * 1000 + 500


def test_the_word_that_the_primary_is_alone_counts_from_when_it_was_asked_for_and_in_its_epoch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World({A: "PRIMARY", B: "STANDBY"}, epochs={A: 5})
    told: list[float] = []

    async def until(is_right: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not is_right():
                await asyncio.sleep(0.002)

    async def story(_: PrimaryWatch) -> None:
        one, other = agents
        before_s = virtual_time.now_s()
        one.says(5, "serving", A, alone=True)
        other.says(5, "serving", A)
        await until(lambda: bool(told) and told[-1] > before_s)
        assert before_s < told[-1] <= virtual_time.now_s() + 2.5
        # It is held back for a second, and counts from when it was asked for and not from when it came.
        asked_latest_s = told[-1]
        await until(lambda: told[-1] != asked_latest_s)
        assert told[-1] <= virtual_time.now_s() + 1.6
        # Another agent knows of a later epoch: what was said in the one before allows nothing any more.
        other.says(6, "serving", B)
        await until(lambda: told[-1] == float("-inf"))
        other.says(6, "serving", B, alone=True)
        await until(lambda: told[-1] > before_s)
        other.says(6, "serving", B)
        await until(lambda: told[-1] == float("-inf"))

    agents = (FakeAgent(), FakeAgent())
    _play(monkeypatch, world, story, agents, told.append)
