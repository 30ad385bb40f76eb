"""`loanstack load` and `loanstack seed`: options and help; the work is in `loanstack.commands`."""

import click
from click.core import ParameterSource

from inventory.purpose import Action
from loadtests.plan.scenarios import SCENARIOS
from loadtests.workers.placement import NO_ABORT
from loanstack.cli.capacity_options import capacity_options
from loanstack.cli.companion_options import companion_options
from loanstack.cli.options import (
    abort_option,
    acts_on_hosts,
    json_option,
    load_options,
    shape_options,
    workers_asked,
    workers_option,
)
from loanstack.commands.capacity import CapacityParameters, find_capacity
from loanstack.commands.load import LoadParameters
from loanstack.commands.load import load as run_load
from loanstack.commands.seed import SeedParameters, seed_environment
from loanstack.commands.verb import run_verb
from loanstack.companions.options import CompanionParameters
from loanstack.runs.task import find_environment
from proof.exits import ExitCode


@click.command(short_help="Drive the loan journey, and judge it.")
@click.argument("env")
@load_options
@shape_options
@abort_option
@workers_option
@companion_options
@capacity_options
@acts_on_hosts
@json_option
def load(
    env: str,
    how: CapacityParameters | None,
    beside: CompanionParameters,
    scenario: str,
    rate: float | None,
    duration: float,
    shape: str,
    spacing: str,
    abort_on_fail: bool,
    workers: str | None,
    processes_per_host: int | None,
    machine_readable: bool,
) -> ExitCode:
    """Drive the loan journey through the gateways of ENV at a planned rate, and judge it.

    Every write is recorded and looked up in the database afterwards. A load that misses its planned rate
    fails.

    \b
    Examples:
      loanstack load lab
      loanstack load lab --rate 200 --duration 20s
      loanstack load lab --shape ramp:200..1200 --duration 5m --abort-on-fail
      loanstack load lab --shape replay:month-end.csv --rate 500 --spacing poisson
      loanstack load lab --rate 2000 --workers 4
      loanstack load lab --scenario hot-limit --rate 500 --duration 40s
      loanstack load lab --duration 5m --major-freeze
      loanstack load lab --scenario analytics --rate 500
      loanstack load lab --scenario soak --rate 500 --duration 2h
      loanstack load lab --rate 2000 --workers load-a,load-b --processes-per-host 2
      loanstack load lab --find-capacity --from 400
    """
    if click.get_current_context().get_parameter_source("duration") is ParameterSource.DEFAULT:
        duration = SCENARIOS[scenario].default_duration_s(duration)
    asked = LoadParameters(
        scenario=scenario,
        rate_per_s=rate,
        duration_s=duration,
        shape=shape,
        spacing=spacing,
        abort_on_fail=abort_on_fail,
        workers=workers_asked(workers, processes_per_host, find_environment(env)),
        beside=beside,
    )
    if asked.workers and abort_on_fail:
        raise click.UsageError(NO_ABORT)
    if how is not None and SCENARIOS[scenario].storm:
        raise click.UsageError(
            f"--find-capacity with --scenario {scenario}: its storm makes two rates; allowed: another"
        )
    wrong = beside.problems(scenario=scenario, duration_s=duration, is_search=how is not None)
    if wrong:
        raise click.UsageError("\n".join(wrong))
    if how is not None:
        return run_verb(
            "load",
            env,
            lambda task: find_capacity(task, asked, how),
            machine_readable=machine_readable,
            parameters={"scenario": scenario, "find_capacity": True, "spacing": spacing, **how.parameters},
            actions=(Action.LOAD, Action.SEED),
        )
    try:
        mean_per_s = asked.mean_per_s
    except ValueError as wrong:
        raise click.BadParameter(str(wrong), param_hint="--shape") from None
    return run_verb(
        "load",
        env,
        lambda task: run_load(task, asked),
        machine_readable=machine_readable,
        parameters={
            "scenario": scenario,
            "rate": mean_per_s,
            "duration_s": duration,
            "shape": shape,
            "spacing": spacing,
            "abort_on_fail": abort_on_fail,
            "workers": workers or 1,
            "major_freeze": beside.major_freeze,
            **beside.settings(scenario),
        },
        actions=(Action.LOAD, Action.SEED),
    )


@click.command(short_help="Insert invented customers into the databases.")
@click.argument("env")
@click.option(
    "--customers",
    type=click.IntRange(min=1),
    help="Number of customers in all, with those already there; by default the inventory's number.",
)
@click.option(
    "--seed",
    "seed_number",
    type=click.IntRange(min=0, max=2**31 - 1),
    help="Seed of the random generator: equal seeds give equal rows. By default the seed of the "
    "customers already there, or 1.",
)
@acts_on_hosts
@json_option
def seed(env: str, customers: int | None, seed_number: int | None, machine_readable: bool) -> ExitCode:
    """Insert invented customers of ENV with their limits and last year's drawdowns; existing ones stay.

    Households, villages, seasons and products are skewed as those of a real bank are. If a run is ended
    early, the next run completes it. More customers than the databases have room for are refused.

    \b
    Examples:
      loanstack seed lab --customers 1000000
      loanstack seed lab --customers 1000000 --json | jq .figures.rows_per_s
    """
    asked = SeedParameters(customers=customers or find_environment(env).journey.customers, seed=seed_number)
    return run_verb(
        "seed",
        env,
        lambda task: seed_environment(task, asked),
        machine_readable=machine_readable,
        parameters={"customers": asked.customers, "seed": "as it is" if seed_number is None else seed_number},
        actions=(Action.SEED,),
    )
