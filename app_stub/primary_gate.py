"""Which primary is written to, under which epoch, and whether anything may be sent to it right now."""

import asyncio
from collections.abc import Callable

from app_stub.settings import Endpoint

_BACK_OFF_S = 0.1
"""After a write was told that this is no primary (any more), the next one tries this much later."""


class PrimaryGate:
    """Open while a primary is known that takes writes; shut while it hands over, or has just refused one."""

    def __init__(self, opened: Callable[[], None]) -> None:
        """Call `opened` when what was shut may be open again."""
        self._opened = opened
        self._is_held = False
        self._back_off_timer: asyncio.TimerHandle | None = None
        self.primary: Endpoint | None = None
        """None while none is known."""
        self.epoch = 0
        """The primary's epoch, which each write sent to it must carry."""
        self.term = 0
        """Grows whenever the primary or its epoch changes: what was learnt in an earlier term is history."""

    @property
    def is_open(self) -> bool:
        """Whether writes may be sent."""
        return self.primary is not None and not self._is_held and self._back_off_timer is None

    @property
    def why_shut(self) -> str:
        """What a request is told that waited for nothing."""
        if self.primary is None:
            return "no primary is known"
        return f"{self.primary} hands over or has refused to be the primary"

    def point(self, primary: Endpoint | None, epoch: int, *, is_held: bool) -> bool:
        """Point at `primary`; return whether it is another one than before."""
        is_other = primary != self.primary
        if is_other or epoch != self.epoch:
            self.term += 1
            self.end_back_off()
        self.primary, self.epoch, self._is_held = primary, epoch, is_held
        return is_other

    def back_off(self) -> None:
        """Shut for a moment, or until there is news: the primary has just refused to be one."""
        if self._back_off_timer is None:
            self._back_off_timer = asyncio.get_running_loop().call_later(_BACK_OFF_S, self._backed_off)

    def end_back_off(self) -> None:
        """Back off no longer, without telling."""
        if self._back_off_timer is not None:
            self._back_off_timer.cancel()
            self._back_off_timer = None

    def _backed_off(self) -> None:
        self._back_off_timer = None
        self._opened()
