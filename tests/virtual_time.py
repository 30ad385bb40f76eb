"""An event loop with virtual time: it advances only when all tasks wait, and then at once to the next timer.

A test that runs in it takes no real time for granted. However slowly the machine runs, no virtual time passes
while a task works, so a time-out of 100 ms ends only what really waits for 100 ms; and a wait of 10 s costs
nothing. Both ends of a socket must be in this loop: to it, a process outside takes no time at all.
"""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
_TICK_S = 1e-9
_GRACE_S = 0.001
_STRIDE_S = 0.02
"""With sockets open, time advances by no more than this at once, after a real wait of `_GRACE_S`: the kernel
may still have to deliver what one end sent to the other."""


class _Selector(selectors.DefaultSelector):
    """Advances the time where others would wait."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 1000.0
        self.threads = 0
        """How many threads work for the loop: until they are done, time stands still."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found = super().select(0)
        if found or (timeout is not None and timeout <= 0):
            return found
        if timeout is None or self.threads:
            return super().select(None)
        if len(self.get_map()) > 1:  # one is how threads wake the loop
            found = super().select(_GRACE_S)
            if found:
                return found
            timeout = min(timeout, _STRIDE_S)
        self.now_s += timeout
        return []


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """The loop; `time` is its only clock."""

    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)

    def time(self) -> float:
        # A second look finds it a little later: or a wait of what rounding left would be endless.
        self._virtual.now_s += _TICK_S
        return self._virtual.now_s

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:
        working = super().run_in_executor(executor, func, *args)
        self._virtual.threads += 1
        working.add_done_callback(self._thread_done)
        return working

    def _thread_done(self, _: object) -> None:
        self._virtual.threads -= 1


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run `main` as `asyncio.run` does, in virtual time."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main)


def now_s() -> float:
    """Return the virtual time, for what asks for a clock."""
    return asyncio.get_running_loop().time()


def skip(seconds: float) -> None:
    """Advance the time of the running loop, an ordinary one: for tests that need a process outside."""
    loop = asyncio.get_running_loop()
    before = loop.time
    loop.time = lambda: before() + seconds  # type: ignore[method-assign]
