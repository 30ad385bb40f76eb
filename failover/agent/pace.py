"""How long the agent waits between two observations: longer while all is well."""

import asyncio
from collections.abc import Callable
from contextlib import suppress


class Pace:
    """The pace of all repeated observations. An agent that has just started is not calm."""

    def __init__(self, *, busy_ms: int, calm_ms: int) -> None:
        """Begin at the quick pace.

        Args:
            busy_ms: between two observations while anything is not as it should be.
            calm_ms: between two observations while everything is.
        """
        self._busy_s = busy_ms / 1000
        self._calm_s = calm_ms / 1000
        self._disturbed = asyncio.Event()
        self._disturbed.set()
        self.on_disturbance: Callable[[], None] = lambda: None
        """Called when calm ends, so that tasks with their own sleep observe at once."""

    @property
    def is_calm(self) -> bool:
        """Whether all is well."""
        return not self._disturbed.is_set()

    @property
    def interval_s(self) -> float:
        """Seconds between two observations at the present pace."""
        return self._calm_s if self.is_calm else self._busy_s

    def set(self, *, is_calm: bool) -> None:
        """Set whether all is well; when calm ends, every pause ends at once."""
        if is_calm:
            self._disturbed.clear()
        elif self.is_calm:
            self._disturbed.set()
            self.on_disturbance()

    async def pause(self) -> None:
        """Wait until it is time for the next observation."""
        await asyncio.sleep(self._busy_s)
        with suppress(TimeoutError):
            async with asyncio.timeout(self._calm_s - self._busy_s):
                await self._disturbed.wait()
