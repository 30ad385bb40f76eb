"""Other programs: started with a list of arguments, without a shell, and never for longer than allowed."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from hosttools.errors import ToolError

_ENVIRONMENT_AT_START = Path("/proc/self/environ")


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A program that ended."""

    status: int
    output: str
    """What it wrote to stdout; bytes that are no UTF-8 are replaced."""
    errors: str
    """What it wrote to stderr."""

    @property
    def succeeded(self) -> bool:
        """Return whether its status is 0."""
        return self.status == 0

    @property
    def words(self) -> str:
        """Return what it said about a failure, in one line."""
        return " ".join((self.errors or self.output).split())


def run(
    command: Sequence[str],
    *,
    limit_s: float,
    stdin: str = "",
    environment: Mapping[str, str] | None = None,
    user: str | None = None,
    folder: str | None = None,
) -> Finished:
    """Run `command` to its end.

    + limit_s: time limit, in seconds; a program that takes longer is killed
    + stdin: text that it reads: the way for secrets, which arguments would show to everybody
    + environment: variables beside those of this process
    + user: user and primary group to run it as; None: root
    + folder: working directory

    Raises:
        ToolError: it cannot be started, or did not end in time.
    """
    try:
        ended = subprocess.run(
            list(command),
            input=stdin.encode(),
            capture_output=True,
            check=False,
            timeout=limit_s,
            env={**os.environ, **(environment or {})},
            user=user,
            group=user,
            extra_groups=None if user is None else [],
            cwd=folder,
        )
    except OSError as failure:
        raise ToolError(f"{command[0]}: {failure.strerror}") from failure
    except subprocess.TimeoutExpired:
        raise ToolError(f"{command[0]} did not end within {limit_s:g} s") from None
    return Finished(
        status=ended.returncode,
        output=ended.stdout.decode(errors="replace"),
        errors=ended.stderr.decode(errors="replace"),
    )


def first_of(names: Sequence[str]) -> str:
    """Return the path of the first of the programs `names` that this host has.

    + names: names on PATH, or paths

    Raises:
        ToolError: it has none of them.
    """
    # It loads compression libraries, for which no status has to wait.
    import shutil

    for name in names:
        if (path := shutil.which(name)) is not None:
            return path
    raise ToolError(f"this host has none of these programs: {', '.join(names)}; install one of them")


def become(command: Sequence[str], *, environment: Mapping[str, str] | None = None) -> NoReturn:
    """Replace this process by `command`.

    It finds the environment and the signals as this process found them: Python adds `LC_CTYPE` where no
    locale is set, and ignores SIGPIPE, and a program would inherit both.

    + environment: variables beside those of this process

    Raises:
        ToolError: it cannot be started.
    """
    known = (each.partition(b"=") for each in _ENVIRONMENT_AT_START.read_bytes().split(b"\0") if each)
    variables = {name: value for name, _, value in known}
    variables |= {os.fsencode(name): os.fsencode(value) for name, value in (environment or {}).items()}
    for ignored in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(ignored, signal.SIG_DFL)
    try:
        os.execvpe(command[0], list(command), variables)  # noqa: S606 - a shell is what it avoids
    except OSError as failure:
        raise ToolError(f"{command[0]}: {failure.strerror}") from failure
