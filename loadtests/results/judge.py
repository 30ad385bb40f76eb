"""The verdict over the record of a load alone: results of clients, without the cost on hosts. Pure."""

from inventory.slo import LoadSlo
from loadtests.plan.scenarios import SCENARIOS
from loadtests.results import validity
from loadtests.results.figures import LoadFigures
from proof.objectives import evaluate
from proof.verdict import Judgement, overall


def judge_record(found: LoadFigures, slo: LoadSlo) -> Judgement:
    """Return the verdict over a recorded load, with every reason; `loanstack load` judges its cost too."""
    run_info = found.run_info
    # The planned rate is that of whole writes, so it may differ from the given rate by half a write.
    rate_per_s = run_info.writes_planned / run_info.duration_s
    objectives = SCENARIOS[run_info.scenario].of_clients(slo, rate_per_s=rate_per_s)
    kept = evaluate(objectives, found.values, details=validity.details(found))
    return overall((*validity.findings(found), *kept))
