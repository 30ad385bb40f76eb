"""Lag of a database behind another one, in time, from the positions of their logs. Pure.

A position is a time on the primary's clock, but it moves only when something is written, and then by the
whole pause: without load a primary writes every 1 to 4 s by itself (measured on the lab; once it was 5.1 s).
So the simple difference shows a lag of seconds for a moment, until the standby has that entry too. A
database that has reached the other's position of half a second ago cannot lag by more than half a second.
"""

from collections import deque

NS_IN_MS = 1_000_000
SETTLED_AFTER_MS = 500
"""Several observations of a database, and well below the limits of a lag (2, 3 and 5 s)."""


def lag_between_ns(own_scn: int, scn: int, settled_scn: int | None) -> int:
    """Return how far a database at `own_scn` is behind another one, in nanoseconds; below 0: it is ahead.

    Args:
        own_scn: its position in nanoseconds.
        scn: the other's.
        settled_scn: where the other was `SETTLED_AFTER_MS` ago; None: not known.
    """
    apart_ns = scn - own_scn
    if settled_scn is not None and own_scn >= settled_scn:
        return min(apart_ns, SETTLED_AFTER_MS * NS_IN_MS)
    return apart_ns


class SettledPosition:
    """Computes the position of `SETTLED_AFTER_MS` ago from observed positions."""

    def __init__(self) -> None:
        """Begin without an observation."""
        self._observations: deque[tuple[int, int]] = deque()

    @property
    def scn(self) -> int | None:
        """The position at that time; None: there is a gap in the observations since then."""
        return self._observations[0][1] if self._observations else None

    def add(self, scn: int, now_ms: int) -> None:
        """Add an observed position."""
        if self._observations and now_ms - self._observations[-1][0] > SETTLED_AFTER_MS:
            # There was no observation for that long, so all that was written meanwhile may be old.
            self._observations.clear()
        self._observations.append((now_ms, scn))
        while len(self._observations) > 1 and now_ms - self._observations[1][0] >= SETTLED_AFTER_MS:
            self._observations.popleft()
