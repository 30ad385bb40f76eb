"""Thousands of random schedules, and the ordinary faults one by one with the time they may take.

`LOANSTACK_SIMULATIONS=20000 pytest -s tests/unit/failover/test_simulation.py` explores more, and tells what.
"""

import os
from collections.abc import Callable
from dataclasses import replace

import pytest

from failover.core.observed import Guarantee, Phase, Request, RequestKind, Settings
from tests.unit.failover.simulated import faults
from tests.unit.failover.simulated.cluster import Cluster, Shape
from tests.unit.failover.simulated.world import PEERS
from tests.unit.failover.simulation import await_primary, deadline_ms, explore_many

SCHEDULES = int(os.environ.get("LOANSTACK_SIMULATIONS", "1600"))
PARTS = 16
SETTINGS = Settings()

LOOK_MS = SETTINGS.calm_interval_ms + 2 * SETTINGS.loop_interval_ms
"""A look of an agent that was calm, and what the other side put last before it."""

PROMOTION_MS = 900 + 200
"""The statement at its slowest, and the writes to etcd around it."""


@pytest.mark.parametrize("part", range(PARTS))
def test_whatever_breaks_there_are_never_two_primaries_and_in_the_end_one(part: int) -> None:
    explored = explore_many(range(part, SCHEDULES, PARTS))
    print(f"\n{explored.told()}")  # noqa: T201  (for a reader, with -s)
    assert explored.figures["schedules"] == len(range(part, SCHEDULES, PARTS))


def test_the_schedules_reach_what_they_are_for() -> None:
    """A simulation in which nothing happens proves nothing."""
    figures = explore_many(range(90_000, 90_200)).figures
    assert figures["failovers"] > 50
    assert figures["self_fences"] > 25
    assert figures["device_fences"] > 5
    assert figures["guarantee_lease"] > 3
    assert figures["guarantee_device"] > 5
    assert figures["guarantee_self"] > 50
    assert figures["handed"] > 5
    assert figures["refusals"] > 10
    assert figures["elections"] > 50
    assert figures["nobody_eligible"] < 27


# One fault each, from a calm cluster.


def calm(seed: int, databases: tuple[str, ...] = ("a", "b"), settings: Settings = SETTINGS) -> Cluster:
    """A cluster in which a serves, and etcd's leader is elsewhere and need not be elected anew."""
    cluster = Cluster(seed, Shape(databases=databases), settings)
    cluster.etcd.leader = "c"
    cluster.world.run_until(3000)
    assert cluster.checks.serving() == "a"
    return cluster


def outage_ms(cluster: Cluster, within_ms: float) -> float:
    """Run on, and return for how long nobody serves from now on; the next primary is there to stay."""
    began = cluster.world.now
    while cluster.checks.serving() is not None:
        cluster.world.run_until(cluster.world.now + 10)
        assert cluster.world.now < began + within_ms, "nothing broke"
    waited = await_primary(cluster, within_ms)
    assert waited is not None, "nobody may lead"
    return cluster.world.now - 1000 - began


Break = Callable[[Cluster], None]


def forever(fault: faults.Fault) -> Break:
    return lambda cluster: fault(cluster, "a", 1e9)


DEAD_MS = SETTINGS.peer_silent_ms + LOOK_MS
SELF_FENCED_MS = SETTINGS.may_write_ms + LOOK_MS + 100
FENCED_MS = 700
LEASE_MS = SETTINGS.lease_ttl_ms + SETTINGS.safety_margin_ms + LOOK_MS

ORDINARY = [
    (forever(faults.database_crash), LOOK_MS + 200 + PROMOTION_MS, Guarantee.SELF),
    (forever(faults.agent_crash), 1500 + LOOK_MS + PROMOTION_MS, Guarantee.SELF),
    (forever(faults.agent_stopped), 1000 + 1200 + LOOK_MS + PROMOTION_MS, Guarantee.SELF),
    (forever(faults.database_stopped), SETTINGS.database_silent_ms + LOOK_MS + PROMOTION_MS, Guarantee.SELF),
    (forever(faults.power_loss), DEAD_MS + FENCED_MS + PROMOTION_MS, Guarantee.DEVICE),
    (forever(faults.host_frozen), DEAD_MS + FENCED_MS + PROMOTION_MS, Guarantee.DEVICE),
    (forever(faults.isolated), DEAD_MS + FENCED_MS + PROMOTION_MS, Guarantee.DEVICE),
    (forever(faults.cut_from_etcd), SELF_FENCED_MS + LOOK_MS + PROMOTION_MS, Guarantee.SELF),
]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("breaks", "limit_ms", "guarantee"), ORDINARY)
def test_an_ordinary_fault_of_the_primary_costs_so_much(
    breaks: Break, limit_ms: float, guarantee: Guarantee, seed: int
) -> None:
    cluster = calm(seed)
    breaks(cluster)
    assert outage_ms(cluster, 20_000) <= limit_ms
    assert cluster.checks.serving() == "b"
    assert cluster.etcd.history[-1][1].guarantee is guarantee


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("fault", [faults.power_loss, faults.host_frozen, faults.isolated])
def test_without_its_fence_device_it_costs_the_lease_and_the_margin(fault: faults.Fault, seed: int) -> None:
    cluster = calm(seed)
    cluster.fences.unreachable.add("a")
    fault(cluster, "a", 1e9)
    assert outage_ms(cluster, 20_000) <= DEAD_MS + LEASE_MS + PROMOTION_MS
    assert cluster.checks.serving() == "b"
    assert cluster.etcd.history[-1][1].guarantee is Guarantee.LEASE


