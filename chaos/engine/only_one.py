"""Allows one drill at a time, because two would break each other's hypothesis; ends a running drill."""

import fcntl
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

HEALS_WITHIN_S = 300.0
"""Sum of the deadlines of all steps of a heal."""
_LOOK_EVERY_S = 0.2


class DrillRunningError(Exception):
    """Another drill of the environment is running; the message says which process."""


class DrillNotEndedError(Exception):
    """A drill was told to end and still runs; the message says which process, and what to do."""


@contextmanager
def only_drill(path: Path) -> Iterator[None]:
    """Hold the lock at `path`, and write the holder's process number into the file.

    Raises:
        DrillRunningError: another process holds the lock.
    """
    with path.open("a+") as lock:
        if not _is_free(lock):
            raise DrillRunningError(f"another drill is running (process {_holder(lock)}; {path} is locked)")
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        try:
            yield
        finally:
            # If the number stayed, another process could have that number later.
            lock.truncate(0)


def stop_running(path: Path, *, within_s: float) -> int | None:
    """Tell the drill that holds the lock at `path` to end, and wait until it has healed what it broke.

    Returns its process number, or None if no drill was running.

    Raises:
        DrillNotEndedError: the drill still runs after `within_s`.
    """
    try:
        lock = path.open("r+")
    except FileNotFoundError:
        return None
    with lock:
        if _is_free(lock):
            return None
        deadline = time.monotonic() + within_s
        pid = told = 0
        while not _is_free(lock):
            # The number is written just after the lock is taken. While the lock is held, the process lives.
            pid = _holder(lock) or pid
            if pid != told:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGTERM)
                told = pid
            if time.monotonic() > deadline:
                who = f"the drill of process {pid or 'unknown'}"
                raise DrillNotEndedError(
                    f"{who} still heals after {within_s:.0f} s; look at what it says, or ask again"
                )
            time.sleep(_LOOK_EVERY_S)
    return pid or None


def _is_free(lock: TextIO) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(lock: TextIO) -> int:
    lock.seek(0)
    return int(lock.read().strip() or 0)
