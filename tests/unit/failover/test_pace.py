"""When an agent looks slowly, and that anything which is not as it should be ends that at once."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from failover.agent.pace import Pace
from failover.core.observed import (
    Database,
    EtcdView,
    Leadership,
    Lease,
    Member,
    Observed,
    Peer,
    Phase,
    Process,
    Request,
    RequestKind,
    Role,
    Settings,
    Task,
    TaskKind,
    Unfenced,
    UnprotectedMode,
)
from failover.core.pace import is_calm
from tests.unit.failover import virtual

SETTINGS = Settings()
LEADERSHIP = Leadership(host="a", epoch=3, phase=Phase.SERVING, revision=9, timeline=3, primary="a")
ETCD = EtcdView(
    answered_ago_ms=500,
    leadership=LEADERSHIP,
    lease_alive=True,
    members=(Member(host="a", unchanged_ms=500), Member(host="b", unchanged_ms=500)),
)
LEADER = Observed(
    now_ms=10_000,
    me="a",
    database=Database(process=Process.RUNNING, role=Role.PRIMARY, recorded_role=Role.PRIMARY, silent_ms=200),
    lease=Lease(epoch=3, renewed_at_ms=9_500),
    etcd=ETCD,
    peers=(Peer(host="b", sql_silent_ms=500, agent_silent_ms=500),),
)
STANDBY = replace(
    LEADER,
    me="b",
    lease=None,
    database=Database(process=Process.RUNNING, role=Role.STANDBY, follows="a", silent_ms=200),
    peers=(Peer(host="a", sql_silent_ms=500, agent_silent_ms=500),),
)
CALM = {"leader": LEADER, "standby": STANDBY}


@pytest.mark.parametrize("seen", CALM.values(), ids=CALM)
def test_a_pair_that_is_as_it_should_be_is_calm(seen: Observed) -> None:
    assert is_calm(seen, SETTINGS)
    assert is_calm(replace(seen, etcd=replace(ETCD, paused=True)), SETTINGS)


def led(**changes: object) -> Callable[[Observed], Observed]:
    leadership = replace(LEADERSHIP, **changes)  # type: ignore[arg-type]
    return stored(leadership=leadership)


def stored(**changes: object) -> Callable[[Observed], Observed]:
    return lambda seen: replace(seen, etcd=replace(ETCD, **changes))  # type: ignore[arg-type]


def held(**changes: object) -> Callable[[Observed], Observed]:
    return lambda seen: replace(seen, database=replace(seen.database, **changes))  # type: ignore[arg-type]


LATE_MS = SETTINGS.peer_silent_ms - SETTINGS.loop_interval_ms
"""So long before anybody counts as silent there is a whole loop left to look again."""
ANYTHING: dict[str, Callable[[Observed], Observed]] = {
    "no etcd answer": lambda seen: replace(seen, etcd=None),
    "nobody led": stored(leadership=None),
    "etcd is late": stored(answered_ago_ms=SETTINGS.etcd_silent_ms + 1),
    "the lease ended": stored(lease_alive=False),
    "an operator asks": stored(request=Request(id="r", kind=RequestKind.SWITCHOVER, host="b")),
    "a member is late": stored(members=(Member(host="b", unchanged_ms=LATE_MS),)),
    **{str(phase): led(phase=phase) for phase in Phase if phase is not Phase.SERVING},
    "unprotected": led(unprotected=UnprotectedMode.YES),
    "alone is ending": led(unprotected=UnprotectedMode.ENDING),
    "somebody is not fenced": led(unfenced=(Unfenced(host="c", epoch=1),)),
    "somebody is off": led(powered_off=("c",)),
    "a task goes on": lambda seen: replace(seen, task=Task(kind=TaskKind.REJOIN, started_ago_ms=1)),
    "the database is down": held(process=Process.DOWN),
    "the database starts": held(process=Process.STARTING),
    "the database hangs": held(process=Process.HUNG),
    "the database is silent": held(silent_ms=LATE_MS),
    "the database cannot follow": held(cannot_follow=True),
    "the role is unknown": held(role=None),
    "SQL is late": lambda seen: replace(
        seen, peers=(Peer(host="c", sql_silent_ms=LATE_MS, agent_silent_ms=0),)
    ),
    "the other agent is late": lambda seen: replace(
        seen, peers=(Peer(host="c", sql_silent_ms=0, agent_silent_ms=LATE_MS),)
    ),
}
OF_THE_LEADER = {
    "no lease": replace(LEADER, lease=None),
    "a lease of before": replace(LEADER, lease=Lease(epoch=2, renewed_at_ms=9_500)),
    "a standby leads": held(role=Role.STANDBY)(LEADER),
    "drained": held(drained=True)(LEADER),
}
OF_THE_STANDBY = {
    "a second primary": held(role=Role.PRIMARY)(STANDBY),
    "follows nobody": held(follows=None)(STANDBY),
    "follows another": held(follows="c")(STANDBY),
    "holds a lease": replace(STANDBY, lease=Lease(epoch=3, renewed_at_ms=9_500)),
}


@pytest.mark.parametrize("seen", CALM.values(), ids=CALM)
@pytest.mark.parametrize("change", ANYTHING.values(), ids=ANYTHING)
def test_anything_that_is_not_as_it_should_be_ends_calm(
    seen: Observed, change: Callable[[Observed], Observed]
) -> None:
    assert not is_calm(change(seen), SETTINGS)


@pytest.mark.parametrize("seen", [*OF_THE_LEADER.values(), *OF_THE_STANDBY.values()])
def test_a_database_out_of_its_place_ends_calm(seen: Observed) -> None:
    assert not is_calm(seen, SETTINGS)


def test_an_agent_that_has_just_started_is_not_calm() -> None:
    pace = Pace(busy_ms=200, calm_ms=500)
    assert (pace.is_calm, pace.interval_s) == (False, 0.2)
    pace.set(is_calm=True)
    assert (pace.is_calm, pace.interval_s) == (True, 0.5)


async def waited_ms(pace: Pace, *, stirred_after_s: float | None = None) -> int:
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    if stirred_after_s is not None:
        loop.call_later(stirred_after_s, lambda: pace.set(is_calm=False))
    await pace.pause()
    return round(1000 * (loop.time() - began_s))


@pytest.mark.parametrize(
    ("is_calm_now", "stirred_after_s", "ms"),
    [(False, None, 200), (True, None, 500), (True, 0.35, 350), (True, 0.1, 200)],
)
def test_a_pause_is_long_while_all_is_calm_and_cut_short_when_it_is_not(
    is_calm_now: bool, stirred_after_s: float | None, ms: int
) -> None:
    async def play() -> int:
        pace = Pace(busy_ms=200, calm_ms=500)
        pace.set(is_calm=is_calm_now)
        return await waited_ms(pace, stirred_after_s=stirred_after_s)

    assert virtual.run(play()) == ms


def test_the_end_of_calm_is_told_once() -> None:
    pace, told = Pace(busy_ms=200, calm_ms=500), 0

    def count() -> None:
        nonlocal told
        told += 1

    pace.on_disturbance = count
    for is_calm_now in (False, True, True, False, False, True):
        pace.set(is_calm=is_calm_now)
    assert told == 1
