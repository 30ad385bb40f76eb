"""`loanstack failover ...`: commands to the failover agents of an environment.

Each command runs the tool `loanstack-failover` on a database host. The tool asks the agent of that host,
which checks the command and carries it out, and prints the answer.
"""

import sys

import click

from loanstack.commands.failover import tell
from loanstack.runs.task import find_environment, require_reachable

_dry_run = click.option(
    "--dry-run", is_flag=True, help="Make every check of the real command, and change nothing."
)
_json = click.option("--json", "machine_readable", is_flag=True, help="Print JSON, nothing else.")
_to = click.option("--to", metavar="HOST", help="The host that shall be the primary.")


def _hand_over(env: str, *arguments: str, on: str | None = None) -> None:
    found = find_environment(env)
    require_reachable(found)
    sys.exit(tell(found, arguments, on=on))


def _flags(**chosen: bool) -> tuple[str, ...]:
    return tuple(f"--{name.replace('_', '-')}" for name, is_set in chosen.items() if is_set)


def _target(to: str | None) -> tuple[str, ...]:
    return () if to is None else ("--to", to)


@click.group(short_help="Look at the failover agents, and tell them what to do.")
def failover() -> None:
    """Look at the failover agents of an environment, and tell them what to do.

    \b
    Exit codes: 0 done, 1 refused or failed (with every reason), 2 usage.
    """


@failover.command()
@click.argument("env")
@click.option("--watch", is_flag=True, help="Again every second, until Ctrl-C.")
@_json
def status(env: str, watch: bool, machine_readable: bool) -> None:
    """Show who leads, under which epoch, who follows how closely, and what the agents think.

    \b
    Examples:
      loanstack failover status lab
      loanstack failover status lab --watch
    """
    _hand_over(env, "status", *_flags(watch=watch, json=machine_readable))


@failover.command()
@click.argument("env")
@_json
def history(env: str, machine_readable: bool) -> None:
    """Show every change of the primary: when, why, and with which guarantee.

    \b
    Example:
      loanstack failover history lab
    """
    _hand_over(env, "history", *_flags(json=machine_readable))


@failover.command()
@click.argument("env")
@_to
@_dry_run
def switchover(env: str, to: str | None, dry_run: bool) -> None:
    """Hand the primary over as planned: both sides checked, writes held, nothing lost.

    \b
    Examples:
      loanstack failover switchover lab --dry-run
      loanstack failover switchover lab --to ob-b
    """
    _hand_over(env, "switchover", *_target(to), *_flags(dry_run=dry_run))


@failover.command(name="failover")
@click.argument("env")
@click.option("--to", metavar="HOST", required=True, help="The host that shall be the primary.")
@click.option("--force", is_flag=True, help="Also while the primary is healthy: it is fenced.")
@click.option(
    "--accept-loss",
    is_flag=True,
    help="Also a standby beyond the lag limit: what it lacks is lost, acknowledged or not.",
)
@_dry_run
def failover_to(env: str, to: str, force: bool, accept_loss: bool, dry_run: bool) -> None:
    """Make HOST the primary without the old one's help.

    \b
    Examples:
      loanstack failover failover lab --to ob-b --dry-run
      loanstack failover failover lab --to ob-b --force
    """
    chosen = _flags(force=force, accept_loss=accept_loss, dry_run=dry_run)
    _hand_over(env, "failover", *_target(to), *chosen)


@failover.command()
@click.argument("env")
@click.argument("host")
def rejoin(env: str, host: str) -> None:
    """Empty the database of HOST and let it follow the primary. Refused for the primary itself.

    \b
    Example:
      loanstack failover rejoin lab ob-a
    """
    _hand_over(env, "rejoin", on=host)


@failover.command()
@click.argument("env")
def pause(env: str) -> None:
    """Begin maintenance: the agents promote and rejoin nobody by themselves. They still fence.

    \b
    Example:
      loanstack failover pause lab
    """
    _hand_over(env, "pause")


@failover.command()
@click.argument("env")
def resume(env: str) -> None:
    """End maintenance.

    \b
    Example:
      loanstack failover resume lab
    """
    _hand_over(env, "resume")
