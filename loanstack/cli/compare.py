"""`loanstack compare`: options and help; the work is in `loanstack.commands.compare`."""

import click

from inventory.purpose import Action
from loanstack.cli.capacity_options import capacity_options
from loanstack.cli.options import acts_on_hosts, json_option, load_options
from loanstack.commands.capacity import CapacityParameters
from loanstack.commands.compare import CompareParameters
from loanstack.commands.compare import compare as run_compare
from loanstack.commands.load import LoadParameters
from loanstack.commands.verb import run_verb
from proof.exits import ExitCode


@click.command(short_help="The same load on OceanBase and on MariaDB, as ratios.")
@click.argument("env")
@load_options
@click.option(
    "--rounds",
    type=click.IntRange(min=1, max=20),
    default=2,
    show_default=True,
    help="How many times the load runs on each of the two databases.",
)
@capacity_options
@acts_on_hosts
@json_option
def compare(
    env: str,
    how: CapacityParameters | None,
    scenario: str,
    rate: float | None,
    duration: float,
    rounds: int,
    machine_readable: bool,
) -> ExitCode:
    """Drive the same load on OceanBase and on a semi-synchronous MariaDB pair, in turns: A B A B.

    Same hosts, services, schema, customers and scenario; the other database is stopped meanwhile. Afterwards
    every write is looked up in the database that it went to. Prints ratios (OceanBase over MariaDB) with
    their spread. PASS means that all runs were valid and exact, whichever database is faster. Puts the
    services back on OceanBase at the end.

    \b
    Examples:
      loanstack compare lab --rate 800 --duration 60s
      loanstack compare lab --rate 400 --duration 30s --rounds 1 --json | jq .figures.ratio_tps
      loanstack compare lab --find-capacity --from 600 --to 2000 --probe-duration 20s --rounds 1
    """
    asked = CompareParameters(
        load=LoadParameters(scenario=scenario, rate_per_s=rate, duration_s=duration),
        rounds=rounds,
        capacity=how,
    )
    how_much: dict[str, object] = (
        {"rate": asked.load.mean_per_s, "duration_s": duration} if how is None else how.parameters
    )
    return run_verb(
        "compare",
        env,
        lambda task: run_compare(task, asked),
        machine_readable=machine_readable,
        parameters={"scenario": scenario, "rounds": rounds, **how_much},
        actions=(Action.COMPARE, Action.LOAD, Action.SEED),
    )
