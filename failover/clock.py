"""The two clocks: one that only goes on, for every decision; one that people read, for the history."""

import time

_NANOSECONDS_PER_MS = 1_000_000


def steady_ms() -> int:
    """Return milliseconds that never jump and go on counting while the host sleeps."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // _NANOSECONDS_PER_MS


def wall_s() -> float:
    """Return the Unix time. It may jump: nothing is decided by it on one host alone."""
    return round(time.time(), 3)
