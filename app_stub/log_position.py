"""Asks one database of an OceanBase pair how far its log goes: MariaDB itself waits for its replica."""

import asyncio
import logging
from collections.abc import Callable

from asyncmy import errors

from app_stub.database import Connection, connect
from app_stub.dialect import POSITION_QUERY, DatabaseKind
from app_stub.outcome import DatabaseFailure
from app_stub.primary_rule import Role
from app_stub.role_poller import role_and_epoch
from app_stub.settings import Database, Endpoint

_LOG = logging.getLogger("loan.durability")
_ANSWER_WITHIN_S = 0.5
_PAUSE_S = 0.2
"""Between two attempts at a database that does not answer."""


class LogPosition:
    """The questions to one endpoint, over one connection."""

    def __init__(self, settings: Database, endpoint: Endpoint) -> None:
        self._settings = settings
        self._endpoint = endpoint
        self._connection: Connection | None = None
        self._primary_of_epoch: int | None = None
        self._not_before_s = float("-inf")

    async def as_standby(self) -> int | None:
        """Return the position that all of its log has reached; None if it does not answer."""
        return await self._ask(None, min)

    async def as_primary(self, epoch: int) -> int | None:
        """Return its latest position; None if it does not answer, or is no primary of `epoch`."""
        return await self._ask(epoch, max)

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    async def _ask(self, epoch: int | None, of: Callable[[list[int]], int]) -> int | None:
        clock = asyncio.get_running_loop().time
        if clock() < self._not_before_s:
            return None
        try:
            if self._connection is None:
                self._primary_of_epoch = None
                self._connection = await connect(self._settings, self._endpoint, autocommit=True)
            async with asyncio.timeout(_ANSWER_WITHIN_S):
                if epoch is not None and epoch != self._primary_of_epoch:
                    said = await role_and_epoch(self._connection, self._settings.kind)
                    if said != (Role.PRIMARY, epoch):
                        self._not_before_s = clock() + _PAUSE_S
                        return None
                    self._primary_of_epoch = epoch
                rows = (await self._connection.read((POSITION_QUERY[DatabaseKind.OCEANBASE],)))[0]
            return of([int(row[0]) for row in rows])
        except (OSError, errors.MySQLError, DatabaseFailure, ValueError) as failure:
            _LOG.debug("no position", extra={"endpoint": str(self._endpoint), "error": str(failure)})
            self._not_before_s = clock() + _PAUSE_S
            self.close()
            return None
