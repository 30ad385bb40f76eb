"""Writes the history in the background: no action waits for it, and it survives an outage of etcd."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from failover import clock
from failover.etcd.history import Event
from failover.etcd.http_api import EtcdError

_LOG = logging.getLogger("failover.history")
_PAUSE_S = 0.5
_KEPT = 500
"""Most events that wait for etcd; the oldest are dropped first."""

Json = dict[str, Any]


class History(Protocol):
    """What this module needs of `history.History`."""

    async def append(self, epoch: int, event: Event) -> None:
        """Add one event to an epoch."""

    async def read(self) -> dict[int, list[Json]]:
        """Return the events of each epoch."""


class HistoryWriter:
    """Events of this agent on their way into etcd, and the history as last read."""

    def __init__(self, history: History, me: str, *, wall_s: Callable[[], float] = clock.wall_s) -> None:
        """Record what `me` does."""
        self._history = history
        self._me = me
        self._wall_s = wall_s
        self._waiting: deque[tuple[int, Event]] = deque(maxlen=_KEPT)
        self._news = asyncio.Event()
        self._read: dict[int, list[Json]] = {}
        self._refused: set[tuple[int, str]] = set()

    def record(
        self, epoch: int, event: str, detail: str, *, request: str | None = None, at_s: float | None = None
    ) -> None:
        """Record an event of now, or of `at_s`."""
        when = self._wall_s() if at_s is None else at_s
        self._waiting.append(
            (epoch, Event(at_s=when, event=event, host=self._me, detail=detail, request=request))
        )
        self._news.set()
        _LOG.warning(event, extra={"epoch": epoch, "detail": detail, "request": request})

    def refuse(self, epoch: int, about: str, why: str, request: str | None) -> None:
        """Record a refusal; one without a request is recorded once an epoch."""
        if request is None and (epoch, about) in self._refused:
            return
        self._refused.add((epoch, about))
        self.record(epoch, "refused", why, request=request)

    async def history(self) -> dict[int, list[Json]]:
        """Return the events of each epoch: those in etcd, and those that still wait for it.

        If etcd does not answer: those that were read last.
        """
        try:
            self._read = await self._history.read()
        except EtcdError as failure:
            _LOG.info("history not read", extra={"error": str(failure)})
        found = {epoch: list(events) for epoch, events in self._read.items()}
        for epoch, event in self._waiting:
            line = event.line()
            if line not in found.setdefault(epoch, []):
                found[epoch].append(line)
        return {epoch: sorted(found[epoch], key=lambda line: line["at_s"]) for epoch in sorted(found)}

    async def run(self) -> None:
        """Write events to etcd for ever; ends only when cancelled."""
        while True:
            await self._news.wait()
            self._news.clear()
            while self._waiting:
                epoch, event = self._waiting[0]
                try:
                    await self._history.append(epoch, event)
                except EtcdError as failure:
                    _LOG.info("history not written yet", extra={"error": str(failure)})
                    await asyncio.sleep(_PAUSE_S)
                    continue
                if self._waiting and self._waiting[0] == (epoch, event):
                    self._waiting.popleft()
