"""The options of `load --find-capacity`, checked together before anything happens."""

import functools
import math
from collections.abc import Callable
from typing import Any

import click
from click.core import ParameterSource

from inventory.slo import LoadSlo
from loanstack.capacity.search import Search
from loanstack.cli.options import Command, Duration
from loanstack.commands.capacity import CapacityParameters
from loanstack.runs.task import find_environment
from proof.history import ACKNOWLEDGED_MIN

PROBE_S_MIN = 4.0
REPEATS_MAX = 20
_RESOLUTION = (1.0, 50.0)
_RATE_MAX = 1_000_000

_OWN = ("from_per_s", "to_per_s", "resolution_percent", "probe_duration_s", "repeats", "within_s")
_NOT_WITH = ("rate", "duration", "shape")
"""Options of a load that a search sets itself: they cannot be combined with --find-capacity."""


def capacity_options(command: Command) -> Command:
    """Add the options of a search; the command receives `how`: its parameters, or None without a search."""

    @functools.wraps(command)
    def checked(*, env: str, find_capacity: bool, **others: Any) -> Any:  # noqa: ANN401 - whatever the command has
        own = {name: others.pop(name) for name in _OWN}
        context = click.get_current_context()
        how = asked(context, find_environment(env).load_slo, is_search=find_capacity, **own)
        return command(env=env, how=how, **others)

    found: Callable[..., Any] = checked
    for option in (
        click.option(
            "--within",
            "within_s",
            type=Duration(),
            default="60m",
            show_default=True,
            help="Time limit of the whole search.",
        ),
        click.option(
            "--repeats",
            type=int,
            default=3,
            show_default=True,
            help="Valid probes at each end of the bracket that is found.",
        ),
        click.option(
            "--probe-duration",
            "probe_duration_s",
            type=Duration(),
            default="30s",
            show_default=True,
            help="How long each rate is held.",
        ),
        click.option(
            "--resolution",
            "resolution_percent",
            type=float,
            default=5.0,
            show_default=True,
            metavar="PERCENT",
            help="How close the highest rate kept and the lowest rate not kept must be.",
        ),
        click.option(
            "--to", "to_per_s", type=int, default=10_000, show_default=True, help="Highest rate probed."
        ),
        click.option(
            "--from", "from_per_s", type=int, default=100, show_default=True, help="Lowest rate probed."
        ),
        click.option(
            "--find-capacity", is_flag=True, help="Search the highest rate that keeps every promise."
        ),
    ):
        found = option(found)
    return found  # type: ignore[return-value]  # the same command, with more options


def asked(
    context: click.Context,
    slo: LoadSlo,
    *,
    is_search: bool,
    from_per_s: int,
    to_per_s: int,
    resolution_percent: float,
    probe_duration_s: float,
    repeats: int,
    within_s: float,
) -> CapacityParameters | None:
    """Return the parameters of the search, or None if no search was asked for.

    Raises:
        click.UsageError: options are out of range or do not fit together; names all of them.
    """
    given = {param.name: param.opts[0] for param in context.command.params if param.name is not None}
    typed = {name for name in given if context.get_parameter_source(name) is ParameterSource.COMMANDLINE}
    if not is_search:
        alone = [given[name] for name in _OWN if name in typed]
        if alone:
            raise click.UsageError(f"{', '.join(alone)}: only with --find-capacity")
        return None
    problems = [
        f"{given[name]}: not with --find-capacity, which sets it itself"
        for name in _NOT_WITH
        if name in typed
    ]
    if not 1 <= from_per_s <= _RATE_MAX:
        problems.append(f"--from {from_per_s}: allowed: 1 to {_RATE_MAX} writes a second")
    if not from_per_s < to_per_s <= _RATE_MAX:
        problems.append(f"--to {to_per_s}: allowed: above --from ({from_per_s}), up to {_RATE_MAX}")
    if not _RESOLUTION[0] <= resolution_percent <= _RESOLUTION[1]:
        problems.append(
            f"--resolution {resolution_percent:g}: allowed: {_RESOLUTION[0]:g} to {_RESOLUTION[1]:g} percent"
        )
    if not probe_duration_s >= PROBE_S_MIN or probe_duration_s != int(probe_duration_s):
        problems.append(
            f"--probe-duration {probe_duration_s:g}s: allowed: whole seconds, at least {PROBE_S_MIN:g}s"
        )
    elif 1 <= from_per_s < (fewest := ACKNOWLEDGED_MIN / probe_duration_s):
        problems.append(
            f"--from {from_per_s}: allowed: at least {math.ceil(fewest)}, or a longer --probe-duration:"
            f" a probe of less than {ACKNOWLEDGED_MIN} writes proves nothing"
        )
    if not 1 <= repeats <= REPEATS_MAX:
        problems.append(f"--repeats {repeats}: allowed: 1 to {REPEATS_MAX}")
    if within_s < probe_duration_s:
        problems.append(
            f"--within {within_s:g}s: allowed: at least one --probe-duration ({probe_duration_s:g}s)"
        )
    if problems:
        raise click.UsageError("\n".join(problems))
    least = slo.capacity_tps_min
    search = Search(
        from_per_s=from_per_s,
        to_per_s=to_per_s,
        resolution=resolution_percent / 100.0,
        repeats=repeats,
        promised_per_s=None if least is None else math.ceil(least),
    )
    return CapacityParameters(search=search, probe_duration_s=probe_duration_s, within_s=within_s)
