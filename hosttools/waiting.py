"""Waiting for a condition, by the monotonic clock."""

import time
from collections.abc import Callable

from hosttools.errors import ToolError

_PAUSE_S = 0.2


def until(condition: Callable[[], bool], limit_s: float, what: str, *, pause_s: float = _PAUSE_S) -> None:
    """Return as soon as `condition` holds; it is asked at least once.

    + limit_s: time limit, in seconds
    + what: what is waited for, for the message
    + pause_s: pause between two questions, in seconds

    Raises:
        ToolError: the condition did not hold in time.
    """
    end = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() >= end:
            raise ToolError(f"waited {limit_s:g} s for {what}")
        time.sleep(pause_s)
