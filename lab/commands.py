"""Runs other programs: always with a list of arguments and a deadline; errors have the program's output."""

import contextlib
import os
import shlex
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from lab.errors import LabError

_TAIL_LINES = 12


def run(
    command: Sequence[str],
    *,
    doing: str,
    deadline_s: float,
    stdin: str | None = None,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> str:
    """Run `command` until it ends and return its output.

    + command: program and arguments
    + doing: purpose of the command, for the error message
    + deadline_s: seconds after which it is killed
    + stdin: text for its input; None: an empty input
    + environment: its whole environment; None: that of this process
    + folder: its working directory; None: that of this process

    Raises:
        LabError: the command failed, could not be started, or took longer than `deadline_s`.
    """
    try:
        done = subprocess.run(
            command,
            input=stdin if stdin is not None else "",
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=deadline_s,
            env=environment,
            cwd=folder,
        )
    except FileNotFoundError as error:
        raise LabError(
            f"{doing}: {command[0]} is not installed; install the packages of lab/debian-packages.txt"
        ) from error
    except subprocess.TimeoutExpired as error:
        said = shlex.join(command)[:200]
        raise LabError(f"{doing}: {said} did not end within {deadline_s:g} s") from error
    if done.returncode != 0:
        words = (done.stderr.strip() or done.stdout.strip()).splitlines()[-_TAIL_LINES:]
        raise LabError(
            f"{doing}: {shlex.join(command)[:300]} ended with status {done.returncode}:\n  "
            + "\n  ".join(words or ["(it printed nothing)"])
        )
    return done.stdout


def end_children() -> None:
    """Kill the programs that threads of this process are running, so that all these threads return."""
    for folder in Path("/proc").glob("[0-9]*"):
        # A process may end while it is read.
        with contextlib.suppress(OSError):
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == os.getpid():
                os.kill(int(folder.name), signal.SIGKILL)


def isolated(command: Sequence[str]) -> list[str]:
    """Return `command` wrapped so that it ends with this process and leaves no process or mount behind.

    It runs in its own process and mount namespaces, so everything that it mounts or starts ends with it. It
    is killed when this program ends in any way, even by kill -9.
    """
    return [
        *("setpriv", "--pdeathsig", "KILL", "--"),
        *("unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child=KILL"),
        *("--mount-proc", "--"),
        *command,
    ]
