"""A load is judged by what is shown as promised: each promise alone can fail it, or leave it unproved."""

import pytest

from chaos.findings import Finding, Verdict
from inventory import environment
from loadtests.judge import Judgement
from loadtests.judge import Verdict as LoadVerdict
from loanstack import promises
from loanstack.commands.load import Asked, _composed
from loanstack.promises import Promise

LAB = environment("lab")
SCENARIOS = ("journey", "hot-limit", "multi-entity")
GOOD = Judgement(verdict=LoadVerdict.PASS, reasons=())
SOUND = Finding(name="nothing_acknowledged_lost", verdict=Verdict.PASS, figures={"acknowledged_lost": 0})


def promised(scenario: str) -> tuple[Promise, ...]:
    return promises.of_load(LAB.load_slo, LAB.deploy_slo, rate_per_s=1000.0, scenario=scenario)


def kept(scenario: str) -> dict[str, float]:
    """Figures exactly at every limit."""
    return {each.figure: each.limit for each in promised(scenario)}


EACH = [(scenario, each) for scenario in SCENARIOS for each in promised(scenario)]


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_load_at_all_its_limits_passes(scenario: str) -> None:
    assert _composed(GOOD, (SOUND,), promised(scenario), kept(scenario)) == (Verdict.PASS, [])


@pytest.mark.parametrize(("scenario", "each"), EACH, ids=lambda value: getattr(value, "figure", value))
def test_each_promise_that_is_broken_fails_it(scenario: str, each: Promise) -> None:
    broken = each.limit * 0.99 if each.at_least else each.limit + max(0.01 * each.limit, 1.0)
    verdict, _ = _composed(GOOD, (SOUND,), promised(scenario), {**kept(scenario), each.figure: broken})
    assert verdict is Verdict.FAIL


@pytest.mark.parametrize(("scenario", "each"), EACH, ids=lambda value: getattr(value, "figure", value))
def test_each_promise_that_was_not_measured_leaves_it_unproved(scenario: str, each: Promise) -> None:
    measured = kept(scenario)
    del measured[each.figure]
    assert _composed(GOOD, (SOUND,), promised(scenario), measured)[0] is Verdict.INVALID


def test_a_service_that_got_nothing_says_so() -> None:
    verdict, reasons = _composed(
        GOOD, (SOUND,), promised("journey"), {**kept("journey"), "service_share_min": 0.0}
    )
    assert verdict is Verdict.FAIL
    assert reasons == ["Least share of a service, by weight: 0; promised: at least 0.30"]


def test_a_run_that_was_not_the_planned_one_proves_nothing_whatever_else_it_broke() -> None:
    spoiled = Judgement(verdict=LoadVerdict.INVALID, reasons=("the generator was late",), is_spoiled=True)
    lost = Finding(name="nothing_acknowledged_lost", verdict=Verdict.FAIL, reasons=("1 of 9",))
    measured = {**kept("journey"), "memory_mib_total": 1e9}
    verdict, reasons = _composed(spoiled, (lost,), promised("journey"), measured)
    assert verdict is Verdict.INVALID
    assert reasons[:2] == ["the generator was late", "nothing_acknowledged_lost: 1 of 9"]


def test_a_finding_fails_it_and_a_missing_measurement_excuses_none() -> None:
    missing = Judgement(verdict=LoadVerdict.INVALID, reasons=("no lag",))
    lost = Finding(name="nothing_acknowledged_lost", verdict=Verdict.FAIL, reasons=("1 of 9",))
    assert _composed(missing, (lost,), promised("journey"), kept("journey"))[0] is Verdict.FAIL


@pytest.mark.parametrize(("rate_per_s", "duration_s"), [(333.0, 2.5), (1000.0, 120.0), (7.0, 0.9)])
def test_a_perfect_run_keeps_its_rate_however_the_plan_was_rounded(
    rate_per_s: float, duration_s: float
) -> None:
    asked = Asked(scenario="journey", rate_per_s=rate_per_s, duration_s=duration_s)
    rate = promises.of_load(LAB.load_slo, LAB.deploy_slo, rate_per_s=asked.mean_per_s)[0]
    writes = round(rate_per_s * duration_s)
    assert rate.met_by({"tps_acknowledged": writes / duration_s})
    assert not rate.met_by({"tps_acknowledged": (writes - 1) / duration_s})
