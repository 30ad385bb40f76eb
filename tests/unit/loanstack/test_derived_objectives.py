"""The objectives that a run should have had are those that its command takes, for each verb."""

import json
from pathlib import Path

import pytest

from chaos.catalogue import drills as catalogue
from chaos.engine.judgement import objectives_of, over_repeats_of
from inventory import environment
from loadtests.plan.scenarios import SCENARIOS
from loanstack.judging import derived
from loanstack.runs.folder import Results, RunFolder
from proof import promised
from proof.objectives import Objective
from proof.verdict import Verdict
from tests.unit.loanstack.golden import change_json, unpacked

LAB = environment("lab")
CRASH = catalogue.drills(LAB)["primary-crash"]


def of_run(folder: Path, verb: str, *, children: tuple[str, ...] = ()) -> tuple[Objective, ...]:
    done = Results(
        verb=verb, environment="lab", verdict=Verdict.PASS, figures={"seconds": 1.0}, children=children
    )
    return derived.left_out(RunFolder(path=folder), done, LAB, ())


@pytest.mark.parametrize(
    ("folder", "verb", "children", "expected"),
    [
        ("2026-11-30T212049Z-deploy", "deploy", (), (promised.NO_HOST_FAILED,)),
        ("1-deploy", "deploy", (), promised.of_first_deploy(LAB.deploy_slo)),
        ("2-deploy-again", "deploy", (), promised.of_second_deploy(LAB.deploy_slo)),
        ("6-deploy-cross_centre", "deploy", (), (promised.NO_HOST_FAILED,)),
        ("3-verify", "verify", (), promised.of_verify()),
        ("search", "load", ("1-probe-400-per-s",), promised.of_capacity(LAB.load_slo)),
        ("all", "drill", ("1-drill-primary-crash",), promised.of_all_drills(LAB.drill_slo)),
        ("two", "drill", ("1-primary-crash", "2-primary-crash"), over_repeats_of(LAB, CRASH, repeats=2)),
        (
            "twenty",
            "drill",
            tuple(f"{n}-primary-crash" for n in range(1, 21)),
            over_repeats_of(LAB, CRASH, repeats=20),
        ),
        ("whole", "prove", ("1-deploy",), ()),
        ("both", "compare", ("2-load-oceanbase",), ()),
        ("ahead", "plan", (), ()),
    ],
)
def test_each_verb_has_the_objectives_of_its_command(
    folder: str, verb: str, children: tuple[str, ...], expected: tuple[Objective, ...], tmp_path: Path
) -> None:
    assert of_run(tmp_path / folder, verb, children=children) == expected


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("rate_per_s", [100.0, 1000.0])
def test_a_load_has_those_of_its_scenario_at_its_rate(
    scenario: str, rate_per_s: float, tmp_path: Path
) -> None:
    run = unpacked("load", tmp_path)
    writes = round(20.0 * rate_per_s)
    change_json(run / "load.json", scenario=scenario, rate_per_s=rate_per_s, writes_planned=writes)
    wanted = SCENARIOS[scenario].objectives(LAB.load_slo, LAB.deploy_slo, rate_per_s=rate_per_s)
    assert of_run(run, "load") == wanted


def test_a_drill_has_those_of_its_name(tmp_path: Path) -> None:
    assert of_run(unpacked("drill", tmp_path), "drill") == objectives_of(LAB, CRASH)


def test_a_run_that_ended_before_its_work_lacks_none(tmp_path: Path) -> None:
    nothing = Results(verb="seed", environment="lab", verdict=Verdict.INVALID, reasons=("no room",))
    assert derived.left_out(RunFolder(path=tmp_path), nothing, LAB, ()) == ()


def test_an_objective_with_another_limit_is_there(tmp_path: Path) -> None:
    run = unpacked("load", tmp_path)
    own = [Objective(**{**one, "limit": 7.0}) for one in json.loads((run / "objectives.json").read_text())]
    done = Results(verb="load", environment="lab", verdict=Verdict.PASS)
    assert derived.left_out(RunFolder(path=run), done, LAB, own) == ()
