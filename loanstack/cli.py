"""`loanstack`: names the common trips. Everything it runs also works by itself."""

import os
import sys
from pathlib import Path

import click

from chaos.steady import STEADY_FOR_S, STEADY_WITHIN_S
from inventory import InventoryError
from inventory.purpose import Action
from loanstack.commands.deploy import deploy as run_deploy
from loanstack.commands.deploy import limited_to
from loanstack.commands.deploy import plan as run_plan
from loanstack.commands.drill import ALL, STOP, DrillAsked, known_drills
from loanstack.commands.drill import drill as run_drill
from loanstack.commands.drill import stop as stop_drill
from loanstack.commands.load import Asked
from loanstack.commands.prove import prove as run_prove
from loanstack.commands.verify import verify as run_verify
from loanstack.compare_cli import compare
from loanstack.console import Console
from loanstack.exits import ExitCode
from loanstack.failover_cli import failover
from loanstack.load_cli import load, seed
from loanstack.options import (
    Duration,
    acts_on_hosts,
    json_option,
    load_options,
    narrowed,
)
from loanstack.report.page import write_report
from loanstack.runs import RunFolder, RunFolderError
from loanstack.subprocesses import interrupt_on_signals
from loanstack.task import CommandError, find_environment, run_verb
from loanstack.upgrade_cli import upgrade

TOPOLOGY_VARIABLE = "LOANSTACK_LAB_TOPOLOGY"
"""What every command, and every program that one starts, reads the lab's topology from."""


class Commands(click.Group):
    """The group; loads the lab's own commands only when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return all names."""
        return sorted([*super().list_commands(ctx), "lab"])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return one command."""
        if cmd_name == "lab":
            try:
                from lab.cli import lab
            except InventoryError as wrong:
                raise CommandError(str(wrong)) from None
            return lab
        return super().get_command(ctx, cmd_name)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="loanstack", message="%(prog)s %(version)s")
def cli() -> None:
    """Deploy a rural bank's loan stack and prove what it claims.

    ENV is an environment of the inventory: lab or qinghai. Each run writes a folder below runs/, with
    results.json and report.html; runs/latest points at the newest.

    \b
    Exit codes: 0 pass, 1 an SLO or a validation failed, 2 usage, 3 INVALID (the run proves nothing),
    4 residue or a failed heal, 5 changes are pending (plan), 130 interrupted.
    """


@cli.command(short_help="Show what a deploy would change.")
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


@cli.command()
@click.argument("env")
@narrowed
@json_option
def deploy(env: str, only: str | None, limit: str | None, machine_readable: bool) -> ExitCode:
    """Converge the hosts of ENV. A host that fails is named; run it again to complete it.

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


@cli.command()
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


@cli.command(short_help="Break ENV on purpose, put it right, and judge it.")
@click.argument("env")
@click.argument("name")
@click.option(
    "--repeat", type=click.IntRange(min=1, max=100), default=1, show_default=True, help="How often."
)
@click.option(
    "--rate", type=click.FloatRange(min=1), default=500, help="Writes a second meanwhile; 500 by default."
)
@click.option(
    "--steady-within",
    type=Duration(),
    default=f"{STEADY_WITHIN_S:.0f}s",
    show_default=True,
    help="How long to wait for the hypothesis; nothing is broken without it.",
)
@acts_on_hosts
@json_option
def drill(
    env: str, name: str, repeat: int, rate: float, steady_within: float, machine_readable: bool
) -> ExitCode:
    """Break ENV on purpose, put it right, and judge what clients saw and what was lost.

    NAME is one of `loanstack drills`, or all: then each of them in turn, until one leaves something behind.

    \b
    Examples:
      loanstack drills
      loanstack drill lab primary-crash
      loanstack drill lab primary-crash --repeat 5 --json | jq .figures.rto_ms_p95
      loanstack drill lab all --repeat 3
      loanstack drill stop lab     (from another terminal: ends the one that runs, which heals first)
    """
    if env == STOP:
        stop_drill(find_environment(name))
        return ExitCode.PASS
    known = (*known_drills(find_environment(env)), ALL)
    if name not in known:
        raise CommandError(f"no drill {name!r}; known: {', '.join(known)}")
    if steady_within < STEADY_FOR_S:
        raise CommandError(
            f"--steady-within {steady_within:g}s: the hypothesis must hold for {STEADY_FOR_S:g} s by itself"
        )
    asked = DrillAsked(rate_per_s=rate, steady_within_s=steady_within)
    return run_verb(
        "drill",
        env,
        lambda task: run_drill(task, name, asked, repeat=repeat),
        machine_readable=machine_readable,
        parameters={"drill": name, "repeat": repeat, "rate": rate},
        actions=(Action.DRILL, Action.LOAD, Action.SEED),
    )


