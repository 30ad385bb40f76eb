"""`loanstack`: names the common trips. Everything it runs also works by itself."""

import sys
from pathlib import Path

import click

from chaos.steady import STEADY_FOR_S, STEADY_WITHIN_S
from loanstack.capacity_options import capacity_options
from loanstack.commands.capacity import CapacityAsked, find_capacity
from loanstack.commands.deploy import deploy as run_deploy
from loanstack.commands.deploy import limited_to
from loanstack.commands.deploy import plan as run_plan
from loanstack.commands.drill import ALL, DrillAsked, known_drills
from loanstack.commands.drill import drill as run_drill
from loanstack.commands.load import Asked
from loanstack.commands.load import load as run_load
from loanstack.commands.prove import prove as run_prove
from loanstack.commands.seed import Asked as SeedAsked
from loanstack.commands.seed import seed_environment
from loanstack.commands.verify import verify as run_verify
from loanstack.console import Console
from loanstack.exits import ExitCode
from loanstack.failover_cli import failover
from loanstack.options import (
    Duration,
    abort_option,
    json_option,
    load_options,
    narrowed,
    processes_asked,
    shape_options,
    workers_option,
)
from loanstack.report.page import write_report
from loanstack.runs import RunFolder, RunFolderError
from loanstack.subprocesses import interrupt_on_signals
from loanstack.task import CommandError, find_environment, run_verb


class Commands(click.Group):
    """The group; loads the lab's own commands only when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return all names."""
        return sorted([*super().list_commands(ctx), "lab"])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return one command."""
        if cmd_name == "lab":
            from lab.cli import lab

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


@cli.command(short_help="Drive the loan journey, and judge it.")
@click.argument("env")
@load_options
@shape_options
@abort_option
@workers_option
@capacity_options
@json_option
def load(
    env: str,
    how: CapacityAsked | None,
    scenario: str,
    rate: float | None,
    duration: float,
    shape: str,
    spacing: str,
    abort_on_fail: bool,
    workers: str | None,
    machine_readable: bool,
) -> ExitCode:
    """Drive the loan journey through the gateways of ENV at a planned rate, and judge it.

    Every write is recorded and looked for in the database afterwards. A rate that is missed fails.

    \b
    Examples:
      loanstack load lab
      loanstack load lab --rate 200 --duration 20s
      loanstack load lab --shape ramp:200..1200 --duration 5m --abort-on-fail
      loanstack load lab --shape replay:month-end.csv --rate 500 --spacing poisson
      loanstack load lab --rate 2000 --workers 4
      loanstack load lab --find-capacity --from 400
    """
    asked = Asked(
        scenario=scenario,
        rate_per_s=rate,
        duration_s=duration,
        shape=shape,
        spacing=spacing,
        abort_on_fail=abort_on_fail,
        workers=processes_asked(workers, find_environment(env)),
    )
    if asked.workers and abort_on_fail:
        raise click.UsageError(
            "--abort-on-fail with --workers: each would see its own share of the budget only"
        )
    if how is not None:
        return run_verb(
            "load",
            env,
            lambda task: find_capacity(task, asked, how),
            machine_readable=machine_readable,
            parameters={"scenario": scenario, "find_capacity": True, "spacing": spacing, **how.parameters},
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
            "workers": asked.workers or 1,
        },
    )


@cli.command(short_help="Invent customers, as many as a bank has.")
@click.argument("env")
@click.option(
    "--customers",
    type=click.IntRange(min=1),
    help="How many there shall be in all; by default as many as the inventory says.",
)
@click.option(
    "--seed",
    "seed_number",
    type=click.IntRange(min=0, max=2**31 - 1),
    help="Which people: the same number, the same rows. By default that of those who are there, or 1.",
)
@json_option
def seed(env: str, customers: int | None, seed_number: int | None, machine_readable: bool) -> ExitCode:
    """Invent customers of ENV with their limits and last year's drawdowns; those who are there stay.

    Households, villages, seasons and products are as skewed as in life. A run that was ended is completed by
    the next one. What does not fit into the databases is refused.

    \b
    Examples:
      loanstack seed lab --customers 1000000
      loanstack seed lab --customers 1000000 --json | jq .figures.rows_per_s
    """
    asked = SeedAsked(customers=customers or find_environment(env).journey.customers, seed=seed_number)
    return run_verb(
        "seed",
        env,
        lambda task: seed_environment(task, asked),
        machine_readable=machine_readable,
        parameters={"customers": asked.customers, "seed": "as it is" if seed_number is None else seed_number},
    )


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
    """
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
@json_option
def prove(
    env: str, scenario: str, rate: float | None, duration: float, keep: bool, machine_readable: bool
) -> ExitCode:
    """Go from nothing to a verdict: lab up, deploy twice, verify, load, drills, one report, lab down.

    \b
    Examples:
      loanstack prove lab
      loanstack prove lab --rate 200 --duration 30s --keep
    """
    is_lab = find_environment(env).is_lab
    asked = Asked(scenario=scenario, rate_per_s=rate, duration_s=duration)
    return run_verb(
        "prove",
        env,
        lambda task: run_prove(task, asked, keep=keep),
        machine_readable=machine_readable,
        parameters={"scenario": scenario, "rate": asked.mean_per_s, "duration_s": duration},
        needs_hosts=not is_lab,
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


cli.add_command(failover)


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
