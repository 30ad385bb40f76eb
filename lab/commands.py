"""Running other programs: always a list of arguments, always a deadline, errors with the program's words."""

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
    """Run `command` to its end and return what it printed.

    + command: program and arguments
    + doing: what it is for, for the error message
    + deadline_s: seconds after which it is killed
    + stdin: text to feed it; None: an empty input
    + environment: its whole environment; None: ours
    + folder: its working directory; None: ours

    Raises:
        LabError: it failed, could not be started, or took longer than `deadline_s`.
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
    """Kill the programs that this process's threads are running right now, so that they all return."""
    for folder in Path("/proc").glob("[0-9]*"):
        # A process may end while it is looked at.
        with contextlib.suppress(OSError):
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == os.getpid():
                os.kill(int(folder.name), signal.SIGKILL)


def isolated(command: Sequence[str]) -> list[str]:
    """Return `command` so that it dies with us and leaves neither processes nor mounts behind.

    It runs in its own process and mount namespaces: whatever it mounts or starts ends with it, and it
    is killed when this program ends in whatever way, kill -9 included.
    """
    return [
        *("setpriv", "--pdeathsig", "KILL", "--"),
        *("unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child=KILL"),
        *("--mount-proc", "--"),
        *command,
    ]
