"""What the services must say differently to OceanBase and to MariaDB; everything else they ask both alike.

The services' own statements (`app_stub.sql`, `app_stub.seed_sql`) and the schema parse and mean the same on
both. What differs is what a database says of itself: its role, its position in the log, its time-outs, and
how a table is read as it was at one moment.
"""

from enum import StrEnum


class DatabaseKind(StrEnum):
    """Which database the services work on."""

    OCEANBASE = "oceanbase"
    MARIADB = "mariadb"
    """A semi-synchronous pair, for comparison: no agent, and nobody is promoted."""


ROLE_QUERY = {
    DatabaseKind.OCEANBASE: "SELECT role,pending_role FROM oceanbase.__all_virtual_server_stat",
    DatabaseKind.MARIADB: "SELECT IF(@@GLOBAL.read_only,'STANDBY','PRIMARY'),''",
}
"""Role now, and the role it is about to take.

OceanBase's is read from `__all_virtual_server_stat`: the parameter `server_role_info` still says STANDBY
after a promotion. MariaDB has no roles; a replica is what may not be written to.
"""

_SQL_MODE = "sql_mode='STRICT_ALL_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE'"


def session_settings(kind: DatabaseKind, *, timeout_ms: int) -> str:
    """Return the statement that a new connection begins with.

    The server gives up a little before the client does, so that its answer can still arrive.

    Args:
        kind: whom it is said to.
        timeout_ms: when the client cuts a statement.
    """
    server_us = max(timeout_ms * 1000 * 9 // 10, 50_000)
    idle_us = max(timeout_ms * 2000, 1_000_000)
    if kind is DatabaseKind.OCEANBASE:
        return (
            f"SET ob_query_timeout={server_us},ob_trx_timeout={server_us},ob_trx_lock_timeout={server_us},"
            f"ob_trx_idle_timeout={idle_us},{_SQL_MODE}"
        )
    # MariaDB counts waits in whole seconds. A pooled connection that has read is in a transaction for ever
    # there, which costs nothing at READ COMMITTED: only one that has written is timed out.
    lock_s, idle_s = (max(limit_us // 1_000_000, 1) for limit_us in (server_us, idle_us))
    return (
        f"SET max_statement_time={server_us / 1e6:g},innodb_lock_wait_timeout={lock_s},"
        f"idle_write_transaction_timeout={idle_s},{_SQL_MODE}"
    )


class MovedError(ValueError):
    """A database that has taken writes since the position at which it was to be read."""

    def __init__(self, *, wanted: int, now: int) -> None:
        self.wanted, self.now = wanted, now
        super().__init__(
            f"written to since position {wanted}, now at {now}; wait until it rests, and begin anew"
        )


POSITION_QUERY = {
    DatabaseKind.OCEANBASE: "SELECT END_SCN FROM oceanbase.`V$OB_LOG_STAT`",
    DatabaseKind.MARIADB: "SHOW STATUS LIKE 'binlog_snapshot_%'",
}
"""How far the log goes; for MariaDB within `SNAPSHOT`, whose position it then is."""

SNAPSHOT = "COMMIT;SET TRANSACTION ISOLATION LEVEL REPEATABLE READ;START TRANSACTION WITH CONSISTENT SNAPSHOT"
"""MariaDB's way to read several pages as they were at one moment: one transaction for all of them."""

_FILE_BYTES = 1 << 40
"""More than a file of the binary log may hold: file number and place in it then sort as one number."""


def position_in(kind: DatabaseKind, rows: list[tuple[object, ...]]) -> int:
    """Return the position in the answer to `POSITION_QUERY`: one that only grows."""
    if kind is DatabaseKind.OCEANBASE:
        return max(int(str(row[0])) for row in rows)
    said = {str(name).lower(): str(value) for name, value in rows}
    number = int(said["binlog_snapshot_file"].rpartition(".")[2])
    return number * _FILE_BYTES + int(said["binlog_snapshot_position"])
