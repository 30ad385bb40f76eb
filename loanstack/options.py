"""Options that several commands share."""

import re
from collections.abc import Callable
from typing import Any, TypeVar

import click

from inventory.model import Environment
from loadtests.options import DEFAULT_RATE_PER_S
from loadtests.scenarios import SCENARIOS
from loadtests.schedule import Spacing
from loadtests.shape import CONSTANT, KINDS

Command = TypeVar("Command", bound=Callable[..., Any])
COMPONENTS = (
    "baseline",
    "depot_client",
    "store",
    "failover",
    "oceanbase",
    "mariadb",
    "loan_services",
    "gateway",
    "monitoring",
)
"""Those of `deploys.components`, which cannot be imported here: pyinfra patches the process."""

_SECONDS = {"s": 1, "m": 60, "h": 3600}


class Duration(click.ParamType[float]):
    """A time span such as `120s`, `2m` or `1h`, as seconds."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the seconds; refuses what has no unit, because 20 could mean anything."""
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


def narrowed(command: Command) -> Command:
    """Add `--only` and `--limit`."""
    only = click.option("--only", type=click.Choice(COMPONENTS), help="One component.")
    limit = click.option("--limit", metavar="HOST", help="One host.")
    return only(limit(command))


def shape_options(command: Command) -> Command:
    """Add how the planned rate goes over time."""
    shape = click.option(
        "--shape", default=CONSTANT, show_default=True, help=f"How the rate goes over time: {KINDS}."
    )
    spacing = click.option(
        "--spacing",
        type=click.Choice([each.value for each in Spacing]),
        default=Spacing.EVEN.value,
        show_default=True,
        help="Arrivals: evenly, or as strangers arrive.",
    )
    return shape(spacing(command))


def abort_option(command: Command) -> Command:
    """Add `--abort-on-fail`."""
    return click.option(
        "--abort-on-fail", is_flag=True, help="End the load once a promise cannot be kept any more."
    )(command)


def workers_option(command: Command) -> Command:
    """Add how many processes make the load."""
    return click.option(
        "--workers",
        metavar="N",
        help="Processes of this machine that make the load together, each with its share of the plan.",
    )(command)


def processes_asked(workers: str | None, env: Environment) -> int | None:
    """Return how many processes `--workers` asks for; None: it was left out.

    Raises:
        click.BadParameter: not a number, none at all, or more than there are users to share out.
    """
    if workers is None:
        return None
    most = env.journey.users
    if not workers.isdecimal() or not 1 <= int(workers) <= most:
        raise click.BadParameter(
            f"{workers!r}; allowed: 1 to {most} processes of this machine, which share the {most} users "
            f"of {env.name}; load is not generated on hosts",
            param_hint="--workers",
        )
    return int(workers)


def load_options(command: Command) -> Command:
    """Add what a load is asked for."""
    for option in (
        click.option("--duration", type=Duration(), default="120s", show_default=True, help="How long."),
        click.option(
            "--rate",
            type=click.FloatRange(min=1),
            help=f"Writes a second; {DEFAULT_RATE_PER_S:g} by default.",
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
