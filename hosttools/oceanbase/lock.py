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
