"""Options that several commands share."""

import os
import re
from collections.abc import Callable
from typing import Any, TypeVar

import click

from deploys.derived import CHOICES
from inventory.model import Environment
from inventory.purpose import CONSENT_VARIABLE
from loadtests.plan.options import DEFAULT_RATE_PER_S
from loadtests.plan.scenarios import SCENARIOS
from loadtests.plan.schedule import Spacing
from loadtests.plan.shape import CONSTANT, KINDS
from loadtests.workers.placement import Place, places

Command = TypeVar("Command", bound=Callable[..., Any])
_SECONDS = {"s": 1, "m": 60, "h": 3600}


class Duration(click.ParamType[float]):
    """A time span such as `120s`, `2m` or `1h`, as seconds."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the seconds; a number without a unit is refused, because 20 could be seconds or minutes."""
        if isinstance(value, int | float):
            return float(value)
        match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh])", str(value))
        if match is None or float(match[1]) == 0:
            self.fail(f"{value!r} is not a duration; allowed: a number above 0 with s, m or h, such as 120s")
        return float(match[1]) * _SECONDS[match[2]]


def json_option(command: Command) -> Command:
    """Add `--json`."""
    return click.option(
        "--json",
        "machine_readable",
        is_flag=True,
        help="Print results.json on standard output, nothing else.",
    )(command)


def acts_on_hosts(command: Command) -> Command:
    """Add `--yes`: a command that acts on a rehearsal on real hosts requires the environment's name."""

    def keep(_ctx: click.Context, _option: click.Parameter, name: str | None) -> None:
        if name is not None:
            # The programs that this command starts read the variable too, so they do not ask again.
            os.environ[CONSENT_VARIABLE] = name

    return click.option(
        "--yes",
        metavar="ENV",
        expose_value=False,
        callback=keep,
        help="Name of the environment, to confirm acting on a rehearsal on real hosts; asked for if missing.",
    )(command)


def narrowed(command: Command) -> Command:
    """Add `--only` and `--limit`."""
    only = click.option("--only", type=click.Choice(CHOICES), help="One component.")
    limit = click.option("--limit", metavar="HOST", help="One host.")
    return only(limit(command))


def shape_options(command: Command) -> Command:
    """Add the options that say how the planned rate changes over time."""
    shape = click.option(
        "--shape", default=CONSTANT, show_default=True, help=f"How the rate changes over time: {KINDS}."
    )
    spacing = click.option(
        "--spacing",
        type=click.Choice([each.value for each in Spacing]),
        default=Spacing.EVEN.value,
        show_default=True,
        help="Spacing of arrivals: even, or random as of independent customers (Poisson).",
    )
    return shape(spacing(command))


def abort_option(command: Command) -> Command:
    """Add `--abort-on-fail`."""
    return click.option(
        "--abort-on-fail", is_flag=True, help="End the load as soon as an objective can no longer be met."
    )(command)


def workers_option(command: Command) -> Command:
    """Add the options that say which processes and hosts make the load."""
    workers = click.option(
        "--workers",
        metavar="N|HOSTS",
        help="Where the load is made, each worker with a share of the plan: N processes of this machine, or "
        "hosts of role loadgen, separated by commas.",
    )
    per_host = click.option(
        "--processes-per-host",
        type=click.IntRange(min=1),
        metavar="N",
        help="Workers on each of these hosts; 1 by default.",
    )
    return workers(per_host(command))


def workers_asked(workers: str | None, per_host: int | None, env: Environment) -> tuple[Place, ...]:
    """Return where the workers of `--workers` run; empty if the option was left out.

    Raises:
        click.UsageError: neither a number nor hosts that make load, or more workers than there are users.
    """
    if workers is None:
        if per_host is not None:
            raise click.UsageError("--processes-per-host without --workers HOSTS: it is for those hosts")
        return ()
    try:
        return places(workers, per_host=per_host, env=env, users=env.journey.users)
    except ValueError as wrong:
        raise click.UsageError(str(wrong)) from None


def load_options(command: Command) -> Command:
    """Add the options of a load: scenario, rate and duration."""
    kinds = dict.fromkeys(kind for scenario in SCENARIOS.values() for kind in scenario.companions)
    durations = "; ".join(
        ("How long the load is measured", *(kind.duration_note for kind in kinds if kind.duration_note))
    )
    for option in (
        click.option(
            "--duration",
            type=Duration(),
            default="120s",
            show_default=True,
            help=f"{durations}.",
        ),
        click.option(
            "--rate",
            type=click.FloatRange(min=1),
            help=f"Writes a second; {DEFAULT_RATE_PER_S:g} by default; prove: `prove_pace` in the inventory.",
        ),
        click.option(
            "--scenario",
            type=click.Choice(tuple(SCENARIOS)),
            default="journey",
            show_default=True,
            help="What users do: "
            + "; ".join(f"{name}, {one.title}" for name, one in SCENARIOS.items())
            + ".",
        ),
    ):
        command = option(command)
    return command
