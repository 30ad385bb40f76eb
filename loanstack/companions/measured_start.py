"""When the measured part of a load begins: only its generator knows, so the ledger's first line tells it."""

import threading
from pathlib import Path

import orjson

from proof.files import LEDGER_FILE

_LOOK_EVERY_S = 0.2
_LEDGERS = (LEDGER_FILE, f"workers/1/{LEDGER_FILE}")
"""The ledger of a single process, and of the first of several workers."""


def of_first_line(line: bytes, *, warm_up_s: float) -> float | None:
    """Return the unix time from which a load is measured, exact to some tenths of a second.

    + line: first line of its ledger: a write of the warm-up, whose rate grows from 0
    """
    if not line.endswith(b"\n"):
        # Half a line: the rest is on its way.
        return None
    return float(orjson.loads(line)["planned_s"]) + warm_up_s


def wait(folder: Path, *, warm_up_s: float, over: threading.Event) -> float | None:
    """Wait for the first line of a load's ledger, and return the unix time from which the load is measured.

    + folder: run folder of the load
    + over: set to stop waiting; the function then returns None
    """
    while not over.wait(_LOOK_EVERY_S):
        for name in _LEDGERS:
            try:
                with (folder / name).open("rb") as file:
                    found = of_first_line(file.readline(), warm_up_s=warm_up_s)
            except FileNotFoundError:
                continue
            if found is not None:
                return found
    return None
