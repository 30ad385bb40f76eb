"""Scenarios: known operations, a mix that can be planned, and the inventory's where they bring none."""

import pytest

from inventory import environment
from inventory.model import Journey
from inventory.slo import DeploySlo, LoadSlo
from loadtests.plan import options
from loadtests.plan.scenarios import SCENARIOS
from proof import promised
from proof.promised import Traffic
from tests.unit.loadtests.test_options import LAB, checked

OPERATIONS = {name for name, _ in LAB.journey.weights}


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_is_made_of_known_operations(name: str) -> None:
    weights, reads = SCENARIOS[name].mix(LAB.journey)
    assert {operation for operation, _ in weights} <= OPERATIONS | {"overdraw"}
    assert all(weight > 0 for _, weight in weights)
    assert reads >= 0
    assert SCENARIOS[name].title


def test_the_journey_is_the_inventorys() -> None:
    for env in (LAB, environment("qinghai")):
        assert SCENARIOS["journey"].mix(env.journey) == (env.journey.weights, env.journey.reads_per_write)


def test_a_scenario_that_says_nothing_of_reads_takes_the_inventorys() -> None:
    journey = Journey(customers=1, weights=(("drawdown", 1),), reads_per_write=0.25, users=1)
    weights, reads = SCENARIOS["drawdown-storm"].mix(journey)
    assert weights != journey.weights
    assert reads == 0.25


def test_twenty_queries_ride_along_with_each_write() -> None:
    asked = checked("--scenario", "read-mostly", "--rate", "10", "--duration", "2s", "--warm-up", "0s")
    plan = options.plan_of(asked, LAB)
    assert [plan.arrival(number, 0.0).reads for number in range(len(plan))] == [20] * 20


TRAFFIC = {
    "read-mostly": Traffic(mostly_reads=True),
    "hot-limit": Traffic(may_refuse=True),
    "multi-entity": Traffic(has_storm=True),
}
"""Those whose objectives are not those of every load."""


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_mix_decides_which_objectives_a_load_has(name: str) -> None:
    scenario, slo = SCENARIOS[name], LoadSlo(latency_reads_p99_ms_max=200.0)
    traffic = TRAFFIC.get(name, Traffic())
    assert scenario.traffic == traffic
    clients = scenario.of_clients(slo, rate_per_s=10.0)
    whole = scenario.objectives(slo, DeploySlo(), rate_per_s=10.0)
    assert clients == promised.of_clients(slo, rate_per_s=10.0, traffic=traffic)
    assert whole == promised.of_load(slo, DeploySlo(), rate_per_s=10.0, traffic=traffic)
    assert set(clients) <= set(whole)
    figures = {objective.figure for objective in whole}
    assert ("tps_answered" in figures) is traffic.may_refuse
    assert ("overdraws_acknowledged" in figures) is traffic.may_refuse
    assert ("service_share_min" in figures) is not traffic.may_refuse
    assert (promised.SLOWDOWN in figures) is traffic.has_storm
    assert ("latency_reads_p99_ms" in figures) is traffic.mostly_reads
