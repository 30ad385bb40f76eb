"""Virtual time for the agent's parts: the event loop's time is what their two clocks show, too."""

import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar
from unittest import mock

from failover import clock
from tests import virtual_time

T = TypeVar("T")
_UNIX_S = 1_700_000_000.0


class _Clocks:
    """What `failover.clock` needs of `time`."""

    CLOCK_BOOTTIME = time.CLOCK_BOOTTIME

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s

    def clock_gettime_ns(self, clock_id: int) -> int:
        assert clock_id == self.CLOCK_BOOTTIME
        return round(self._now_s() * 1_000_000) * 1000

    def time(self) -> float:
        return _UNIX_S + self._now_s()


@contextmanager
def _clocks() -> Iterator[None]:
    with mock.patch.object(clock, "time", _Clocks(virtual_time.now_s)):
        yield


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run `main` in virtual time."""
    with _clocks():
        return virtual_time.run(main)
