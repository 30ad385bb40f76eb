"""Looks at a host several times, where one look may meet a passing moment: facts only read and never wait.

A standby that has just joined lags for a moment, and a young database refuses single statements. A plan that
saw only that moment would report a change where there is none.
"""

from collections.abc import Callable
from time import sleep
from typing import TypeVar

T = TypeVar("T")
PAUSE_S = 0.5


def seen_within(limit_s: float, look: Callable[[], T], is_settled: Callable[[T], bool]) -> T:
    """Return the first look that is settled, or the last one within the limit.

    The result is the look that was judged, and not a later one, which might differ.

    + limit_s: time limit of the pauses between looks
    + look: reads the host
    + is_settled: whether another look is of no use
    """
    now = look()
    for _ in range(round(limit_s / PAUSE_S)):
        if is_settled(now):
            break
        sleep(PAUSE_S)
        now = look()
    return now
