"""A command on a host over SSH: on one, on many at once, or at our own terminal.

A host that does not answer in time is no error here but None: what that means, its caller knows.
"""

import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from inventory.model import Environment, Host
from inventory.ssh import ssh_argv
from processes.child import Completed
from processes.group import Processes

UNREACHABLE = 255
"""The exit status of ssh itself for a host that it cannot reach; no command of ours ends with it."""
_GRACE_S = 2.0


def run(
    env: Environment,
    host: Host,
    command: str,
    *,
    within_s: float,
    stdin: str = "",
    stdout: Path | None = None,
) -> Completed | None:
    """Run a shell command on `host` and return how it ended; None if it did not within `within_s`.

    + stdin: text for its standard input
    + stdout: file here for its standard output; without one, that is returned
    """
    with Processes() as processes:
        argv = ssh_argv(env, host, command)
        return processes.start(argv, stdin=stdin, stdout=stdout, grace_s=_GRACE_S).ended(within_s)


def run_on_all(
    env: Environment, commands: Iterable[tuple[Host, str]], *, within_s: float
) -> list[tuple[Host, Completed | None]]:
    """Run one shell command on each host, all at once, and return how each ended; None: not in time.

    + commands: (host, shell command)
    + within_s: seconds that all of them have together
    """
    with Processes() as processes:
        running = [
            (host, processes.start(ssh_argv(env, host, command), grace_s=_GRACE_S))
            for host, command in commands
        ]
        until_s = time.monotonic() + within_s
        return [(host, child.ended(max(0.0, until_s - time.monotonic()))) for host, child in running]


def run_attached(env: Environment, host: Host, command: str) -> int:
    """Run a shell command on `host` with our own input and output, and return its exit status."""
    argv = ssh_argv(env, host, command)
    if sys.stdout.isatty():
        # A terminal there too: tables are then fitted to it, and Ctrl-C ends what is watched.
        argv[argv.index("-T")] = "-tt"
    return subprocess.run(argv, check=False).returncode
