"""For how long a database has been behind another, told by the positions of their logs. Pure.

A position is a time on the primary's clock, but it moves only when something is written, and then by the
whole pause: without load a primary writes every 1 to 4 s by itself (measured on the lab; once it was 5.1 s).
So until the standby has that entry, too, the mere difference says for a moment that it is seconds behind.
Whoever has reached where the other was half a second ago cannot be further behind than that.
"""

from collections import deque

NS_IN_MS = 1_000_000
SETTLED_AFTER_MS = 500
"""Several looks at a database, and well below the limits that a lag is compared with (2, 3 and 5 s)."""


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


class Settling:
    """Where a position was `SETTLED_AFTER_MS` ago, from looks at it."""

    def __init__(self) -> None:
        """Begin without a look."""
        self._looks: deque[tuple[int, int]] = deque()

    @property
    def scn(self) -> int | None:
        """The position as of then; None: nothing is known from then on without a gap."""
        return self._looks[0][1] if self._looks else None

    def add(self, scn: int, now_ms: int) -> None:
        """Take in a look at the position."""
        if self._looks and now_ms - self._looks[-1][0] > SETTLED_AFTER_MS:
            # Nobody looked for as long: what was written meanwhile may all be old.
            self._looks.clear()
        self._looks.append((now_ms, scn))
        while len(self._looks) > 1 and now_ms - self._looks[1][0] >= SETTLED_AFTER_MS:
            self._looks.popleft()
