"""Asks the leader's database, from any host, whether it would hand over; this changes nothing."""

import asyncio
from pathlib import Path

import asyncmy
from asyncmy import errors

from failover.host.session import options_in

_VERIFY_SQL = "ALTER SYSTEM SWITCHOVER TO STANDBY VERIFY"
_HALF_SQL = (
    "SELECT trans_id FROM oceanbase.__all_virtual_trans_stat WHERE trans_id NOT IN"
    " (SELECT tx_id FROM oceanbase.V$OB_TRANSACTION_SCHEDULERS)"
    " AND ctx_create_time < DATE_SUB(NOW(), INTERVAL 5 SECOND)"
)
"""Transactions of which a former primary logged only the first half: they never end, and seekdb 1.4 waits for
their end before it becomes a standby."""
_TIMEOUT_S = 2.0


async def why_no_hand_over(host: str, address: str, port: int, options: Path) -> str | None:
    """Return why the database of `host` would not hand over, or None.

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
                    await cursor.execute(_HALF_SQL)
                    halves = [str(row[0]) for row in await cursor.fetchall()]
            finally:
                raw.close()
    except TimeoutError:
        return f"the database of {host} does not say within {_TIMEOUT_S:g} s whether it would hand over"
    except (errors.MySQLError, OSError, RuntimeError) as failure:
        return f"the database of {host} would not hand over: {failure}"
    if halves:
        return (
            f"the database of {host} would never finish handing over: it holds half of transaction"
            f" {', '.join(halves)}, which a former primary did not live to end; to change the primary all the"
            " same, use failover --force"
        )
    return None
