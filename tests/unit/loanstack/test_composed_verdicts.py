"""Each verb judges what it shows as promised: each objective alone can fail it, or leave it unproved."""

from collections.abc import Callable, Mapping

import pytest

from inventory import environment
from inventory.database_kind import DatabaseKind
from loadtests.plan.scenarios import SCENARIOS
from loanstack.commands.load import LoadParameters
from loanstack.commands.prove import whole
from loanstack.commands.steps import Done, Planned, StepOutcome
from loanstack.results import comparison, deploys, host_tests
from loanstack.results.comparison import Ran
from loanstack.results.deploys import DeployOutcome, HostOutcome
from loanstack.results.drills import together
from loanstack.results.host_tests import HostTest
from loanstack.runs.folder import Results
from proof import promised
from proof.objectives import Objective, evaluate
from proof.verdict import Finding, Verdict, failed, overall, unproved

LAB = environment("lab")
DRILLS = [name for name, _ in LAB.drill_slo.limits]
CONVERGED = DeployOutcome(hosts={"a": HostOutcome(operations=3, changed=0, failed=0)})
TESTED = (HostTest(host="a", name="sysctl", outcome="passed", message=""),)

Judge = Callable[[Mapping[str, float]], Verdict]


def by_objectives(objectives: tuple[Objective, ...]) -> Judge:
    """As `load`, `drill`, `seed`, `upgrade` and a search for the capacity have it, beside a sound checker."""
    sound = Finding(name="nothing_doubled", verdict=Verdict.PASS)
    return lambda figures: overall((sound, *evaluate(objectives, figures))).verdict


def of_deploy(objectives: tuple[Objective, ...]) -> Judge:
    return lambda figures: deploys.judged(objectives, figures, CONVERGED, status=0, said="").verdict


def of_repeats(objectives: tuple[Objective, ...]) -> Judge:
    passed = Results(verb="drill", environment="lab", verdict=Verdict.PASS)
    return lambda figures: together([passed], ["1-x"], dict(figures), objectives).verdict


KINDS: dict[str, tuple[tuple[Objective, ...], Judge]] = {}
for _name, _scenario in SCENARIOS.items():
    _load = _scenario.objectives(LAB.load_slo, LAB.deploy_slo, rate_per_s=1000.0)
    KINDS[f"load {_name}"] = _load, by_objectives(_load)
for _name in DRILLS:
    _one = promised.of_drill(LAB.drill_slo, _name, may_lose=True)
    _many = promised.of_repeats(LAB.drill_slo, _name, may_lose=False, repeats=20)
    KINDS[f"drill {_name}"] = _one, by_objectives(_one)
    KINDS[f"drill {_name} repeated"] = _many, of_repeats(_many)
KINDS |= {
    "deploy": (promised.of_first_deploy(LAB.deploy_slo), of_deploy(promised.of_first_deploy(LAB.deploy_slo))),
    "deploy again": (
        promised.of_second_deploy(LAB.deploy_slo),
        of_deploy(promised.of_second_deploy(LAB.deploy_slo)),
    ),
    "verify": (
        promised.of_verify(),
        lambda figures: host_tests.judged(TESTED, figures, status=0).verdict,
    ),
    "upgrade": (
        promised.of_upgrade(under_load=True),
        by_objectives(promised.of_upgrade(under_load=True)),
    ),
}
EACH = [(kind, each) for kind, (objectives, _) in KINDS.items() for each in objectives]


def kept(kind: str) -> dict[str, float]:
    """Figures exactly at every limit."""
    return {each.figure: each.limit for each in KINDS[kind][0]}


@pytest.mark.parametrize("kind", KINDS)
def test_all_kept_is_a_pass(kind: str) -> None:
    assert KINDS[kind][1](kept(kind)) is Verdict.PASS


@pytest.mark.parametrize(("kind", "each"), EACH, ids=lambda value: getattr(value, "figure", value))
def test_each_objective_that_is_broken_fails_it(kind: str, each: Objective) -> None:
    broken = each.limit * 0.99 if each.at_least else each.limit + max(0.01 * each.limit, 1.0)
    expected = Verdict.INVALID if each.of_evidence else Verdict.FAIL
    assert KINDS[kind][1]({**kept(kind), each.figure: broken}) is expected


