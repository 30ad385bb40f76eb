"""Queries are judged from when they were due; what plain Locust cannot drive, it refuses."""

import pytest

from inventory.slo import LoadSlo
from loadtests.plan.scenarios import SCENARIOS
from loadtests.results import figures
from loadtests.results.judge import judge_record
from loadtests.transport import exchange
from loadtests.users import steps
from proof.record import Outcome
from tests.unit.loadtests import records
from tests.unit.loadtests.test_options import checked


def read(late_s: float, *, took_s: float = 0.01, at_s: float = 1.0):
    started_s = records.START_S + at_s
    return records.read(at_s, planned_s=started_s - late_s, started_s=started_s, ended_s=started_s + took_s)


def test_a_query_that_waited_for_its_user_is_as_late_as_its_customer_found_it():
    found = figures.of_records(records.run_info(), records.all_acknowledged(), [read(0.5)], ())
    assert found.values["latency_reads_p99_ms"] == pytest.approx(510.0, rel=0.002)


def test_queries_before_what_is_measured_are_no_part_of_it():
    found = figures.of_records(records.run_info(), records.all_acknowledged(), [read(0.0, at_s=-1.0)], ())
    assert found.values["reads_acknowledged"] == 0


@pytest.mark.parametrize(("scenario", "is_judged"), [("read-mostly", True), ("journey", False)])
def test_where_queries_are_the_load_their_latency_is_promised(scenario, is_judged):
    run_info = records.run_info(scenario=scenario)
    slo = LoadSlo(latency_reads_p99_ms_max=200.0)
    found = figures.of_records(run_info, records.all_acknowledged(), [read(0.5)], ())
    said = [reason for reason in judge_record(found, slo).reasons if reason.startswith("Latency of queries")]
    assert bool(said) is is_judged


def test_a_read_is_planned_as_much_earlier_as_its_user_was_late():
    class Down:
        def send(self, head, body):
            raise exchange.NotSentError("no route")

    step = steps.read_limit(steps.Borrower(entity="QH01", customer_id=1_000_000_001, limit_id=1_000_000_001))
    record, _ = exchange.read(Down(), step, clock=lambda: 10.0, late_s=1.5)
    assert (record.planned_s, record.started_s, record.outcome) == (8.5, 10.0, Outcome.REJECTED)


@pytest.mark.parametrize("name", [name for name, each in SCENARIOS.items() if each.companions])
def test_a_scenario_with_a_companion_is_refused_by_plain_locust(name):
    with pytest.raises(ValueError, match=f"run loanstack load lab --scenario {name}"):
        checked("--scenario", name)
    assert checked("--scenario", name, "--accompanied").scenario == name
