"""The loop: fencing first, one action at a time, and nothing that goes wrong beside it ends it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from failover import clock
from failover.agent.executor import Executor
from failover.agent.leader_record import Superseded
from failover.agent.loop import Loop
from failover.agent.memory import HeldLease, Memory
from failover.agent.metrics import Metrics
from failover.agent.pace import Pace
from failover.core.actions import AcquireLeaderLock, Action, ConfirmFenced, Refuse
from failover.core.observed import (
    Database,
    EtcdView,
    Leadership,
    Lease,
    Observed,
    Phase,
    Process,
    Role,
    Task,
    TaskKind,
)
from failover.core.observed import Settings as Limits
from failover.etcd.http_api import EtcdError
from failover.host.local_state import LocalState
from tests import virtual_time
from tests.unit.failover import virtual

FIRST = Observed(
    now_ms=10_000,
    me="ob-a",
    database=Database(process=Process.RUNNING, role=Role.PRIMARY, recorded_role=Role.PRIMARY),
    etcd=EtcdView(answered_ago_ms=0),
)
"""Nobody has led yet: what is decided is a Claim."""
LEADERSHIP = Leadership(host="ob-a", epoch=1, phase=Phase.SERVING, revision=1, timeline=1, primary="ob-a")
LEADS = replace(
    FIRST,
    lease=Lease(epoch=1, renewed_at_ms=9_900),
    etcd=EtcdView(answered_ago_ms=0, leadership=LEADERSHIP, lease_alive=True),
)
"""What is decided is to hold."""
LAPSED = replace(LEADS, lease=Lease(epoch=1, renewed_at_ms=5_000))


class Eyes:
    def __init__(self) -> None:
        self.seen = FIRST
        self.proof: LocalState | None = None
        self.breaks: Exception | None = None
        self.looks = 0

    def observe(self) -> Observed:
        self.looks += 1
        if self.breaks:
            raise self.breaks
        return self.seen

    def proven_local_state(self, _: Observed) -> LocalState | None:
        return self.proof


class Hands:
    def __init__(self) -> None:
        self.began: list[Action] = []
        self.noted: list[LocalState] = []
        self.is_busy = False

    def begin(self, action: Action) -> None:
        self.began.append(action)

    def save_local_state(self, local_state: LocalState) -> None:
        self.noted.append(local_state)

    async def close(self) -> None:
        pass


class Fence:
    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self.begun: list[str] = []

    def begin(self, why: str) -> None:
        self.begun.append(why)
        self._memory.lease = None

    async def wait(self) -> None:
        pass


class Manager:
    def __init__(self) -> None:
        self.said: list[str] = []

    def ready(self) -> None:
        self.said.append("ready")

    def watchdog(self) -> None:
        self.said.append("turned")

    def status(self, text: str) -> None:
        pass


class LocalStates:
    local_state = LocalState(role=Role.PRIMARY, epoch=3)

    def read(self) -> LocalState:
        return self.local_state


class Stage:
    def __init__(self) -> None:
        self.memory = Memory()
        self.eyes, self.hands, self.manager, self.local_state_file = Eyes(), Hands(), Manager(), LocalStates()
        self.fence = Fence(self.memory)
        self.background: dict[str, Callable[[], Awaitable[None]]] = {}
        self.pace = Pace(busy_ms=20, calm_ms=50)
        self.waited_for_etcd = False

    def loop(self) -> Loop:
        async def first_read() -> None:
            self.waited_for_etcd = True

        return Loop(
            Limits(loop_interval_ms=20, calm_interval_ms=50),
            self.memory,
            observer=self.eyes,  # type: ignore[arg-type]
            executor=self.hands,  # type: ignore[arg-type]
            self_fence=self.fence,  # type: ignore[arg-type]
            pace=self.pace,
            local_state_file=self.local_state_file,
            metrics=Metrics(),
            notify=self.manager,  # type: ignore[arg-type]
            background=self.background,
            first_read=first_read,
        )

    def run_cycle(self) -> None:
        async def once() -> None:
            self.loop().run_cycle()

        virtual.run(once())

    def run(self, *, for_s: float, meanwhile: Callable[[], None] = lambda: None) -> None:
        async def play() -> None:
            stop = asyncio.Event()
            running = asyncio.create_task(self.loop().run(stop))
            await asyncio.sleep(for_s / 2)
            meanwhile()
            await asyncio.sleep(for_s / 2)
            stop.set()
            await running

        virtual.run(play())


@pytest.fixture
def it() -> Stage:
    return Stage()


def test_what_is_decided_is_begun(it: Stage) -> None:
    it.run_cycle()
    (action,) = it.hands.began
    assert isinstance(action, AcquireLeaderLock)
    assert it.memory.local_state == it.local_state_file.local_state


def test_nothing_is_decided_while_an_action_goes_on(it: Stage) -> None:
    it.hands.is_busy = True
    it.run_cycle()
    assert it.hands.began == []


def test_a_database_without_a_valid_lease_is_fenced_whatever_goes_on(it: Stage) -> None:
    it.eyes.seen, it.hands.is_busy = LAPSED, True
    it.run_cycle()
    assert len(it.fence.begun) == 1
    assert "last renewed 5000 ms ago" in it.fence.begun[0]


def test_while_it_is_being_fenced_nothing_else_is_begun(it: Stage) -> None:
    it.memory.fencing = True
    it.run_cycle()
    assert it.hands.began == []


def test_a_proof_is_noted_when_there_is_nothing_else_to_do(it: Stage) -> None:
    it.eyes.proof = LocalState(role=Role.STANDBY, epoch=1, timeline=1)
    it.run_cycle()
    assert it.hands.noted == []
    it.eyes.seen = LEADS
    it.run_cycle()
    assert it.hands.noted == [it.eyes.proof]
    it.eyes.seen = replace(LEADS, task=Task(kind=TaskKind.START_STANDBY, started_ago_ms=0))
    it.hands.is_busy = True
    it.run_cycle()
    assert len(it.hands.noted) == 1


def test_systemd_hears_of_every_turn_and_that_the_agent_is_ready_after_the_first(it: Stage) -> None:
    it.eyes.seen = LEADS
    it.run(for_s=0.3)
    assert it.manager.said[:2] == ["turned", "ready"]
    assert 5 <= it.manager.said.count("turned") <= 30
    assert not it.waited_for_etcd


def test_where_no_agent_ever_led_etcd_is_heard_first(it: Stage) -> None:
    it.local_state_file.local_state = LocalState(role=Role.PRIMARY)
    it.run(for_s=0.05)
    assert it.waited_for_etcd


def test_a_lease_that_lapses_is_fenced_to_the_millisecond_without_any_turn(it: Stage) -> None:
    """And not before: each renewal counts."""

    def renewed() -> None:
        it.memory.lease = HeldLease(epoch=1, id="l", renewed_at_ms=clock.steady_ms())

    def observe() -> Observed:
        lease = it.memory.lease
        return replace(LEADS, now_ms=clock.steady_ms(), lease=lease.observed() if lease else None)

    async def play() -> None:
        it.eyes.observe = observe  # type: ignore[method-assign]
        loop = it.loop()
        loop.run_cycle = lambda: None  # type: ignore[method-assign]
        renewed()
        running = asyncio.create_task(loop.run(stop := asyncio.Event()))
        for _ in range(5):
            await asyncio.sleep(1.2)
            assert it.fence.begun == []
            renewed()
        last_s = virtual_time.now_s()
        while not it.fence.begun:
            await asyncio.sleep(0.001)
        may_write_s = Limits().may_write_ms / 1000
        assert virtual_time.now_s() - last_s == pytest.approx(may_write_s, abs=0.003)
        stop.set()
        await running

    virtual.run(play())


def test_the_pace_is_slow_only_while_all_is_well(it: Stage) -> None:
    told = 0

    def stirred() -> None:
        nonlocal told
        told += 1

    it.pace.on_disturbance = stirred
    it.eyes.seen = LEADS
    it.run_cycle()
    assert it.pace.is_calm
    it.eyes.seen = replace(LEADS, etcd=replace(LEADS.etcd, lease_alive=False))  # type: ignore[type-var]
    it.run_cycle()
    assert (it.pace.is_calm, told) == (False, 1)
    it.eyes.seen = LEADS
    it.run_cycle()
    it.memory.fencing = True
    it.run_cycle()
    assert (it.pace.is_calm, told) == (False, 2)


def test_what_breaks_is_begun_again_and_a_loop_that_breaks_is_not_called_turning(
    it: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    begun = 0

    async def breaking() -> None:
        nonlocal begun
        begun += 1
        raise KeyError("a mistake")

    it.background["history"] = breaking
    it.eyes.breaks = RuntimeError("another")
    it.run(for_s=0.6)
    assert begun >= 2
    assert it.manager.said == []
    assert it.eyes.looks >= 4
    assert "a mistake" in caplog.text


def test_a_leader_that_is_told_to_stop_fences_itself_and_claims_nothing_any_more(it: Stage) -> None:
    it.eyes.seen = LEADS
    it.memory.lease = HeldLease(epoch=1, id="l", renewed_at_ms=9_900)

    async def play() -> None:
        stop = asyncio.Event()
        running = asyncio.create_task(it.loop().run(stop))
        await asyncio.sleep(0.05)
        stop.set()
        await asyncio.sleep(0.05)
        assert len(it.fence.begun) == 1
        it.eyes.seen = replace(LEADS, lease=None, database=Database(process=Process.DOWN))
        await asyncio.sleep(0.05)
        assert {type(action) for action in it.hands.began} == {ConfirmFenced}
        fenced = replace(LEADERSHIP, phase=Phase.FENCED)
        it.eyes.seen = replace(
            it.eyes.seen, etcd=EtcdView(answered_ago_ms=0, leadership=fenced), fenced_epoch=1
        )
        await asyncio.wait_for(running, 5)

    virtual.run(play())


class LeaderLock:
    """Refuses and claims as it is told to."""

    def __init__(self) -> None:
        self.failure: Exception | None = None

    async def refuse(self, _: Refuse) -> None:
        await self.acquire_leader_lock(None)

    async def acquire_leader_lock(self, _: object) -> None:
        await asyncio.sleep(0)
        if self.failure:
            raise self.failure


@pytest.mark.parametrize(
    ("action", "failure", "woken"),
    [
        (Refuse(about="claim", request="r", why="no"), None, 1),
        (Refuse(about="claim", request=None, why="no"), None, 0),
        (Refuse(about="claim", request="r", why="no"), EtcdError("silence"), 0),
        (Refuse(about="claim", request="r", why="no"), Superseded("late"), 0),
        (Refuse(about="claim", request="r", why="no"), KeyError("a mistake"), 0),
    ],
)
def test_only_what_changed_something_is_decided_upon_at_once(
    action: Refuse, failure: Exception | None, woken: int
) -> None:
    async def play() -> None:
        leader_lock, count = LeaderLock(), 0
        leader_lock.failure = failure

        def wake() -> None:
            nonlocal count
            count += 1

        executor = Executor(
            Memory(),
            leader_lock=leader_lock,  # type: ignore[arg-type]
            role_changes=None,  # type: ignore[arg-type]
            power_control=None,  # type: ignore[arg-type]
            wake=wake,
        )
        executor.begin(action)
        assert executor.is_busy
        await asyncio.sleep(0.02)
        assert (executor.is_busy, count, executor.last_failure is None) == (False, woken, failure is None)

    virtual.run(play())
