"""How every tool starts, and how it ends: 0 done, 1 refused or failed, 2 wrong usage."""

import os
import sys

import click

from hosttools.errors import ToolError

CONTEXT_SETTINGS = {"help_option_names": ["-h", "--help"], "terminal_width": 110}
_UMASK = 0o022


def main(tool: click.Group, name: str) -> None:
    """Run `tool` with the arguments of this process, and end with its exit code.

    Whoever calls may keep its own files from others; what is written here, services must be able to read. So
    the file mode mask is always the same.

    + tool: the commands
    + name: the command on hosts, such as `loanstack-store`; it stands before each error message
    """
    os.umask(_UMASK)
    try:
        tool.main(prog_name=name)
    except ToolError as failure:
        say(name, str(failure))
        sys.exit(1)


def say(name: str, message: str) -> None:
    """Print `message` for the administrator, on stderr."""
    click.echo(f"{name}: {message}", err=True)
