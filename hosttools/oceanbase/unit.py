"""The database's systemd unit, and the files that tell its next start what to do."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hosttools import files, programs, waiting
from hosttools.entry import say
from hosttools.errors import ToolError
from hosttools.oceanbase.database import LocalDatabase
from hosttools.oceanbase.settings import NAME, Settings

_SYSTEMCTL_S = 120.0
"""Longer than a start may take: the guard's wait for a silent peer, and the unit's own limit."""
_STOPS_WITHIN_S = 15


def is_running(settings: Settings) -> bool:
    """Say whether the unit is active."""
    return _systemctl("is-active", "--quiet", settings.unit).succeeded


def start(settings: Settings) -> bool:
    """Start it; return whether systemd says that it started."""
    started = _systemctl("start", settings.unit)
    if not started.succeeded:
        say(NAME, started.words)
    return started.succeeded


def stop(settings: Settings) -> None:
    """Stop it at once.

    Raises:
        ToolError: it may still run.
    """
    stopped = _systemctl("stop", settings.unit)
    if not stopped.succeeded:
        raise ToolError(f"{settings.unit} does not stop: {stopped.words}")


def stop_cleanly(settings: Settings) -> None:
    """Let it end by itself, which takes longer than systemd allows; then stop it at once."""
    _systemctl("kill", "--kill-who=main", "--signal=SIGTERM", settings.unit)
    try:
        waiting.until(lambda: not is_running(settings), _STOPS_WITHIN_S, "the database to stop")
    except waiting.TooLateError as late:
        say(NAME, str(late))
        stop(settings)


def forget_failures(settings: Settings) -> None:
    """Have systemd start it again, whatever ended it before."""
    _systemctl("reset-failed", settings.unit)


def comes_up(settings: Settings, database: LocalDatabase, role: str, *, limit_s: int, what: str) -> bool:
    """Start it and say whether it answers as `role`; a process that ends is not waited for.

    + what: what is waited for, for the message
    """
    if not start(settings):
        return False
    try:
        waiting.until(lambda: database.answers_as(role) or not is_running(settings), limit_s, what)
    except waiting.TooLateError as late:
        say(NAME, str(late))
    return database.answers_as(role)


@contextmanager
def told(path: Path, text: str = "") -> Iterator[None]:
    """Have `path` tell a start something, for as long as this lasts."""
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    try:
        files.write(path, text)
        yield
    finally:
        path.unlink(missing_ok=True)


def forget_what_was_told(settings: Settings) -> None:
    """Have the next start be told nothing: an old `alone` would let a second primary start."""
    for path in (settings.request, settings.source, settings.alone):
        path.unlink(missing_ok=True)


def _systemctl(*arguments: str) -> programs.Finished:
    return programs.run(["systemctl", *arguments], limit_s=_SYSTEMCTL_S)
