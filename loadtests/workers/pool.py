"""The processes of several workers, or the SSH sessions to them: their start and their end."""

import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryFile

from processes.child import Child

LOG_FILE = "locust.log"
KILL_AFTER_S = 5.0


class Pool:
    """The processes, by their number (from 1)."""

    def __init__(self) -> None:
        self._children: dict[int, Child] = {}
        self._reported: set[int] = set()

    def start(self, number: int, argv: Sequence[str], *, log: Path, env: Mapping[str, str]) -> None:
        """Start worker `number`.

        + log: where whatever it prints goes
        + env: variables that it gets, and reads on its standard input as `NAME=value` lines
        """
        with log.open("ab") as output, TemporaryFile() as variables:
            variables.writelines(f"{name}={value}\n".encode() for name, value in env.items())
            variables.seek(0)
            self._children[number] = Child(
                argv,
                log=log,
                stdin=variables,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=env,
                grace_s=KILL_AFTER_S,
            )

    def has(self, number: int) -> bool:
        """Say whether process `number` was started."""
        return number in self._children

    def newly_ended(self) -> list[int]:
        """Return the numbers of those that ended since this was asked last."""
        found = [
            number
            for number, child in self._children.items()
            if number not in self._reported and child.ended() is not None
        ]
        self._reported.update(found)
        return found

    def status(self, number: int) -> int:
        """Return how process `number`, which has ended, did so: exit code, or minus the signal."""
        return self._children[number].end().returncode

    def kill(self, number: int) -> None:
        """End a process that would not hear anything else."""
        self._children[number].process.kill()

    def end(self, within_s: float) -> None:
        """Wait until all have ended; those that have not within the time are terminated, and killed then."""
        until_s = time.monotonic() + within_s
        for child in self._children.values():
            child.ended(max(0.0, until_s - time.monotonic()))
        for child in self._children.values():
            child.end()
