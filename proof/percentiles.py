"""Percentiles: nearest rank, of values and of histograms. Pure."""

from collections.abc import Sequence
from math import ceil

from hdrh.histogram import HdrHistogram

_LONGEST_US = 3_600_000_000
_DIGITS = 3
_LEVELS = (
    *(0.0, 10.0, 25.0, 50.0, 75.0, 80.0, 85.0, 90.0, 92.5, 95.0, 97.5, 98.0, 98.5, 99.0, 99.25, 99.5, 99.75),
    *(99.8, 99.9, 99.925, 99.95, 99.975, 99.99, 99.9925, 99.995, 99.9975, 99.999),
)


class Latencies:
    """A histogram of durations of constant size: precise to 0.1 % from a microsecond to an hour."""

    def __init__(self) -> None:
        self._histogram = HdrHistogram(1, _LONGEST_US, _DIGITS)
        self._max_s = 0.0

    def add(self, duration_s: float) -> None:
        """Count one duration; a negative one, from a clock that stepped back, counts as the shortest."""
        self._histogram.record_value(min(max(round(duration_s * 1e6), 1), _LONGEST_US))
        self._max_s = max(self._max_s, duration_s)

    @property
    def count(self) -> int:
        """How many durations were counted."""
        return int(self._histogram.get_total_count())

    @property
    def max_ms(self) -> float:
        """The longest duration, exact."""
        return self._max_s * 1000.0

    def curve(self) -> tuple[tuple[float, float], ...]:
        """Return (percent below 100, ms) at levels that become denser towards 100; none if empty.

        A level above which less than one duration remains is left out, because it adds nothing.
        """
        return tuple(
            (percent, self.percentile_ms(percent))
            for percent in _LEVELS
            if self.count * (100.0 - percent) >= 100.0
        )

    def slower_than(self, ms: float) -> int:
        """Return how many durations were longer than `ms`, to the histogram's precision."""
        limit_us = round(ms * 1000.0)
        buckets = self._histogram.get_recorded_iterator()
        return sum(b.count_added_in_this_iter_step for b in buckets if b.value_iterated_to > limit_us)

    def merge(self, other: "Latencies") -> None:
        """Count the durations of `other` too."""
        self._histogram.add(other._histogram)
        self._max_s = max(self._max_s, other._max_s)

    @classmethod
    def decoded(cls, text: str, *, max_ms: float) -> "Latencies":
        """Return the histogram that `encoded` wrote; + max_ms: its longest duration, exact."""
        found = cls()
        found._histogram.decode_and_add(text)
        found._max_s = max_ms / 1000.0
        return found

    def encoded(self) -> str:
        """Return the histogram in the format of HDR logs: counts by microseconds, compressed, in base 64."""
        return bytes(self._histogram.encode()).decode()

    def percentile_ms(self, percent: float) -> float:
        """Return the duration that `percent` of all (at least one) do not exceed, in ms: nearest rank."""
        # The histogram rounds the rank itself: for this percentage it returns the nearest rank.
        share = 100.0 * _rank(self.count, percent) / self.count
        # The histogram returns the upper end of a bucket, which may be above the longest duration.
        return min(float(self._histogram.get_value_at_percentile(share)) / 1000.0, self.max_ms)


def nearest_rank(values: Sequence[float], percent: float) -> float:
    """Return the value that `percent` of `values` (at least one) do not exceed: nearest rank."""
    ordered = sorted(values)
    return ordered[_rank(len(ordered), percent) - 1]


def _rank(count: int, percent: float) -> int:
    # A product such as 1000 times 0.999 may be slightly above or below the exact value.
    return max(ceil(count * percent / 100.0 - 1e-9), 1)
