"""Asks the leader's database, from any host, whether it would hand over: a question that changes nothing."""

import asyncio
from pathlib import Path

import asyncmy
from asyncmy import errors

from failover.host.session import options_in

_VERIFY_SQL = "ALTER SYSTEM SWITCHOVER TO STANDBY VERIFY"
_TIMEOUT_S = 2.0


async def why_no_hand_over(host: str, address: str, port: int, options: Path) -> str | None:
    """Return what the database of `host` says against handing over, or None.

    Args:
        host: the leader.
        address: where its database is reached.
        port: of its SQL.
        options: file with user and password.
    """
    try:
        user, password = options_in(options)
        async with asyncio.timeout(_TIMEOUT_S):
            raw = await asyncmy.connect(
                host=address, port=port, user=user, password=password, autocommit=True
            )
            try:
                async with raw.cursor() as cursor:
                    await cursor.execute(_VERIFY_SQL)
            finally:
                raw.close()
    except TimeoutError:
        return f"the database of {host} does not say within {_TIMEOUT_S:g} s whether it would hand over"
    except (errors.MySQLError, OSError, RuntimeError) as failure:
        return f"the database of {host} would not hand over: {failure}"
    return None
