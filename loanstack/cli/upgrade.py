"""`loanstack upgrade`: options and help; the work is in `loanstack.commands.upgrade`."""

import click

from inventory.purpose import Action
from loanstack.cli.options import json_option
from loanstack.commands.upgrade import UpgradeParameters
from loanstack.commands.upgrade import upgrade as run_upgrade
from loanstack.commands.verb import run_verb
from loanstack.runs.task import find_environment
from loanstack.system.rotation import ROLES
from proof.exits import ExitCode

DEFAULT_RATE_PER_S = 100.0


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
@click.option(
    "--rate",
    type=click.FloatRange(min=0),
    help="Writes a second during the upgrade, none of which may fail; 100 by default, 0 in production.",
)
@click.option("--restart", is_flag=True, help="Restart it on every host, even where its version is right.")
@json_option
def upgrade(
    env: str, component: str, batch: int, rate: float | None, restart: bool, machine_readable: bool
) -> ExitCode:
    """Bring every host of a component of ENV to the version that the inventory lists, and fail no request.

    Each host leaves the rotation, finishes its requests, gets the new version, answers test requests, and
    comes back. If the new version does not start or does not answer, the host gets its previous version back
    and the upgrade ends: exit code 1. If an upgrade is killed in the middle, the next one completes it.

    Clients write during the upgrade (--rate); a failed request of theirs also gives exit code 1. In
    production only real customers send requests, and this command does not count their failed requests.

    \b
    Examples:
      loanstack upgrade lab --component portal
      loanstack upgrade qinghai --component loan --batch 2
      loanstack upgrade lab --component tongweb --restart
    """
    if rate is None:
        rate = DEFAULT_RATE_PER_S if Action.LOAD in find_environment(env).allowed else 0.0
    asked = UpgradeParameters(component=component, batch=batch, restart=restart, rate_per_s=rate)
    return run_verb(
        "upgrade",
        env,
        lambda task: run_upgrade(task, asked),
        machine_readable=machine_readable,
        parameters={"component": component, "batch": batch, "restart": restart, "rate": rate},
        actions=(Action.UPGRADE, *((Action.LOAD, Action.SEED) if rate else ())),
    )
