"""Which processes run: real ones, by the ids that they note in a file."""

import time
from pathlib import Path

DEADLINE_S = 120.0


def is_running(pid: int) -> bool:
    """Say whether the process exists and is no zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def pids_in(path: Path, count: int) -> list[int]:
    """Wait until `count` lines with process ids stand in `path`."""
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        found = path.read_text().split() if path.exists() else []
        if len(found) >= count:
            return [int(pid) for pid in found]
        time.sleep(0.02)
    raise AssertionError(f"{path} did not get {count} process ids within {DEADLINE_S} s")


def wait_gone(pids: list[int]) -> list[int]:
    """Wait for the processes' ends and return those that still run at the deadline."""
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline and any(is_running(pid) for pid in pids):
        time.sleep(0.02)
    return [pid for pid in pids if is_running(pid)]
