"""Scenarios: known operations, a mix that can be planned, and the inventory's where they bring none."""

import pytest

from inventory import environment
from inventory.model import Journey
from loadtests.plan import options
from loadtests.plan.scenarios import SCENARIOS
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
