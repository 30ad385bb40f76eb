"""Which objectives a run should have had, by the code and the inventory of today.

A run is judged by the objectives that it recorded, so an objective that is deleted from them could not fail.
"""

from collections.abc import Sequence
from pathlib import Path

from chaos.catalogue import drills as catalogue
from chaos.engine import results as drill_files
from chaos.engine.judgement import objectives_of, over_repeats_of
from inventory.drill_slo import NoObjectivesError
from inventory.model import Environment
from loadtests.plan.scenarios import SCENARIOS
from loadtests.results import run_info
from loanstack.results.whole import part_name
from loanstack.runs.folder import Results, RunFolder
from proof import promised
from proof.objectives import Objective


def left_out(
    run: RunFolder, recorded: Results, env: Environment, own: Sequence[Objective]
) -> tuple[Objective, ...]:
    """Return the objectives of such a run that are not among its own.

    + env: the environment, with the durability that the run had
    + own: objectives that the run recorded; their limits may differ, because the inventory may have changed
    """
    has = {(each.figure, each.at_least) for each in own}
    if not own and not recorded.figures:
        # It ended before its work began.
        return ()
    return tuple(each for each in _derived(run, recorded, env) if (each.figure, each.at_least) not in has)


def _derived(run: RunFolder, recorded: Results, env: Environment) -> tuple[Objective, ...]:
    match recorded.verb:
        case "load":
            return promised.of_capacity(env.load_slo) if recorded.children else _of_load(run.path, env)
        case "drill":
            return _of_drills(recorded, env) if recorded.children else _of_drill(run.path, env)
        case "verify":
            return promised.of_verify()
        case "seed":
            return promised.of_seed(
                customers=env.journey.customers, max_healthy_lag_ms=env.database.max_healthy_lag_ms
            )
        case "deploy":
            return _of_deploy(run.path, env)
        case "upgrade":
            return promised.of_upgrade(under_load="requests" in recorded.figures)
        case _:
            return ()


def _of_load(folder: Path, env: Environment) -> tuple[Objective, ...]:
    if not (folder / run_info.LOAD_FILE).exists():
        return ()
    info = run_info.read(folder)
    # Of a rate that is no whole number of writes, objectives were derived for the whole ones.
    rate_per_s = min(info.rate_per_s, info.writes_planned / info.duration_s)
    scenario = SCENARIOS[info.scenario]
    return scenario.objectives(env.load_slo, env.deploy_slo, rate_per_s=rate_per_s)


def _of_drill(folder: Path, env: Environment) -> tuple[Objective, ...]:
    run = drill_files.read_run(folder)
    drill = None if run is None else catalogue.drills(env).get(run.drill)
    try:
        return () if drill is None else objectives_of(env, drill)
    except NoObjectivesError:
        return ()


def _of_drills(recorded: Results, env: Environment) -> tuple[Objective, ...]:
    """Return the objectives of several drills, or of several runs of one whose folders are `N-NAME`."""
    drill = catalogue.drills(env).get(part_name(recorded.children[0]))
    if drill is None:
        return promised.of_all_drills(env.drill_slo)
    try:
        return over_repeats_of(env, drill, repeats=len(recorded.children))
    except NoObjectivesError:
        return ()


def _of_deploy(folder: Path, env: Environment) -> tuple[Objective, ...]:
    """Return the objectives of a deploy; as a step of a proof it has more, and a folder named after it."""
    of_step = {
        "deploy": promised.of_first_deploy(env.deploy_slo),
        "deploy-again": promised.of_second_deploy(env.deploy_slo),
    }
    return of_step.get(part_name(folder.name), (promised.NO_HOST_FAILED,))
