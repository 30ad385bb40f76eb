"""The two clocks: a steady one for every decision, and the Unix time for the history."""

import time

_NANOSECONDS_PER_MS = 1_000_000


def steady_ms() -> int:
    """Return milliseconds that never jump and go on counting while the host sleeps."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // _NANOSECONDS_PER_MS


def wall_s() -> float:
    """Return the Unix time. It may jump, so a host makes no decision by it alone."""
    return round(time.time(), 3)
