"""The commands of the lab: `loanstack lab ...`, or `python -m lab ...`."""

import functools
import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import ParamSpec

import click
from rich.console import Console

from inventory import lab as lab_inventory
from inventory import places
from lab import faults, keys, partitions, state
from lab import status as statuses
from lab.errors import LabError
from lab.lifecycle import Lab
from lab.progress import Progress

_P = ParamSpec("_P")
_INTERRUPTED = 130
_HOST = click.Choice([host.name for host in lab_inventory.ENVIRONMENT.hosts])
_CUTS = partitions.partitions_of(lab_inventory.ENVIRONMENT)
_FOR = click.option(
    "--for",
    "for_s",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="A timer undoes it after this time, even if the process that caused it has ended.",
)


def _this_lab() -> Lab:
    return Lab(
        environment=lab_inventory.ENVIRONMENT,
        lab_dir=places.lab_dir(),
        cache=places.cache_dir(),
        progress=Progress(),
    )


def _speaking(command: Callable[_P, None]) -> Callable[_P, None]:
    """Turn the lab's errors into one message on stderr and their exit code."""

    @functools.wraps(command)
    def speaking(*args: _P.args, **kwargs: _P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except LabError as error:
            click.echo(f"lab: {error}", err=True)
            sys.exit(error.exit_code)
        except KeyboardInterrupt:
            click.echo("lab: stopped as asked; what was half done has been undone", err=True)
            sys.exit(_INTERRUPTED)

    return speaking


@click.group()
def lab() -> None:
    """The lab: seven booted hosts on this machine."""


@lab.command()
@_speaking
def up() -> None:
    """Bring the lab up, or complete it: afterwards every host accepts SSH and the depot is current."""
    _this_lab().up()


@lab.command()
@click.option("--any", "any_owner", is_flag=True, help="Also a lab that another checkout brought up.")
@_speaking
def down(*, any_owner: bool) -> None:
    """Take the lab down; nothing of it is left running."""
    if not _this_lab().down(any_owner=any_owner):
        click.echo("lab: there was no lab", err=True)


@lab.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@_speaking
def status(*, as_json: bool) -> None:
    """Show the state, uptime and memory of every host, and the cuts of the network."""
    this = _this_lab()
    found = state.load(this.lab_dir)
    hosts = statuses.of_hosts(this.environment) if found is not None else ()
    cut = partitions.made(_CUTS.values()) if found is not None else ()
    if as_json:
        figures = {
            "phase": found.phase if found is not None else "down",
            "since_s": found.since_s if found is not None else None,
            "memory_mib": statuses.total_memory_mib(hosts),
            "hosts": [asdict(host) for host in hosts],
            "cuts": [made.name for made in cut],
        }
        click.echo(json.dumps(figures, indent=2))
    elif found is None:
        click.echo("The lab is down; bring it up with: loanstack lab up")
    else:
        Console().print(statuses.table(hosts))
        for made in cut:
            click.echo(f"The network is cut: {made.title}; mend it with: loanstack lab net mend {made.name}")


@lab.command(context_settings={"ignore_unknown_options": True})
@click.argument("host", type=_HOST)
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@_speaking
def shell(host: str, command: tuple[str, ...]) -> None:
    """Open a shell on HOST, or run COMMAND there as its shell would."""
    this = _this_lab()
    this.require_up()
    options = ("-t",) if sys.stdin.isatty() else ()
    line = keys.ssh_command(this.lab_dir, host, *command, options=options)
    os.execvp(line[0], line)  # noqa: S606 - the arguments are a list; ssh takes the terminal over


@lab.command()
@_speaking
def depot() -> None:
    """Rebuild the changed parts of the depot (after a change of app_stub), and serve them to the lab."""
    _this_lab().refresh_depot()


@lab.group()
def power() -> None:
    """The hosts' power switch."""


@power.command(name="off")
@click.argument("host", type=_HOST)
@_speaking
def power_off(host: str) -> None:
    """Switch HOST off like a power cut: it sends no packet any more, all processes end, its disk stays."""
    faults.power(_this_lab(), host, "off")


@power.command(name="on")
@click.argument("host", type=_HOST)
@_speaking
def power_on(host: str) -> None:
    """Boot HOST from its disk, and wait until it accepts SSH."""
    faults.power(_this_lab(), host, "on")


@power.command(name="kill")
@click.argument("host", type=_HOST)
@_speaking
def power_kill(host: str) -> None:
    """Kill all processes of HOST but keep its network: its peers get resets, as after a kernel's death."""
    faults.power(_this_lab(), host, "kill")


@power.command(name="freeze")
@click.argument("host", type=_HOST)
@_FOR
@_speaking
def power_freeze(host: str, for_s: float | None) -> None:
    """Freeze all processes of HOST: connections to it are still accepted, but no process answers."""
    faults.freeze(_this_lab(), host, for_s=for_s)


@power.command(name="thaw")
@click.argument("host", type=_HOST)
@_speaking
def power_thaw(host: str) -> None:
    """Thaw a frozen HOST; its processes continue."""
    faults.thaw(_this_lab(), host)


@lab.group()
def net() -> None:
    """Cuts of the network between centres; the management network is never touched."""


@net.command(name="cut", epilog="Cuts: " + "; ".join(f"{c.name} ({c.title})" for c in _CUTS.values()) + ".")
@click.argument("name", type=click.Choice(list(_CUTS)), metavar="CUT")
@_FOR
@_speaking
def net_cut(name: str, for_s: float | None) -> None:
    """Make CUT at the router: it drops the forbidden packets silently, also those of open connections."""
    faults.cut(_this_lab(), name, for_s=for_s)


@net.command(name="mend")
@click.argument("names", type=click.Choice(list(_CUTS)), metavar="[CUT]...", nargs=-1)
@_speaking
def net_mend(names: tuple[str, ...]) -> None:
    """Mend each CUT; without a name, mend all."""
    faults.mend(_this_lab(), names or tuple(_CUTS))
