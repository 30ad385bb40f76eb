"""How long the agent waits between two looks: longer while it is calm, and no longer once it is not."""

import asyncio
from collections.abc import Callable
from contextlib import suppress


class Pace:
    """The pace of everything that looks again and again. An agent that has just started is not calm."""

    def __init__(self, *, busy_ms: int, calm_ms: int) -> None:
        """Begin at the quick pace.

        Args:
            busy_ms: between two looks while anything is not as it should be.
            calm_ms: between two looks while everything is.
        """
        self._busy_s = busy_ms / 1000
        self._calm_s = calm_ms / 1000
        self._stirred = asyncio.Event()
        self._stirred.set()
        self.on_stir: Callable[[], None] = lambda: None
        """Called when calm ends: what sleeps by itself is to look at once."""

    @property
    def is_calm(self) -> bool:
        """Whether all is as it should be."""
        return not self._stirred.is_set()

    @property
    def interval_s(self) -> float:
        """Seconds between two looks at the present pace."""
        return self._calm_s if self.is_calm else self._busy_s

    def set(self, *, is_calm: bool) -> None:
        """Take in whether all is as it should be; a calm that ends cuts every pause short."""
        if is_calm:
            self._stirred.clear()
        elif self.is_calm:
            self._stirred.set()
            self.on_stir()

    async def pause(self) -> None:
        """Wait until it is time for the next look."""
        await asyncio.sleep(self._busy_s)
        with suppress(TimeoutError):
            async with asyncio.timeout(self._calm_s - self._busy_s):
                await self._stirred.wait()
