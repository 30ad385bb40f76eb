"""When the measured part of a load begins: its generator alone knows, and the record's first line tells."""

import threading
from pathlib import Path

import orjson

from proof.files import LEDGER_FILE

_LOOK_EVERY_S = 0.2
_LEDGERS = (LEDGER_FILE, f"workers/1/{LEDGER_FILE}")
"""Of one process, and of the first of several workers."""


def of_first_line(line: bytes, *, warm_up_s: float) -> float | None:
    """Return the unix time from which a load is measured, to some tenths of a second.

    + line: the first one of its ledger: a write of the warm-up, whose rate grows from nothing
    """
    if not line.endswith(b"\n"):
        # Half a line: the rest is on its way.
        return None
    return float(orjson.loads(line)["planned_s"]) + warm_up_s


def wait(folder: Path, *, warm_up_s: float, over: threading.Event) -> float | None:
    """Wait for the first line of a load's ledger, and return from when on it is measured (unix time).

    + folder: the load's
    + over: set when nobody waits for it any more; then None
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
