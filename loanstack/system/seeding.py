"""Space that a seeding needs in the database, its progress line and its figures. Pure."""

import json
from collections.abc import Mapping

from inventory.model import Database

DATA_BYTES_PER_CUSTOMER = 256
"""With limit, movements and indexes; measured: 77 bytes each, for 1,180,000 customers written to disk."""
LOG_BYTES_PER_CUSTOMER = 800
"""Measured: 750 bytes each, for 1,180,000 customers."""
DATA_SHARE_MAX = 0.5
"""Share of the largest data file: a merge writes the new state before it deletes the old one."""
LOG_SHARE_MAX = 0.75
"""Share of the log disk: a standby that stopped during the seeding must still find the whole log."""
_MIB = 2**20


def space_problems(database: Database, customers: int) -> tuple[str, ...]:
    """Return why `customers` do not fit into each database of the pair; nothing if they fit.

    + customers: number of customers in all, with those already there
    """
    data_mib = database.datafile_maxsize_mib * DATA_SHARE_MAX
    log_mib = database.log_disk_size_mib * LOG_SHARE_MAX
    found = []
    for needed_bytes, most_mib, what in (
        (DATA_BYTES_PER_CUSTOMER, data_mib, f"{DATA_SHARE_MAX:.0%} of datafile_maxsize_mib"),
        (LOG_BYTES_PER_CUSTOMER, log_mib, f"{LOG_SHARE_MAX:.0%} of log_disk_size_mib"),
    ):
        most = int(most_mib * _MIB / needed_bytes)
        if customers > most:
            needed_mib = customers * needed_bytes / _MIB
            found.append(
                f"{customers:,} customers need {needed_mib:,.0f} MiB; allowed: {most_mib:,.0f} MiB ({what}), "
                f"which is {most:,} customers"
            )
    return tuple(found)


def progress(line: str) -> str:
    """Return a line of the seeding's log in a form for people."""
    try:
        said = json.loads(line)
        left_s = int(said["eta_s"])
        return (
            f"{said['customers']:,} of {said['customers_missing']:,} customers, "
            f"{said['rows_per_s']:,} rows/s, {left_s // 60}:{left_s % 60:02d} left"
        )
    except (ValueError, KeyError, TypeError):
        return line


def figures(found: Mapping[str, float]) -> dict[str, float]:
    """Return the figures in the output of the seeding.

    + found: `customers` in all, `inserted` by this run, `rows`, `seed` and `seconds`
    """
    seconds = found["seconds"]
    return {
        "customers": found["customers"],
        "customers_inserted": found["inserted"],
        "rows_inserted": found["rows"],
        "rows_per_s": round(found["rows"] / seconds, 1) if seconds else 0.0,
        "customers_seed": found["seed"],
    }
