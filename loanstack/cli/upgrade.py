"""`loanstack upgrade`: the command; what it does is in `loanstack.commands.upgrade`."""

import click

from inventory.purpose import Action
from loanstack.cli.options import json_option
from loanstack.commands.upgrade import UpgradeAsked
from loanstack.commands.upgrade import upgrade as run_upgrade
from loanstack.commands.verb import run_verb
from loanstack.system.rotation import ROLES
from proof.exits import ExitCode


@click.command(short_help="Replace one component, host by host, under load.")
@click.argument("env")
@click.option("--component", type=click.Choice(list(ROLES)), required=True, help="What to upgrade.")
@click.option(
    "--batch",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="How many hosts at a time.",
)
@click.option("--restart", is_flag=True, help="Start it anew on every host, also where the version is right.")
@json_option
def upgrade(env: str, component: str, batch: int, restart: bool, machine_readable: bool) -> ExitCode:
    """Bring every host of a component of ENV to the version that the inventory lists, and fail no request.

    Each host leaves the rotation, finishes what is under way, gets the new version, answers requests of ours,
    and comes back. One whose version does not start or does not answer gets the version of before, and the
    upgrade ends there: exit code 1. One that was killed in the middle is completed by the next.

    \b
    Examples:
      loanstack upgrade lab --component portal
      loanstack upgrade qinghai --component loan --batch 2
      loanstack upgrade lab --component tongweb --restart
    """
    return run_verb(
        "upgrade",
        env,
        lambda task: run_upgrade(task, UpgradeAsked(component=component, batch=batch, restart=restart)),
        machine_readable=machine_readable,
        parameters={"component": component, "batch": batch, "restart": restart},
        actions=(Action.UPGRADE,),
    )