@pytest.mark.parametrize("clock_stops", [True, False])
def test_a_host_that_thaws_after_a_lease_guarantee_is_the_documented_exception(clock_stops: bool) -> None:
    cluster = calm(1)
    cluster.fences.unreachable.add("a")
    cluster.world.freeze(cluster.world.hosts["a"], clock_stops=clock_stops)
    outage_ms(cluster, 20_000)
    cluster.world.thaw(cluster.world.hosts["a"])
    cluster.world.run_until(cluster.world.now + 12_000)
    assert cluster.checks.figures["thawed_writable_after_lease_guarantee"] == 1
    assert cluster.checks.serving() == "b"
    assert not cluster.databases["a"].writable()


def test_its_device_is_tried_again_so_that_it_does_not_come_to_that() -> None:
    cluster = calm(1)
    cluster.fences.unreachable.add("a")
    cluster.world.freeze(cluster.world.hosts["a"], clock_stops=True)
    outage_ms(cluster, 20_000)
    cluster.fences.unreachable.clear()
    cluster.world.run_until(cluster.world.now + 2000)
    cluster.world.thaw(cluster.world.hosts["a"])
    cluster.world.run_until(cluster.world.now + 20_000)
    assert cluster.checks.figures["thawed_writable_after_lease_guarantee"] == 0
    assert cluster.world.hosts["a"].on
    assert cluster.databases["a"].follows == "b"


@pytest.mark.parametrize("seed", range(5))
def test_an_etcd_without_a_majority_fences_and_never_guesses(seed: int) -> None:
    cluster = calm(seed)
    faults.store_majority_down(cluster, "a", 1e9)
    cluster.world.run_until(cluster.world.now + SELF_FENCED_MS)
    assert cluster.checks.serving() is None
    claims = cluster.checks.figures["claims"]
    cluster.world.run_until(cluster.world.now + 20_000)
    assert cluster.checks.figures["claims"] == claims
    cluster.heal()
    assert await_primary(cluster, deadline_ms(SETTINGS)) is not None


@pytest.mark.parametrize(
    "cuts",
    [
        {("a", "b", PEERS)},
        {("b", "a", PEERS)},
        {("a", "b", PEERS), ("b", "a", PEERS)},
    ],
)
def test_a_leader_that_only_its_standby_does_not_hear_goes_on(cuts: set[tuple[str, str, str]]) -> None:
    cluster = calm(2)
    cluster.world.cuts |= cuts
    cluster.world.run_until(cluster.world.now + 20_000)
    assert cluster.checks.serving() == "a"
    assert cluster.checks.figures["claims"] == 0


@pytest.mark.parametrize("fault", [faults.power_loss, faults.host_frozen, faults.database_crash])
def test_a_lost_standby_costs_nothing(fault: faults.Fault) -> None:
    cluster = calm(3)
    fault(cluster, "b", 8000)
    end = cluster.world.now + 20_000
    while cluster.world.now < end:
        cluster.world.run_until(cluster.world.now + 10)
        assert cluster.checks.serving() == "a"
    assert cluster.databases["b"].follows == "a"
    assert cluster.databases["b"].answering


@pytest.mark.parametrize("seed", range(8))
def test_a_switchover_holds_writes_for_less_than_its_limit(seed: int) -> None:
    cluster = calm(seed, settings=replace(SETTINGS, loop_interval_ms=200))
    cluster.etcd.request = Request(id="r", kind=RequestKind.SWITCHOVER, host="b")
    assert outage_ms(cluster, 10_000) <= LOOK_MS + 1500
    assert cluster.checks.serving() == "b"
    cluster.world.run_until(cluster.world.now + 10_000)
    assert cluster.checks.serving() == "b"
    assert cluster.databases["a"].follows == "b"
    assert cluster.databases["a"].note.rejoined_at is None, "nothing was copied"
    assert cluster.etcd.leadership is not None
    assert cluster.etcd.leadership.timeline == 1


def test_a_switchover_to_a_host_that_dies_comes_back() -> None:
    cluster = calm(4)
    cluster.etcd.request = Request(id="r", kind=RequestKind.SWITCHOVER, host="b")
    while cluster.etcd.leadership is None or cluster.etcd.leadership.phase is not Phase.HANDED:
        cluster.world.run_until(cluster.world.now + 5)
    faults.power_loss(cluster, "b", 1e9)
    assert outage_ms(cluster, 20_000) <= SETTINGS.handover_limit_ms + LOOK_MS + 2000
    assert cluster.checks.serving() == "a"


def test_while_paused_nobody_takes_over_and_after_it_somebody_does() -> None:
    cluster = calm(5)
    cluster.etcd.paused = True
    faults.power_loss(cluster, "a", 1e9)
    cluster.world.run_until(cluster.world.now + 20_000)
    assert cluster.checks.figures["claims"] == 0
    cluster.etcd.paused = False
    assert await_primary(cluster, deadline_ms(SETTINGS)) is not None


@pytest.mark.parametrize("running", [True, False])
def test_databases_from_before_there_were_agents_are_taken_over_as_they_are(running: bool) -> None:
    cluster = Cluster(6, Shape(databases=("a", "b", "c"), fresh=True), SETTINGS)
    for database in cluster.databases.values():
        database.kill()
        if running:
            database.answer(database.start())
    instance = cluster.databases["a"].instance
    cluster.world.run_until(12_000)
    assert cluster.checks.serving() == "a"
    assert (cluster.databases["a"].instance == instance) is running
    for name in ("b", "c"):
        assert cluster.databases[name].note.timeline == 1
        assert cluster.databases[name].note.rejoined_at is None
