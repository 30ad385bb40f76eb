"""One change at a time: a deploy that was broken off may still be at work here when the next one comes."""

import fcntl
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from hosttools.errors import ToolError
from hosttools.oceanbase.settings import Settings

_WAIT_S = 240


@contextmanager
def one_at_a_time(settings: Settings) -> Iterator[None]:
    """Hold the lock, which the agent looks at too; the kernel releases it however this process ends.

    Raises:
        ToolError: another process held it for too long.
    """
    try:
        settings.lock.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        descriptor = os.open(settings.lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    except OSError as failure:
        raise ToolError(f"{settings.lock}: {failure.strerror}; allowed to root") from failure
    try:
        _wait_for(descriptor)
        yield
    finally:
        os.close(descriptor)


def is_held(settings: Settings) -> bool:
    """Say whether a command that changes the database is at work.

    What such a command tells the next start, it takes back at its end; one that was killed does not. So a
    start believes it only meanwhile. It asks as the unit's user, who may read the lock's file.

    Raises:
        ToolError: the file of the lock cannot be read.
    """
    try:
        descriptor = os.open(settings.lock, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    except OSError as failure:
        raise ToolError(
            f"{settings.lock}: {failure.strerror}; allowed: a file that all may read"
        ) from failure
    try:
        # Shared, as the agent asks: only a command takes it for itself alone.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _wait_for(descriptor: int) -> None:
    # The kernel wakes whoever waits, in order. Trying again and again would miss the moments when the lock is
    # free, since the agent takes a share of it ten times a second. The alarm's clock is monotonic.
    before = signal.signal(signal.SIGALRM, _give_up)
    signal.alarm(_WAIT_S)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _give_up(_number: int, _frame: FrameType | None) -> None:
    raise ToolError(f"another loanstack-db has been at work here for {_WAIT_S} s")
