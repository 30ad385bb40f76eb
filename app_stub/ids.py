"""Ids of rows that the services make: they grow with time, are exact in JSON, and hardly ever meet."""

import time
from collections.abc import Callable
from secrets import randbits

_START_S = 1_767_225_600
"""2026-01-01: ids count seconds from here, so that 30 bits last until 2060."""
_PROCESS_BITS, _COUNT_BITS = 10, 12


class Ids:
    """The ids of one process: seconds, a random number of the process, and a count that goes round.

    22 random bits instead would meet about once an hour at 50 ids a second.
    Two processes that drew the same number can still meet: that is refused by the primary key and answered
    503, and the repeat gets another id.
    """

    def __init__(
        self, clock_s: Callable[[], float] = time.time, random_bits: Callable[[int], int] = randbits
    ) -> None:
        self._clock_s = clock_s
        self._process = random_bits(_PROCESS_BITS)
        self._count = random_bits(_COUNT_BITS)

    def next(self) -> int:
        """Return an id of 52 bits, another one each time unless thousands are asked for in one second."""
        self._count = (self._count + 1) % (1 << _COUNT_BITS)
        seconds = int(self._clock_s()) - _START_S
        return (seconds << _PROCESS_BITS | self._process) << _COUNT_BITS | self._count
