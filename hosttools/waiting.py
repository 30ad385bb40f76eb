"""Waiting for a condition, by the monotonic clock."""

import time
from collections.abc import Callable

from hosttools.errors import ToolError

_PAUSE_S = 0.2

Condition = Callable[[], bool]

now_s = time.monotonic
pause = time.sleep
"""The clock of the tools: tests put another in its place."""


class TooLateError(ToolError):
    """What was waited for did not happen in time."""


def until(condition: Condition, limit_s: float, what: str, *, pause_s: float = _PAUSE_S) -> None:
    """Return as soon as `condition` holds; it is asked at least once.

    + limit_s: time limit, in seconds
    + what: what is waited for, for the message
    + pause_s: pause between two questions, in seconds

    Raises:
        TooLateError: the condition did not hold in time.
    """
    end = now_s() + limit_s
    while not condition():
        if now_s() >= end:
            raise TooLateError(f"waited {limit_s:g} s for {what}")
        pause(pause_s)
