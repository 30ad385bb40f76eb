"""Scheduled against sent: what a generator may be off, and who is to blame for the rest."""

import pytest

from loadtests.results.judge import judge_record
from proof.record import Outcome
from proof.verdict import Verdict
from tests.unit.loadtests import records
from tests.unit.loadtests.records import START_S
from tests.unit.loadtests.test_figures import of
from tests.unit.loadtests.test_validity import SLO, found

BIG = {"rate_per_s": 1000.0, "duration_s": 1000.0, "writes_planned": 1_000_000}
"""A tenth of a percent is 1000 writes; those of 250 ms are 250."""


def verdict_of(sent: int, *, held_back: int = 0, planned: dict = BIG):
    changed = {"writes_recorded": planned["writes_planned"], "tps_acknowledged": planned["rate_per_s"]}
    return judge_record(
        found(
            run_info={**planned, "held_back": held_back},
            sent_ratio=sent / planned["writes_planned"],
            **{**changed, "standby_lag_samples": 4000},
        ),
        SLO,
    )


@pytest.mark.parametrize("sent", [999_000, 1_000_000, 1_001_000])
def test_a_tenth_of_a_percent_more_or_fewer_is_as_planned(sent):
    assert verdict_of(sent).verdict is Verdict.PASS


@pytest.mark.parametrize("sent", [998_999, 1_001_001])
def test_more_than_that_is_the_generators_fault_where_no_user_was_busy(sent):
    judgement = verdict_of(sent)
    assert judgement.verdict is Verdict.INVALID
    (reason,) = judgement.reasons
    assert reason.startswith(f"{sent / 1_000_000:.4f} of the 1000000 planned writes were sent in their time")
    assert reason.endswith("no busy user held them back: the load generator did")


def test_it_is_the_systems_where_all_users_were_busy():
    judgement = verdict_of(998_000, held_back=2000)
    assert judgement.verdict is Verdict.FAIL
    assert judgement.reasons[0].endswith("0.1% or those of 0.25 s more or fewer; all users were busy")
    assert verdict_of(998_000, held_back=1999).verdict is Verdict.INVALID


def test_of_a_short_run_what_is_due_at_its_edges_may_begin_behind_them():
    short = {"rate_per_s": 1000.0, "duration_s": 4.0, "writes_planned": 4000}
    assert verdict_of(3750, planned=short).verdict is Verdict.PASS
    assert verdict_of(3749, planned=short).verdict is Verdict.INVALID


def test_what_began_behind_the_window_or_never_was_not_sent_in_its_time():
    late = records.write(3.95, started_s=START_S + 4.0, ended_s=START_S + 4.1)
    never = records.write(3.9, outcome=Outcome.UNSENT)
    values = of([*records.all_acknowledged()[:38], late, never]).values
    assert (values["writes_sent"], values["sent_ratio"]) == (38, 0.95)


def test_what_was_due_before_the_window_and_began_in_it_counts():
    late = records.write(-0.01, started_s=START_S + 0.01, warm_up=True)
    assert of([late, *records.all_acknowledged()]).values["writes_sent"] == 41


def test_a_run_that_was_ended_early_is_not_judged_by_it():
    values = of(records.all_acknowledged()[:20], stopped_s=START_S + 2.0).values
    assert values["sent_ratio"] == 1.0
    judgement = judge_record(found(run_info={"stopped_s": START_S + 2.0}, sent_ratio=0.5), SLO)
    assert not any("sent in their time" in reason for reason in judgement.reasons)
