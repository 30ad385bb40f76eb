"""Lag of a replica in time, for positions that are counts of transactions. Pure."""

from collections import deque

_KEPT = 2400
"""Samples of the primary to keep: ten minutes at four a second."""


class ReplayLag:
    """Keeps the primary's past positions: the lag is the time since the primary had the replica's position.

    Between two samples the primary's position is interpolated linearly.
    """

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque(maxlen=_KEPT)

    def lag_ms(self, at_s: float, primary: int, replica: int) -> float | None:
        """Return the time since the primary had the replica's position; None if no sample covers that time.

        + at_s: time of the query (seconds)
        + primary, replica: number of transactions that each has
        """
        if not self._seen or primary > self._seen[-1][1]:
            self._seen.append((at_s, primary))
        else:
            # The primary did not move: there was nothing to replay since the first sample with this position.
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
