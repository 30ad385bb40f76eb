"""Other programs: started with a list of arguments, without a shell, and never for longer than allowed."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from hosttools import pipes, waiting
from hosttools.errors import ToolError
from hosttools.users import ids_of

_ENVIRONMENT_AT_START = Path("/proc/self/environ")
_TO_END_S = 5.0
"""Time for what was asked to end, before it is killed."""
_LOOKS_AGAIN_S = 0.05


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A program that ended."""

    status: int
    output: str
    """What it wrote to stdout; bytes that are no UTF-8 are replaced, and a long text is cut and says so."""
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
    with_children: bool = False,
) -> Finished:
    """Run `command` to its end.

    + limit_s: time limit, in seconds; a program that takes longer is ended
    + stdin: text that it reads: the way for secrets, which arguments would show to everybody
    + environment: variables beside those of this process
    + user: user and primary group to run it as; None: root
    + folder: working directory
    + with_children: whether what it started is ended with it. Needed for scripts. It then has a session of
      its own, which a signal to this process's group, such as the failover agent's, does not reach

    Raises:
        ToolError: this host has no such user, it cannot be started, or did not end in time.
    """
    user_id, group_id = (None, None) if user is None else ids_of(user, command[0])
    try:
        process = subprocess.Popen(
            list(command),
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **(environment or {})},
            user=user_id,
            group=group_id,
            extra_groups=None if user is None else [],
            cwd=folder,
            start_new_session=with_children,
        )
    except OSError as failure:
        raise ToolError(f"{command[0]}: {failure.strerror}") from failure
    with process:
        try:
            output, errors = pipes.exchange(process, stdin.encode(), limit_s=limit_s)
        except BaseException as failure:  # also a signal that ends the tool
            _end(process, with_children=with_children)
            if isinstance(failure, TimeoutError):
                raise ToolError(f"{command[0]} did not end within {limit_s:g} s") from None
            raise
    return Finished(
        status=process.returncode,
        output=output.decode(errors="replace"),
        errors=errors.decode(errors="replace"),
    )


def _end(process: "subprocess.Popen[bytes]", *, with_children: bool) -> None:
    if not with_children or process.returncode is not None:
        process.kill()
        return
    # Until it is waited for, no other process group can have its number.
    os.killpg(process.pid, signal.SIGTERM)  # one of our tools undoes what it has begun
    with suppress(waiting.TooLateError):
        waiting.until(lambda: _has_ended(process.pid), _TO_END_S, "its end", pause_s=_LOOKS_AGAIN_S)
    os.killpg(process.pid, signal.SIGKILL)


def _has_ended(pid: int) -> bool:
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


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
