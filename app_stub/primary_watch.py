"""Asks both databases for their role, all the time, and points the pool at the primary."""

import asyncio
import logging
from collections.abc import Callable

from asyncmy import errors

from app_stub.database import connect
from app_stub.metrics import Metrics
from app_stub.outcome import DatabaseFailure
from app_stub.primary_rule import Role, Sight, primary_of, seen, two_primaries
from app_stub.settings import Database, Endpoint

_LOG = logging.getLogger("loan.primary")
_ROLE_QUERY = ("SELECT role FROM oceanbase.__all_virtual_server_stat",)


class PrimaryWatch:
    """One task per endpoint; each answer, and each silence, may change the primary.

    The role is read from `__all_virtual_server_stat`: the parameter `server_role_info` still says STANDBY
    after a promotion. A refused connection is silence at once; an open one that does not answer is silence
    after `silence_ms`, so that a database that stalls for a moment is not given up.
    """

    def __init__(
        self, settings: Database, follow: Callable[[Endpoint | None], None], metrics: Metrics
    ) -> None:
        self._settings = settings
        self._follow = follow
        self._metrics = metrics
        self._sights = {endpoint: Sight(endpoint=endpoint) for endpoint in settings.endpoints}
        self._heard: set[Endpoint] = set()
        self._current: Endpoint | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._hurry = asyncio.Event()

    def start(self) -> None:
        """Start watching."""
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._watch(endpoint)) for endpoint in self._sights]

    async def stop(self) -> None:
        """End watching; the pool keeps its last primary."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def suspect(self) -> None:
        """Ask again now: a write was told that it did not reach a primary, or lost its connection."""
        self._hurry.set()

    async def _watch(self, endpoint: Endpoint) -> None:
        silence_s = self._settings.silence_ms / 1000
        clock = asyncio.get_running_loop().time
        answered_s = float("-inf")
        while True:
            try:
                connection = await connect(self._settings, endpoint, autocommit=True)
            except (OSError, errors.MySQLError) as failure:
                if isinstance(failure, TimeoutError) and clock() - answered_s < silence_s:
                    continue
                self._note(endpoint, Role.UNKNOWN, f"{type(failure).__name__}: {failure}")
                await self._pause()
                continue
            try:
                while True:
                    async with asyncio.timeout(silence_s):
                        rows = (await connection.read(_ROLE_QUERY))[0]
                    answered_s = clock()
                    self._note(endpoint, _role(rows), "")
                    await self._pause()
            except (TimeoutError, DatabaseFailure) as failure:
                # Without a pause: a lost connection is looked into at once.
                _LOG.warning("role question failed", extra={"endpoint": str(endpoint), "error": str(failure)})
                if isinstance(failure, TimeoutError):
                    self._note(endpoint, Role.UNKNOWN, f"no answer within {silence_s} s")
            finally:
                connection.close()

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(self._settings.watch_interval_ms / 1000):
                await self._hurry.wait()
        except TimeoutError:
            return
        # A hint shortens one pause only, and never to nothing.
        await asyncio.sleep(0.02)
        self._hurry.clear()

    def _note(self, endpoint: Endpoint, role: Role, why: str) -> None:
        before = self._sights[endpoint]
        self._sights[endpoint] = seen(before, role, asyncio.get_running_loop().time())
        is_first = endpoint not in self._heard
        self._heard.add(endpoint)
        if before.role is role and not is_first:
            return
        sights = tuple(self._sights.values())
        _LOG.warning(
            "role seen",
            extra={"endpoint": str(endpoint), "role": role.value, "was": before.role.value, "why": why},
        )
        for known in Role:
            self._metrics.role_seen.labels(str(endpoint), known.value).set(1.0 if known is role else 0.0)
        self._metrics.two_primaries.set(1.0 if two_primaries(sights) else 0.0)
        if len(self._heard) < len(sights):
            # Choosing before the other endpoint has had its say would trust an old primary that happens to
            # answer first.
            return
        chosen = primary_of(sights, self._current)
        if chosen != self._current:
            _LOG.warning("primary changed", extra={"primary": str(chosen), "was": str(self._current)})
            self._current = chosen
            self._metrics.primary_changes.inc()
            self._follow(chosen)


def _role(rows: list[tuple[object, ...]]) -> Role:
    text = str(rows[0][0]) if rows else ""
    return Role(text) if text in (Role.PRIMARY, Role.STANDBY) else Role.UNKNOWN
