"""The typed inventory of the database that OceanBase is compared with, on the same hosts."""

from dataclasses import dataclass
from enum import StrEnum


class DatabaseKind(StrEnum):
    """Which database the loan services work on."""

    OCEANBASE = "oceanbase"
    MARIADB = "mariadb"


@dataclass(frozen=True, kw_only=True)
class MariaDb:
    """A semi-synchronous MariaDB pair: primary and replica where OceanBase's were first deployed.

    It is there for comparison only. Nothing of it is on a host before a comparison asks for it, and it never
    runs beside OceanBase.
    """

    sql_port: int = 3306
    buffer_pool_share: float = 0.5
    """Of the memory that OceanBase may come to use: its own also holds write sets, plans and the log."""
    redo_log_mib: int = 1024
    """Large enough that a load of minutes never waits for a checkpoint."""
    semi_sync_timeout_ms: int = 10_000
    """A replica that is silent for so long is waited for no more; a comparison in which that happened is
    INVALID."""
