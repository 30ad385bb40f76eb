"""How every tool starts, and how it ends: 0 done, 1 refused or failed, 2 wrong usage.

SIGTERM and SIGHUP end it at once, through its context managers: they undo what it has begun.
"""

import os
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import TypeVar

import click

from hosttools.errors import ToolError
from hosttools.numbers import whole_number

CONTEXT_SETTINGS = {"help_option_names": ["-h", "--help"], "terminal_width": 110}
T = TypeVar("T")
U = TypeVar("U")
_LONGEST_WAIT_S = 86_400
_UMASK = 0o022
_ENDING = (signal.SIGTERM, signal.SIGHUP)


class _Ended(BaseException):
    """Somebody asked this process to end; what it has begun is undone on the way out."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


def main(tool: click.Group, name: str) -> None:
    """Run `tool` with the arguments of this process, and end with its exit code.

    Whoever calls may keep its own files from others; what is written here, services must be able to read. So
    the file mode mask is always the same.

    + tool: the commands
    + name: the command on hosts, such as `loanstack-etcd`; it stands before each error message
    """
    os.umask(_UMASK)
    for number in _ENDING:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _end)
    try:
        tool.main(prog_name=name)
    except ToolError as failure:
        say(name, str(failure))
        sys.exit(1)
    except _Ended as ended:
        # By the signal itself: systemd takes that for a clean end, and an exit code for a failure.
        signal.signal(ended.number, signal.SIG_DFL)
        os.kill(os.getpid(), ended.number)


def checked(read: Callable[[T], U]) -> Callable[[click.Context, click.Parameter, T], U]:
    """Return the callback of an argument that is read by `read`: what it refuses is wrong usage.

    + read: takes the argument's text; raises ToolError
    """

    def callback(_context: click.Context, _parameter: click.Parameter, given: T) -> U:
        try:
            return read(given)
        except ToolError as refused:
            raise click.BadParameter(str(refused)) from None

    return callback


def _end(number: int, _frame: FrameType | None) -> None:
    # A second signal must not break off what undoes the work; each of these steps has its own time limit.
    for each in _ENDING:
        signal.signal(each, signal.SIG_IGN)
    raise _Ended(number)


WAIT_LIMIT = click.argument(
    "limit_s", callback=checked(lambda text: whole_number(text, "LIMIT_S", at_most=_LONGEST_WAIT_S))
)
"""The argument LIMIT_S of commands that wait: whole seconds, at most a day."""


def say(name: str, message: str) -> None:
    """Print `message` for the administrator, on stderr."""
    click.echo(f"{name}: {message}", err=True)
