"""What a seeding needs and says: room in the database, a line of progress, figures. Pure."""

import json
from collections.abc import Mapping

from inventory.model import Database

DATA_BYTES_PER_CUSTOMER = 256
"""With limit, movements and indexes; 1,180,000 customers took 77 each once they were written out."""
LOG_BYTES_PER_CUSTOMER = 800
"""1,180,000 customers took 750 each."""
DATA_SHARE_MAX = 0.5
"""Of the largest data file: a merge writes the new state beside the old one."""
LOG_SHARE_MAX = 0.75
"""Of the log disk: a standby that stood still all the time must find the whole log when it goes on."""
_MIB = 2**20


def space_problems(database: Database, customers: int) -> tuple[str, ...]:
    """Return why so many customers do not fit into each database of the pair; nothing if they do.

    + customers: in all, with those who are there
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
    """Return a line of the seeding's log as a human wants it."""
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
    """Return the figures of what the seeding printed.

    + found: `customers` there now, `inserted` of them by this run, `rows`, `seed` and `seconds`
    """
    seconds = found["seconds"]
    return {
        "customers": found["customers"],
        "customers_inserted": found["inserted"],
        "rows_inserted": found["rows"],
        "rows_per_s": round(found["rows"] / seconds, 1) if seconds else 0.0,
        "customers_seed": found["seed"],
    }