def test_the_clocks_of_hosts_are_all_that_is_asked_of_the_evidence_by_every_load_and_drill() -> None:
    for kind, (objectives, _) in KINDS.items():
        of_evidence = [each.figure.removesuffix("_max") for each in objectives if each.of_evidence]
        mixes_clocks = kind.startswith(("load", "drill"))
        assert of_evidence == ["clock_offset_certain_ms"] * mixes_clocks, kind


@pytest.mark.parametrize(("kind", "each"), EACH, ids=lambda value: getattr(value, "figure", value))
def test_each_objective_that_was_not_measured_leaves_it_unproved(kind: str, each: Objective) -> None:
    measured = kept(kind)
    del measured[each.figure]
    assert KINDS[kind][1](measured) is Verdict.INVALID


def test_a_spoiled_run_is_invalid_whatever_else_it_broke() -> None:
    found = overall(
        (
            *unproved("planned_load", ["the generator was late"], spoils=True),
            *failed("nothing_acknowledged_lost", ["1 of 9"], title=None),
            *evaluate([Objective(figure="errors", limit=0)], {"errors": 3}),
        )
    )
    assert found.verdict is Verdict.INVALID
    assert found.reasons == (
        "the generator was late",
        "nothing_acknowledged_lost: 1 of 9",
        "Errors: 3; promised: at most 0",
    )


def test_a_missing_measurement_excuses_no_failure() -> None:
    assert overall((*unproved("lag", ["none"]), *failed("money", ["1 of 9"]))).verdict is Verdict.FAIL


@pytest.mark.parametrize("verdict", Verdict)
def test_a_proof_is_as_good_as_its_worst_step(verdict: Verdict) -> None:
    steps = [
        Done(
            step=Planned(name=name, run=lambda: StepOutcome(verdict=Verdict.PASS)),
            outcome=StepOutcome(verdict=found, reasons=("so it was",)),
            seconds=1.0,
        )
        for name, found in (("lab up", Verdict.PASS), ("load", verdict), ("verify", Verdict.PASS))
    ]
    found = whole(steps, environment="lab")
    assert found.verdict is verdict
    assert found.reasons == (() if verdict is Verdict.PASS else ("load: so it was",))


@pytest.mark.parametrize(
    ("verdict", "is_exact", "expected"),
    [
        (Verdict.PASS, True, Verdict.PASS),
        (Verdict.FAIL, True, Verdict.PASS),
        (Verdict.INVALID, True, Verdict.INVALID),
        (Verdict.PASS, False, Verdict.FAIL),
    ],
)
def test_a_comparison_needs_valid_and_exact_runs_whichever_way_they_fall(
    verdict: Verdict, is_exact: bool, expected: Verdict
) -> None:
    def ran(kind: DatabaseKind, verdict: Verdict, is_exact: bool) -> Ran:
        return Ran(database=kind, round=1, folder=f"1-{kind}", verdict=verdict, is_exact=is_exact)

    runs = [
        ran(DatabaseKind.OCEANBASE, verdict, is_exact),
        ran(DatabaseKind.MARIADB, Verdict.PASS, is_exact=True),
    ]
    assert comparison.judge(runs, rounds=1).verdict is expected
    assert comparison.judge(runs, rounds=2).verdict is not Verdict.PASS


def test_a_deploy_that_pyinfra_broke_off_is_no_pass() -> None:
    objectives = (promised.NO_HOST_FAILED,)
    nothing = deploys.of_summary(None, ["a"])
    for found, status in ((CONVERGED, 1), (nothing, 1), (nothing, 0)):
        figures = {**found.figures(), "deploy_s": 1.0}
        assert (
            deploys.judged(objectives, figures, found, status=status, said="no route").verdict is Verdict.FAIL
        )


@pytest.mark.parametrize(("rate_per_s", "duration_s"), [(333.0, 2.5), (1000.0, 120.0), (7.0, 0.9)])
def test_a_perfect_run_keeps_its_rate_however_the_plan_was_rounded(
    rate_per_s: float, duration_s: float
) -> None:
    asked = LoadParameters(scenario="journey", rate_per_s=rate_per_s, duration_s=duration_s)
    rate = promised.of_clients(LAB.load_slo, rate_per_s=asked.mean_per_s)[0]
    writes = round(rate_per_s * duration_s)
    assert rate.met_by({"tps_acknowledged": writes / duration_s})
    assert not rate.met_by({"tps_acknowledged": (writes - 1) / duration_s})
