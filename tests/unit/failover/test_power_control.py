"""Other hosts' fence devices: asked once at a time, and reported for the claim they were asked under."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from failover.agent.leader_record import Superseded
from failover.agent.memory import Memory
from failover.agent.power_control import PowerControl
from failover.core.actions import FencePeer, PowerOn
from failover.core.observed import FenceState, Leadership, Phase
from failover.etcd.records import LeaderRecord
from failover.host.controller import Power
from failover.host.devices import Report
from tests.unit.failover import virtual

RECORD = LeaderRecord(
    leadership=Leadership(
        host="ob-b",
        epoch=4,
        phase=Phase.SERVING,
        revision=9,
        timeline=4,
        primary="ob-b",
        powered_off=("ob-a",),
    ),
    acquisition_id="c",
    last_automatic_s=None,
)


class Stage:
    """A device that answers when it is told to, and a record."""

    def __init__(self) -> None:
        self.memory = Memory(lock_acquired_at_ms=1)
        self.commands: list[tuple[str, Power]] = []
        self.report = Report(confirmed=True, reason="it says so")
        self.answers = asyncio.Event()
        self.answers.set()
        self.told: list[tuple[str, str]] = []
        self.on_result: list[str] = []
        self.record_now = RECORD
        self.woken = 0
        self.power_control = PowerControl(
            self.memory,
            switch=self._switch,
            updater=self,  # type: ignore[arg-type]
            history_writer=self,  # type: ignore[arg-type]
            epoch=lambda: 4,
            wake=self._wake,
            pause_s=0.05,
            on_result=self.on_result.append,
        )

    async def _switch(self, host: str, power: Power) -> Report:
        self.commands.append((host, power))
        await self.answers.wait()
        return self.report

    def _wake(self) -> None:
        self.woken += 1

    def record(self, *arguments: object) -> LeaderRecord:
        """Both of the keeper and of the recorder; told apart by what they are given."""
        if len(arguments) == 3:
            self.told.append((str(arguments[1]), str(arguments[2])))
        elif arguments != (self.record_now.leadership.revision,):
            raise Superseded("changed")
        return self.record_now

    async def change(self, revision: int, **changes: object) -> None:
        leadership = replace(self.record_now.leadership, **changes)  # type: ignore[arg-type]
        self.record_now = replace(self.record_now, leadership=leadership)


FENCE = FencePeer(host="ob-a", why="it is silent")


def play(story: Callable[[Stage], Awaitable[None]]) -> None:
    async def whole() -> None:
        it = Stage()
        await story(it)
        await it.power_control.close()

    virtual.run(whole())


async def settled() -> None:
    await asyncio.sleep(0.02)


def test_a_host_is_asked_for_at_once_and_confirmed_when_its_device_says_so() -> None:
    async def story(it: Stage) -> None:
        it.answers.clear()
        it.power_control.fence(FENCE)
        assert it.memory.reports == {"ob-a": FenceState.ASKED}
        await settled()
        it.power_control.fence(FENCE)
        it.answers.set()
        await settled()
        assert it.memory.reports == {"ob-a": FenceState.CONFIRMED}
        assert it.commands == [("ob-a", Power.OFF)]
        assert (it.told, it.on_result, it.woken) == ([("fenced", "it says so")], ["confirmed"], 1)

    play(story)


def test_a_failure_is_reported_after_a_pause_and_may_be_tried_again() -> None:
    async def story(it: Stage) -> None:
        it.report = Report(confirmed=False, reason="no route")
        it.power_control.fence(FENCE)
        await settled()
        assert it.memory.reports == {"ob-a": FenceState.ASKED}
        await asyncio.sleep(0.06)
        assert it.memory.reports == {"ob-a": FenceState.FAILED}
        it.power_control.fence(FENCE)
        await settled()
        assert it.commands == [("ob-a", Power.OFF)] * 2
        assert it.told[0] == ("not fenced", "no route")

    play(story)


def test_what_was_asked_under_an_earlier_claim_says_nothing_about_this_one() -> None:
    async def story(it: Stage) -> None:
        it.answers.clear()
        it.power_control.fence(FENCE)
        await settled()
        it.memory.reports.clear()
        it.memory.lock_acquired_at_ms = 2
        it.answers.set()
        await settled()
        assert it.memory.reports == {}

    play(story)


def test_a_host_that_is_on_again_is_taken_out_of_the_record() -> None:
    async def story(it: Stage) -> None:
        it.memory.reports["ob-a"] = FenceState.CONFIRMED
        it.power_control.power_on(PowerOn(host="ob-a", revision=9, why="it was fenced"))
        await settled()
        assert it.commands == [("ob-a", Power.ON)]
        assert it.record_now.leadership.powered_off == ()
        assert it.memory.reports == {"ob-a": FenceState.RELEASED}

    play(story)


def test_a_host_is_given_back_also_without_etcd() -> None:
    async def story(it: Stage) -> None:
        it.power_control.power_on(PowerOn(host="ob-a", revision=None, why="a majority may hang on it"))
        await settled()
        assert (it.record_now, it.memory.reports) == (RECORD, {})
        assert it.told[0][0] == "powered on"

    play(story)


def test_a_host_that_could_not_be_switched_on_stays_in_the_record() -> None:
    async def story(it: Stage) -> None:
        it.report = Report(confirmed=False, reason="no route")
        it.power_control.power_on(PowerOn(host="ob-a", revision=9, why="it was fenced"))
        await settled()
        assert (it.record_now, it.told) == (RECORD, [])

    play(story)
