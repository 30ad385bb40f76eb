"""`loanstack drill` and `drills`: options and help; the work is in `loanstack.commands.drill`."""

import click

from chaos.engine.steady import STEADY_FOR_S, STEADY_WITHIN_S
from inventory.purpose import Action
from loanstack.cli.options import Duration, acts_on_hosts, json_option
from loanstack.commands.drill import ALL, DrillParameters, known_drills
from loanstack.commands.drill import drill as run_drill
from loanstack.commands.drill import stop as stop_drill
from loanstack.commands.verb import run_verb
from loanstack.runs.console import Console
from loanstack.runs.task import CommandError, find_environment
from proof.exits import ExitCode


@click.command(short_help="End the drill that runs in ENV; it heals first.")
@click.argument("env")
@json_option
def stop(env: str, machine_readable: bool) -> ExitCode:
    """End the drill that runs in ENV, and wait until it has healed; without one, nothing happens.

    The verdict of the drill is INVALID, and the drills after it are left out.

    \b
    Example:
      loanstack drill stop lab     (from another terminal)
    """
    pid = stop_drill(find_environment(env))
    if machine_readable:
        Console.print_json({"environment": env, "ended_process": pid})
    else:
        what = "no drill is running" if pid is None else f"process {pid} has healed and ended"
        click.echo(f"{env}: {what}")
    return ExitCode.PASS


class _DrillOrStop(click.Command):
    """A drill, whose first argument is an environment; no environment has the name of the other command."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: object
    ) -> click.Context:
        """Return the context of `drill`, or of `drill stop`."""
        if args[:1] == [stop.name]:
            return stop.make_context(f"{info_name} {stop.name}", args[1:], parent, **extra)
        return super().make_context(info_name, args, parent, **extra)


@click.command(cls=_DrillOrStop, short_help="Break ENV on purpose, put it right, and judge it.")
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
    help="How long to wait until the hypothesis holds; if it does not hold in time, nothing is broken.",
)
@acts_on_hosts
@json_option
def drill(
    env: str, name: str, repeat: int, rate: float, steady_within: float, machine_readable: bool
) -> ExitCode:
    """Break ENV on purpose, put it right, and judge what clients saw and what was lost.

    NAME is one of `loanstack drills`, or `all`: every drill in turn, until one leaves residue behind.

    \b
    Examples:
      loanstack drills
      loanstack drill lab primary-crash
      loanstack drill lab primary-crash --repeat 5 --json | jq .figures.rto_ms_p95
      loanstack drill lab all --repeat 3
      loanstack drill stop --help  (from another terminal: ends the running drill, which heals first)
    """
    known = (*known_drills(find_environment(env)), ALL)
    if name not in known:
        raise CommandError(f"no drill {name!r}; known: {', '.join(known)}")
    if steady_within < STEADY_FOR_S:
        raise CommandError(
            f"--steady-within {steady_within:g}s: the hypothesis must hold for {STEADY_FOR_S:g} s by itself"
        )
    asked = DrillParameters(rate_per_s=rate, steady_within_s=steady_within)
    return run_verb(
        "drill",
        env,
        lambda task: run_drill(task, name, asked, repeat=repeat),
        machine_readable=machine_readable,
        parameters={"drill": name, "repeat": repeat, "rate": rate},
        actions=(Action.DRILL, Action.LOAD, Action.SEED),
    )


@click.command()
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
