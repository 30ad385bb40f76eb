"""`loanstack-failover`: the commands of one database host's failover agent.

All but `run` ask the agent that runs on this host, with the token from its settings file.
"""

import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NoReturn

import click

from failover.agent_client import Agent, AgentError, history_in, status_in
from failover.settings import Settings
from failover.settings_file import SETTINGS_FILE, SettingsError, load
from failover.tables import history_lines, status_lines

_REFUSED, _USAGE, _INTERRUPTED = 1, 2, 130
_WATCH_INTERVAL_S = 1.0

_config = click.option(
    "--config",
    type=click.Path(path_type=Path),
    default=SETTINGS_FILE,
    show_default=True,
    help="The agent's settings file.",
)
_dry_run = click.option(
    "--dry-run", is_flag=True, help="Make every check of the real command, and change nothing."
)
_json = click.option("--json", "machine_readable", is_flag=True, help="Print JSON, nothing else.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Look at the failover agents, and tell them what to do.

    \b
    Exit codes: 0 done, 1 refused or failed (with every reason), 2 usage.
    """


@cli.command()
@_config
def run(config: Path) -> None:
    """Be the agent of this host. The unit loanstack-failover.service does that."""
    settings = _settings(config)
    # Imported only here, because no other command needs the agent's libraries.
    from failover.agent.agent import run_agent

    run_agent(settings)


@cli.command()
@_config
@click.option("--watch", is_flag=True, help="Again every second, until Ctrl-C.")
@_json
def status(config: Path, watch: bool, machine_readable: bool) -> None:
    """Show who leads, under which epoch, who follows how closely, and what the agents think.

    \b
    Examples:
      loanstack-failover status
      loanstack-failover status --watch
    """
    agent = _agent(config)
    try:
        while True:
            _show_status(agent, machine_readable, watch)
            if not watch:
                return
            time.sleep(_WATCH_INTERVAL_S)
    except KeyboardInterrupt:
        # Ctrl-C is the normal end of watching.
        return


@cli.command()
@_config
@_json
def history(config: Path, machine_readable: bool) -> None:
    """Show every change of the primary: when, why, and with which guarantee.

    \b
    Example:
      loanstack-failover history
    """
    try:
        body = _agent(config).history()
        lines = [body.decode()] if machine_readable else list(history_lines(history_in(body)))
    except AgentError as failure:
        _give_up(failure.reasons)
    click.echo("\n".join(lines))


@cli.command()
@_config
@click.option("--to", metavar="HOST", help="The host that shall be the primary; default: the best standby.")
@_dry_run
def switchover(config: Path, to: str | None, dry_run: bool) -> None:
    """Hand the primary over as planned: both sides checked, writes held, nothing lost.

    \b
    Examples:
      loanstack-failover switchover --dry-run
      loanstack-failover switchover --to ob-b
    """
    _change_primary(_agent(config), "switchover", {"to": to, "dry_run": dry_run})


@cli.command(name="failover")
@_config
@click.option("--to", metavar="HOST", required=True, help="The host that shall be the primary.")
@click.option("--force", is_flag=True, help="Also while the primary is healthy: it is fenced.")
@click.option(
    "--accept-loss",
    is_flag=True,
    help="Also a standby beyond the lag limit: what it lacks is lost, acknowledged or not.",
)
@_dry_run
def failover_to(config: Path, to: str, force: bool, accept_loss: bool, dry_run: bool) -> None:
    """Make HOST the primary without the old one's help.

    \b
    Examples:
      loanstack-failover failover --to ob-b --dry-run
      loanstack-failover failover --to ob-b --force
    """
    fields = {"to": to, "force": force, "accept_loss": accept_loss, "dry_run": dry_run}
    _change_primary(_agent(config), "failover", fields)


@cli.command()
@_config
def rejoin(config: Path) -> None:
    """Empty the database of this host and let it follow the primary. Refused for the primary itself.

    \b
    Example:
      loanstack-failover rejoin
    """
    said = _command(_agent(config), "rejoin")
    click.echo(
        f"the database of {said['to']} will be emptied and copied anew (request {said['id']});"
        " watch it with: loanstack-failover status --watch"
    )


@cli.command()
@_config
def pause(config: Path) -> None:
    """Begin maintenance: the agents promote and rejoin nobody by themselves. They still fence.

    \b
    Example:
      loanstack-failover pause
    """
    _command(_agent(config), "pause")
    click.echo("paused: nobody is promoted or rejoined by itself until loanstack-failover resume")


@cli.command()
@_config
def resume(config: Path) -> None:
    """End maintenance.

    \b
    Example:
      loanstack-failover resume
    """
    _command(_agent(config), "resume")
    click.echo("resumed: the agents act by themselves again")


def main() -> None:
    """Run the command line."""
    try:
        code = cli(prog_name="loanstack-failover", standalone_mode=False)
    except click.ClickException as wrong:
        wrong.show()
        sys.exit(wrong.exit_code)
    except click.Abort:
        sys.exit(_INTERRUPTED)
    sys.exit(code)


def _show_status(agent: Agent, machine_readable: bool, watch: bool) -> None:
    try:
        body = agent.status()
        lines = [body.decode()] if machine_readable else list(status_lines(status_in(body)))
    except AgentError as failure:
        if not watch:
            _give_up(failure.reasons)
        # A restarted agent answers again in a moment.
        _tell(failure.reasons)
        return
    if watch and not machine_readable:
        click.clear()
    click.echo("\n".join(lines))


def _change_primary(agent: Agent, verb: str, fields: dict[str, object]) -> None:
    if fields["dry_run"]:
        said = _command(agent, verb, fields)
        click.echo(f"nothing speaks against a {verb} to {said['to']}; nothing was changed")
        return
    try:
        said = agent.follow(verb, {**fields, "wait": True}, lambda step: click.echo(step, err=True))
    except AgentError as failure:
        _give_up(failure.reasons)
    except KeyboardInterrupt:
        _tell(["no longer watched; what was asked for goes on: see loanstack-failover status"])
        sys.exit(_INTERRUPTED)
    outcome = said["outcome"]
    if outcome is None:
        _give_up([f"{verb} to {said['to']} has not ended yet (request {said['id']}): see the status"])
    if not outcome["done"]:
        _give_up([outcome["why"]])
    click.echo(f"{outcome['why']}, {outcome['took_ms'] / 1000:.2f} s after it was asked for")


def _command(agent: Agent, verb: str, fields: dict[str, object] | None = None) -> dict[str, Any]:
    try:
        return agent.command(verb, fields or {})
    except AgentError as failure:
        _give_up(failure.reasons)


def _agent(config: Path) -> Agent:
    settings = _settings(config)
    return Agent(settings.agent.port, settings.me, settings.agent.keys)


def _settings(config: Path) -> Settings:
    try:
        return load(config)
    except SettingsError as wrong:
        _tell(wrong.problems)
        sys.exit(_USAGE)


def _give_up(reasons: Iterable[str]) -> NoReturn:
    _tell(reasons)
    sys.exit(_REFUSED)


def _tell(reasons: Iterable[str]) -> None:
    for reason in reasons:
        click.echo(f"loanstack-failover: {reason}", err=True)