@cli.command()
@click.argument("env", default="lab")
@json_option
def drills(env: str, machine_readable: bool) -> None:
    """List the drills of ENV."""
    known = known_drills(find_environment(env))
    if machine_readable:
        Console.print_json(known)
        return
    width = max(len(name) for name in known)
    for name, title in known.items():
        click.echo(f"{name:<{width}}  {title}")


@cli.command(short_help="From nothing to a verdict: all of it, one report.")
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
    help="Of the lab: its seven hosts, two more that make load, or an aarch64 host of the loan services.",
)
@acts_on_hosts
@json_option
def prove(
    env: str, scenario: str, rate: float | None, duration: float, keep: bool, machine_readable: bool
) -> ExitCode:
    """Go from nothing to a verdict: lab up, deploy twice, verify, load, drills, one report, lab down.

    \b
    Examples:
      loanstack prove lab
      loanstack prove lab --rate 200 --duration 30s --keep
      loanstack prove lab --topology full
    """
    found = find_environment(env)
    rate_per_s = found.prove_pace.load_per_s if rate is None else rate
    asked = Asked(scenario=scenario, rate_per_s=rate_per_s, duration_s=duration)
    return run_verb(
        "prove",
        env,
        lambda task: run_prove(task, asked, keep=keep),
        machine_readable=machine_readable,
        parameters={"scenario": scenario, "rate": asked.mean_per_s, "duration_s": duration},
        needs_hosts=not found.is_lab,
        actions=(Action.LOAD, Action.SEED, Action.DRILL),
    )


@cli.command(short_help="Make report.html of a run folder again.")
@click.argument("run_folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@json_option
def report(run_folder: Path, machine_readable: bool) -> None:
    """Make report.html of RUN_FOLDER again, from its files alone.

    \b
    Examples:
      loanstack report runs/latest
    """
    path = write_report(run_folder)
    if machine_readable:
        Console.print_json(
            {"report": str(path), "verdict": RunFolder(path=run_folder).read_results().verdict}
        )
        return
    click.echo(str(path))


cli.add_command(compare)
cli.add_command(failover)
cli.add_command(load)
cli.add_command(seed)
cli.add_command(upgrade)


def main() -> None:
    """Run the command; every ending has its exit code, and none shows a traceback for a user's mistake."""
    interrupt_on_signals()
    try:
        code = cli.main(prog_name="loanstack", standalone_mode=False)
    except click.ClickException as wrong:
        wrong.show()
        sys.exit(wrong.exit_code)
    except CommandError as failed:
        click.echo(f"loanstack: {failed}", err=True)
        sys.exit(failed.code)
    except RunFolderError as wrong_folder:
        click.echo(f"loanstack: {wrong_folder}", err=True)
        sys.exit(ExitCode.USAGE)
    except (KeyboardInterrupt, click.Abort):
        click.echo("loanstack: interrupted; everything it had started is ended", err=True)
        sys.exit(ExitCode.INTERRUPTED)
    sys.exit(code if isinstance(code, int) else ExitCode.PASS)


if __name__ == "__main__":
    main()
