"""The processes of several workers, or the SSH sessions to them: their start and their end."""

import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import gevent

LOG_FILE = "locust.log"
_LOOK_EVERY_S = 0.05
_KILL_AFTER_S = 5.0


class Pool:
    """The processes, by their number (from 1).

    Each has a session of its own: Ctrl-C at a terminal is ours to answer; it would cut their records short.
    """

    def __init__(self) -> None:
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self._reported: set[int] = set()

    def start(self, number: int, argv: Sequence[str], *, cwd: Path, log: Path) -> None:
        """Start worker `number`; whatever it prints goes to `log`."""
        with log.open("ab") as output:
            self._processes[number] = subprocess.Popen(
                list(argv),
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def newly_ended(self) -> list[int]:
        """Return the numbers of those that ended since this was asked last."""
        found = [
            number
            for number, process in self._processes.items()
            if number not in self._reported and process.poll() is not None
        ]
        self._reported.update(found)
        return found

    def status(self, number: int) -> int:
        """Return how process `number`, which has ended, did so: exit code, or minus the signal."""
        return self._processes[number].wait()

    def kill(self, number: int) -> None:
        """End a process that would not hear anything else."""
        self._processes[number].kill()

    def end(self, within_s: float) -> None:
        """Wait until all have ended; those that have not within the time are terminated, and killed then."""
        self._wait(within_s)
        for process in self._running():
            process.terminate()
        self._wait(_KILL_AFTER_S)
        for process in self._running():
            process.kill()
        for process in self._processes.values():
            process.wait()

    def _running(self) -> list["subprocess.Popen[bytes]"]:
        return [process for process in self._processes.values() if process.poll() is None]

    def _wait(self, within_s: float) -> None:
        deadline_s = time.monotonic() + within_s
        while self._running() and time.monotonic() < deadline_s:
            gevent.sleep(_LOOK_EVERY_S)
