"""`loanstack prove`: options and help; the work is in `loanstack.commands.prove`."""

import os

import click

from inventory.purpose import Action
from loanstack.cli.options import acts_on_hosts, json_option, load_options
from loanstack.commands.load import LoadParameters
from loanstack.commands.prove import prove as run_prove
from loanstack.commands.verb import run_verb
from loanstack.runs.task import find_environment
from proof.exits import ExitCode

TOPOLOGY_VARIABLE = "LOANSTACK_LAB_TOPOLOGY"
"""Environment variable from which every command, and every program it starts, reads the lab's topology."""


@click.command(short_help="From a fresh machine to one verdict and one report.")
@click.argument("env")
@load_options
@click.option("--keep", is_flag=True, help="Leave the lab up at the end.")
@click.option(
    "--topology",
    type=click.Choice(["core", "load", "full"]),
    envvar=TOPOLOGY_VARIABLE,
    show_envvar=True,
    default="core",
    show_default=True,
    # Before ENV is looked up: the lab's inventory reads it once.
    is_eager=True,
    expose_value=False,
    callback=lambda ctx, option, value: os.environ.__setitem__(TOPOLOGY_VARIABLE, value),
    help="Hosts of the lab: its seven, two more that make load, or an aarch64 host of the loan services.",
)
@acts_on_hosts
@json_option
def prove(
    env: str, scenario: str, rate: float | None, duration: float, keep: bool, machine_readable: bool
) -> ExitCode:
    """From a fresh machine to one verdict: lab up, deploy twice, verify, load, drills, report, lab down.

    \b
    Examples:
      loanstack prove lab
      loanstack prove lab --rate 200 --duration 30s --keep
      loanstack prove lab --topology full
    """
    found = find_environment(env)
    rate_per_s = found.prove_pace.load_per_s if rate is None else rate
    asked = LoadParameters(scenario=scenario, rate_per_s=rate_per_s, duration_s=duration)
    return run_verb(
        "prove",
        env,
        lambda task: run_prove(task, asked, keep=keep),
        machine_readable=machine_readable,
        parameters={"scenario": scenario, "rate": asked.mean_per_s, "duration_s": duration},
        needs_hosts=not found.is_lab,
        actions=(Action.LOAD, Action.SEED, Action.DRILL),
    )
