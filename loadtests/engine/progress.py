"""Progress lines of a running load, for one process and for several workers."""

import sys
from pathlib import Path

EVERY_S = 5


def running(*, elapsed_s: float, acknowledged_per_s: float, errors: int, late: int) -> str:
    """Return the progress line that is printed every few seconds.

    + elapsed_s: seconds since the measured start; below 0 in the warm-up
    + late: arrivals that are due and not started
    """
    return f"{elapsed_s:4.0f} s  {acknowledged_per_s:.0f} acknowledged/s  {errors} errors  {late} late"


def ended(*, acknowledged: int, planned: int, errors: int, folder: Path) -> str:
    """Return the line that is printed at the end."""
    return f"{acknowledged} acknowledged of {planned} planned, {errors} errors; record: {folder}"


def say(line: str) -> None:
    """Tell a human something about the load."""
    sys.stderr.write(f"load: {line}\n")
    sys.stderr.flush()
