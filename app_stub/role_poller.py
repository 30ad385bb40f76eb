"""Polls one database for its role, and a primary for its epoch."""

import asyncio
import logging
from collections.abc import Callable

from asyncmy import errors

from app_stub import sql
from app_stub.database import Connection, connect
from app_stub.dialect import ROLE_QUERY, DatabaseKind
from app_stub.outcome import DatabaseFailure
from app_stub.primary_rule import Role
from app_stub.settings import Database, Endpoint

_LOG = logging.getLogger("loan.primary")

_SETTLED_INTERVALS = 25
"""While nothing is in doubt a question is asked so many intervals after the last one. It costs OceanBase
1.1 to 1.7 ms of processor, because it reads its role from a file each time (seekdb 1.4, by a profile)."""

Note = Callable[[Endpoint, Role, int, str], None]
"""Told endpoint, role, epoch (0 unless it is a primary), and why the role is unknown."""


async def role_and_epoch(connection: Connection, kind: DatabaseKind) -> tuple[Role, int]:
    """Return what the database at the other end says it is; the epoch is 0 unless it is a primary.

    A primary of OceanBase that was told to become a standby refuses writes at once and says PRIMARY until it
    is started again: only its pending role tells. A standby is not asked for the epoch, because it may be a
    long time without its tables.

    Raises:
        DatabaseFailure: it did not answer, or the user lacks a right.
    """
    rows = (await connection.read((ROLE_QUERY[kind],)))[0]
    role, pending = (str(value) for value in rows[0]) if rows else ("", "")
    if Role.STANDBY in (role, pending):
        return Role.STANDBY, 0
    if role != Role.PRIMARY:
        return Role.UNKNOWN, 0
    epochs = (await connection.read((sql.SELECT_EPOCH,)))[0]
    return (Role.PRIMARY, int(epochs[0][0])) if epochs else (Role.UNKNOWN, 0)


class RolePoller:
    """Polls one endpoint.

    A refused connection is silence at once; an open one that does not answer is silence after `silence_ms`,
    so that a database that stalls for a moment is not given up.
    """

    def __init__(
        self, settings: Database, endpoint: Endpoint, note: Note, is_settled: Callable[[], bool]
    ) -> None:
        self._settings = settings
        self._endpoint = endpoint
        self._note = note
        self._is_settled = is_settled
        self._recheck = asyncio.Event()

    def recheck_now(self) -> None:
        """Ask again now."""
        self._recheck.set()

    async def poll(self) -> None:
        """Tell `note` of each answer and each silence; ends only when cancelled."""
        while True:
            try:
                await self._poll()
            except Exception as failure:
                # The last resort: who is asked no more would count as unheard, or as what it last was, for
                # ever, and no primary be found (seen).
                _LOG.exception("role questions failed", extra={"endpoint": str(self._endpoint)})
                self._note(self._endpoint, Role.UNKNOWN, 0, repr(failure))
                await self._pause()

    async def _poll(self) -> None:
        silence_s = self._settings.silence_ms / 1000
        clock = asyncio.get_running_loop().time
        endpoint = self._endpoint
        answered_s = float("-inf")
        while True:
            try:
                connection = await connect(self._settings, endpoint, autocommit=True)
            except (OSError, errors.MySQLError) as failure:
                if isinstance(failure, TimeoutError) and clock() - answered_s < silence_s:
                    continue
                self._note(endpoint, Role.UNKNOWN, 0, f"{type(failure).__name__}: {failure}")
                await self._pause()
                continue
            try:
                while True:
                    async with asyncio.timeout(silence_s):
                        role, epoch = await role_and_epoch(connection, self._settings.kind)
                    answered_s = clock()
                    self._note(endpoint, role, epoch, "")
                    await self._pause()
            except TimeoutError:
                self._note(endpoint, Role.UNKNOWN, 0, f"no answer within {silence_s} s")
            except DatabaseFailure as failure:
                _LOG.warning("role question failed", extra={"endpoint": str(endpoint), "error": str(failure)})
                if connection.usable:
                    # It answered, and the answer was no: asking again at once would be a flood.
                    self._note(endpoint, Role.UNKNOWN, 0, str(failure))
                    await self._pause()
                # Otherwise without a pause: a lost connection is looked into at once.
            finally:
                connection.close()

    async def _pause(self) -> None:
        intervals = _SETTLED_INTERVALS if self._is_settled() else 1
        try:
            async with asyncio.timeout(intervals * self._settings.watch_interval_ms / 1000):
                await self._recheck.wait()
        except TimeoutError:
            return
        # A hint shortens one pause only, and never to nothing.
        await asyncio.sleep(0.02)
        self._recheck.clear()
