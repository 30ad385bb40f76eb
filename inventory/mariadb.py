"""The typed inventory of MariaDB, with which OceanBase is compared on the same hosts."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class MariaDb:
    """A semi-synchronous MariaDB pair, on the hosts of OceanBase's first primary and standby.

    It is for comparison only. It is not installed before a comparison needs it, and it never runs at the same
    time as OceanBase.
    """

    sql_port: int = 3306
    buffer_pool_share: float = 0.5
    """Share of OceanBase's memory limit: OceanBase's memory also holds write sets, plans and the log."""
    redo_log_mib: int = 1024
    """Large enough that a load of some minutes never waits for a checkpoint."""
    semi_sync_timeout_ms: int = 10_000
    """After this time, the primary no longer waits for a silent replica; a comparison in which that happens
    is INVALID."""
