"""How far a replica is behind in time, where positions are counts of transactions. Pure."""

from collections import deque

_KEPT = 2400
"""Samples of the primary that are remembered: ten minutes of four a second."""


class ReplayLag:
    """Remembers when the primary was where: a replica is as far behind as that was long ago.

    Between two samples the primary is taken to have gone on evenly.
    """

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque(maxlen=_KEPT)

    def lag_ms(self, at_s: float, primary: int, replica: int) -> float | None:
        """Return how long ago the primary was where the replica is; None if nobody looked then.

        + at_s: when both were asked
        + primary, replica: how many transactions each has
        """
        if not self._seen or primary > self._seen[-1][1]:
            self._seen.append((at_s, primary))
        else:
            # It stands still: nothing was to be replayed since the first look that showed so.
            self._seen[-1] = (at_s, self._seen[-1][1])
        if replica >= primary:
            return 0.0
        later = self._seen[-1]
        for earlier in reversed(self._seen):
            if earlier[1] <= replica:
                share = (replica - earlier[1]) / (later[1] - earlier[1])
                return 1000.0 * (at_s - (earlier[0] + share * (later[0] - earlier[0])))
            later = earlier
        return None
