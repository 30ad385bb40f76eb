"""The options of what runs beside a load: a forced merge, and what the companions of scenarios declare."""

import functools
from collections.abc import Callable
from typing import Any

import click

from loanstack.cli.options import Command
from loanstack.companions.major_freeze import DURATION_S_MIN, GRACE_S
from loanstack.companions.options import CompanionParameters, declared_options


def companion_options(command: Command) -> Command:
    """Add these options; the command receives `beside`: what was asked for."""
    declared = declared_options()

    @functools.wraps(command)
    def gathered(*, major_freeze: bool, **others: Any) -> Any:  # noqa: ANN401 - whatever the command has
        asked = {option.name: others.pop(option.name) for option in declared}
        given = {name: choice for name, choice in asked.items() if choice is not None}
        return command(beside=CompanionParameters(major_freeze=major_freeze, given=given), **others)

    found: Callable[..., Any] = gathered
    for option, names in declared.items():
        found = click.option(
            option.flag,
            option.name,
            type=click.Choice(option.choices),
            help=f"Scenario {' or '.join(names)}: {option.meaning}; {option.default} by default.",
        )(found)
    return click.option(  # type: ignore[return-value]  # the same command, with more options
        "--major-freeze",
        is_flag=True,
        help=f"Force a MAJOR FREEZE when a third of the duration (at least {DURATION_S_MIN:g}s) is over,"
        f" and watch the merge to its end, at most {GRACE_S:g}s after the load.",
    )(found)
