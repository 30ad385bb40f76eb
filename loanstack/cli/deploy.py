"""`loanstack plan`, `deploy` and `verify`: options and help; the work is in `loanstack.commands`."""

import click

from loanstack.cli.options import json_option, narrowed
from loanstack.commands.deploy import deploy as run_deploy
from loanstack.commands.deploy import limited_to
from loanstack.commands.deploy import plan as run_plan
from loanstack.commands.verb import run_verb
from loanstack.commands.verify import verify as run_verify
from loanstack.runs.task import find_environment
from proof.exits import ExitCode


@click.command(short_help="Show what a deploy would change.")
@click.argument("env")
@narrowed
@json_option
def plan(env: str, only: str | None, limit: str | None, machine_readable: bool) -> ExitCode:
    """Show what a deploy would change on ENV, and change nothing. Exit code 5: changes are pending.

    \b
    Examples:
      loanstack plan lab
      loanstack plan lab --only gateway --limit gw-a
    """
    limited_to(find_environment(env), limit)
    asked = {"only": only or "all", "limit": limit or "all"}
    return run_verb(
        "plan",
        env,
        lambda task: run_plan(task, only=only, limit=limit),
        machine_readable=machine_readable,
        parameters=asked,
    )


@click.command()
@click.argument("env")
@narrowed
@json_option
def deploy(env: str, only: str | None, limit: str | None, machine_readable: bool) -> ExitCode:
    """Converge the hosts of ENV. A host that fails is named; run the command again to complete it.

    \b
    Examples:
      loanstack deploy lab
      loanstack deploy lab --only oceanbase
      loanstack deploy lab --limit app-b --json | jq .figures.operations_changed
    """
    limited_to(find_environment(env), limit)
    asked = {"only": only or "all", "limit": limit or "all"}
    return run_verb(
        "deploy",
        env,
        lambda task: run_deploy(task, only=only, limit=limit),
        machine_readable=machine_readable,
        parameters=asked,
    )


@click.command()
@click.argument("env")
@json_option
def verify(env: str, machine_readable: bool) -> ExitCode:
    """Check every host of ENV against the inventory.

    \b
    Examples:
      loanstack verify lab
      loanstack verify lab --json | jq '.figures.tests_failed, .reasons'
    """
    return run_verb("verify", env, run_verify, machine_readable=machine_readable)
