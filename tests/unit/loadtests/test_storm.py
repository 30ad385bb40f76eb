"""One legal entity's storm: planned, shared out, told apart from the others, and judged."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.slo import LoadSlo
from loadtests.plan import options, storm
from loadtests.plan.shape import curve_of
from loadtests.plan.share import Share
from loadtests.plan.storm import Storm
from loadtests.results import figures, noisy_neighbour
from loadtests.results import run_info as run_info_file
from loadtests.results.judge import judge_record
from proof.files import FileError
from proof.record import Outcome
from proof.verdict import Verdict
from tests.unit.loadtests import records
from tests.unit.loadtests.test_journey import population, user_state
from tests.unit.loadtests.test_options import LAB, checked
from tests.unit.loadtests.test_validity import found

CODES = [entity.code for entity in LAB.entities]
STORM = Storm(entity="QH01", from_s=20.0, to_s=40.0)
ASKED = ("--scenario", "multi-entity", "--rate", "400", "--duration", "60s", "--run-seed", "1")


def test_the_storm_adds_the_whole_rate_once_more_and_only_its_entity_has_more():
    plan = options.plan_of(checked(*ASKED), LAB)
    assert (plan.storm, plan.measured, plan.rate_per_s) == (STORM, 32_000, pytest.approx(32_000 / 60))
    planned = Counter(
        (min(int(offset_s // 20), 2), entity)
        for offset_s, entity in zip(plan.offsets_s, plan.entities, strict=True)
        if offset_s >= 0.0
    )
    for third in range(3):
        for code in CODES:
            wanted = 20 * (500 if (third, code) == (1, "QH01") else 100)
            assert planned[third, code] == pytest.approx(wanted, rel=0.1)


@given(
    st.sampled_from(["constant", "ramp:10..100", "steps:5,80,20,60", "steps:30,60,90"]),
    st.floats(0.0, 5.0),
    st.floats(6.0, 300.0),
)
def test_a_curve_keeps_its_course_outside_the_storm(shape, times, duration_s):
    calm = curve_of(shape, rate_per_s=50.0 if shape == "constant" else None, duration_s=duration_s)
    stormy = storm.over(calm, times)
    third = duration_s / 3.0

    def area(curve, until_s):
        low, high = 0.0, curve.writes
        for _ in range(60):
            middle = (low + high) / 2.0
            low, high = (middle, high) if curve.time_of(middle) < until_s else (low, middle)
        return low

    ends = [area(calm, third), area(calm, 2.0 * third), calm.writes]
    assert area(stormy, third) == pytest.approx(ends[0], abs=1e-3)
    assert stormy.writes == pytest.approx(calm.writes + times * (ends[1] - ends[0]), abs=1e-2)
    assert sum(each.length_s for each in stormy.stretches) == pytest.approx(duration_s)


@pytest.mark.parametrize("workers", [2, 3])
def test_each_arrival_keeps_its_entity_in_the_share_of_its_worker(workers):
    whole = options.plan_of(checked(*ASKED), LAB)
    parts = [Share(number=number, of=workers).plan(whole) for number in range(1, workers + 1)]
    arrivals = sorted(part.arrival(index, 0.0) for part in parts for index in range(len(part)))
    assert arrivals == [whole.arrival(number, 0.0) for number in range(len(whole))]
    assert {arrival.entity for arrival in arrivals} == set(CODES)
    assert all(part.storm == STORM for part in parts)


def test_a_users_books_of_one_entity_touch_no_other_and_no_other_users_customers():
    people = population()
    touched = {
        (entity, user): {
            (step.entity, step.limit_id)
            for own in [user_state(user=user, users=4, people=people.of_entity(entity))]
            for step in (own.plan("drawdown") for _ in range(300))
        }
        for entity in people.entities
        for user in range(4)
    }
    assert all({owner for owner, _ in limits} == {entity} for (entity, _), limits in touched.items())
    assert sum(map(len, touched.values())) == len(set().union(*touched.values()))
    assert all(len(limits) > 50 for limits in touched.values())
    watched = {people.borrower(i).limit_id for i in range(people.size) if people.is_watched(i)}
    assert watched.isdisjoint(limit_id for limits in touched.values() for _, limit_id in limits)
    parts = [people.of_entity(entity) for entity in people.entities]
    watched_in_parts = {
        part.borrower(i).limit_id for part in parts for i in range(part.size) if part.is_watched(i)
    }
    assert watched_in_parts == watched


def test_users_are_refused_where_an_entity_has_too_few_customers_for_them():
    with pytest.raises(options.OptionsError) as refused:
        checked(*ASKED, "--users", "2501")
    assert refused.value.problems == (
        "--users 2501; allowed: 1 to 2500, a tenth of the 25000 customers of each legal entity",
    )


def measured(*, calm_ms: float, storm_ms: float, each: int = 1000) -> dict[str, float]:
    """Figures of a run whose others took so long; in the storm its own entity took ten times as long."""
    run_info = records.run_info(duration_s=60.0, storm=STORM, scenario="multi-entity")
    writes = []
    for number in range(each):
        for third, (own_ms, other_ms) in enumerate(
            ((calm_ms,) * 2, (storm_ms * 10, storm_ms), (500.0, 500.0))
        ):
            at_s = 20.0 * third + 20.0 * number / each
            for entity, ms in (("QH01", own_ms), ("QH02", other_ms)):
                ended_s = records.START_S + at_s + ms / 1000.0
                writes.append(records.write(at_s, key=f"{entity}{at_s}", entity=entity, ended_s=ended_s))
    writes.append(records.write(25.0, entity="QH02", outcome=Outcome.REJECTED, ended_s=records.START_S + 50))
    return figures.of_records(run_info, writes, (), ()).values


def test_only_the_others_are_measured_before_the_storm_and_in_it():
    values = measured(calm_ms=10.0, storm_ms=15.0)
    assert (values["others_acknowledged_calm"], values["others_acknowledged_storm"]) == (1000, 1000)
    assert values["others_latency_p99_ms_calm"] == pytest.approx(10.0, rel=0.002)
    assert values["others_latency_p50_ms_storm"] == pytest.approx(15.0, rel=0.002)
    assert values["others_slowdown_p99_ratio"] == pytest.approx(1.5, rel=0.005)
    assert values["entity_QH01_latency_p99_ms_storm"] == pytest.approx(150.0, rel=0.002)
    assert values["entity_QH02_latency_p99_ms_storm"] == values["others_latency_p99_ms_storm"]


@pytest.mark.parametrize(
    ("storm_ms", "each", "verdict", "reason"),
    [
        (19.0, 1000, Verdict.PASS, ""),
        (21.0, 1000, Verdict.FAIL, "Other legal entities' latency p99, storm over before: 2.1"),
        (19.0, 999, Verdict.INVALID, "999 writes of the other legal entities were acknowledged in the calm"),
    ],
)
def test_the_bound_is_judged_and_too_few_writes_prove_nothing(storm_ms, each, verdict, reason):
    slo = replace(LoadSlo(), others_slowdown_p99_ratio_max=2.0)
    run = found(run_info={"storm": STORM, "scenario": "multi-entity"}, **{
        name: value
        for name, value in measured(calm_ms=10.0, storm_ms=storm_ms, each=each).items()
        if name.startswith("others_")
    })  # fmt: skip
    judgement = judge_record(run, slo)
    assert judgement.verdict is verdict
    assert [each.startswith(reason) for each in judgement.reasons[:1]] == ([True] if reason else [])
    assert judge_record(run, replace(slo, others_slowdown_p99_ratio_max=None)).verdict is not Verdict.FAIL


def test_a_run_without_a_storm_has_no_figures_of_others():
    values = figures.of_records(records.run_info(), records.all_acknowledged(), (), ()).values
    assert not [name for name in values if name.startswith("others_")]
    assert noisy_neighbour.unmeasured(values, None) == []


def test_the_storm_is_kept_in_the_record_of_the_run(tmp_path):
    run_info = records.run_info(storm=STORM)
    run_info_file.write(tmp_path, run_info)
    assert run_info_file.read(tmp_path) == run_info
    (tmp_path / "load.json").write_text((tmp_path / "load.json").read_text().replace("from_s", "form_s"))
    with pytest.raises(FileError, match="from_s"):
        run_info_file.read(tmp_path)
