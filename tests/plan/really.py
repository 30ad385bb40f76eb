"""Runs the commands of operations and facts for real, in folders of a test."""

import subprocess
from typing import Any

from pyinfra.api.command import StringCommand

from deploys.facts.files import PathStates
from tests.plan.kit import Facts, prepared

_TIMEOUT_S = 240


def commands(operation: Any, facts: Facts, **arguments: object) -> list[StringCommand]:
    """Return what an operation would run on a host with these facts."""
    with prepared("here", facts, {}):
        return list(operation._inner(**arguments))


def shell(command: str, *, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run a line of shell as pyinfra does."""
    return subprocess.run(
        ["sh", "-c", command],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=_TIMEOUT_S,
    )


def run(command: StringCommand, *, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command with its own standard input, or with another one."""
    text = stdin if stdin is not None else str(command.connector_arguments.get("_stdin") or "")
    return shell(command.get_raw_value(), stdin=text)


def look(paths: tuple[str, ...]) -> Any:
    """Return what the fact of the same arguments says of this machine."""
    done = shell(PathStates().command(paths=paths))
    assert done.returncode == 0, done.stderr
    return PathStates().process(done.stdout.splitlines())
