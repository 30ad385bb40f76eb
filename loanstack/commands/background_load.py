"""A load that runs while the environment is changed: it counts the requests that fail meanwhile."""

import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from loadtests.results import figures
from loanstack.commands.load import LOCUST
from loanstack.runs.task import CommandError, Task, tail
from processes.child import Child
from proof.exits import ExitCode
from proof.files import LEDGER_FILE

_LONGEST_S = 3600
"""Longest duration; normally the command ends the load long before. It limits an orphaned load."""
_STARTS_WITHIN_S = 90.0
_ENDS_WITHIN_S = 40.0
_LOOK_EVERY_S = 0.2


class BackgroundLoad:
    """The loan journey at a modest rate, during a `with` block."""

    def __init__(self, task: Task, *, rate_per_s: float) -> None:
        """Prepare a load of `rate_per_s` writes a second; its record goes into `load/` of the run folder."""
        self._task = task
        self._rate_per_s = rate_per_s
        self._folder = task.folder.path / "load"
        self._child: Child | None = None
        self._began_s = self._lasted_s = 0.0
        self._ended_early = False

    def __enter__(self) -> Self:
        """Start it, and wait for its first answers.

        Raises:
            CommandError: no answer came in time.
        """
        env = self._task.env
        argv = [*env.client_command, sys.executable, *LOCUST]
        options = {
            "--environment": env.name,
            "--rate": f"{self._rate_per_s:g}",
            "--duration": f"{_LONGEST_S}s",
            "--warm-up": "2s",
            "--run-folder": str(self._folder),
        }
        argv += [part for pair in options.items() for part in pair]
        self._child = self._task.processes.start(argv, log=self._task.log("locust"), grace_s=_ENDS_WITHIN_S)
        until_s = time.monotonic() + _STARTS_WITHIN_S
        while not _has_answers(self._folder / LEDGER_FILE):
            if time.monotonic() > until_s or self._child.ended() is not None:
                self._child.end()
                said = tail(self._task.log("locust"))
                problem = (
                    f"the background load did not start within {_STARTS_WITHIN_S:.0f} s; it says:\n{said}"
                )
                raise CommandError(problem, code=ExitCode.INVALID)
            time.sleep(_LOOK_EVERY_S)
        self._began_s = time.monotonic()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the load; requests under way are completed and recorded."""
        if self._child is not None:
            self._ended_early = self._child.ended() is not None
            self._child.end()
            self._lasted_s = time.monotonic() - self._began_s

    def figures(self) -> dict[str, float]:
        """Return how many requests the clients of an ended load made, and how many of these failed.

        Raises:
            CommandError: its record is not whole.
        """
        if self._ended_early:
            said = tail(self._task.log("locust"))
            problem = f"the background load ended too early; it says:\n{said}"
            raise CommandError(problem, code=ExitCode.INVALID)
        try:
            found = figures.of_folder(self._folder).values
        except (FileNotFoundError, ValueError) as damaged:
            raise CommandError(
                f"the record of the background load is not whole: {damaged}", code=ExitCode.INVALID
            ) from None
        return {
            "requests": found["requests"],
            "errors": found["errors"],
            "transactions_acknowledged": found["transactions_with_warm_up"],
            "acknowledged_ratio": round(
                found["transactions_with_warm_up"] / max(self._rate_per_s * self._lasted_s, 1.0), 3
            ),
        }


def _has_answers(ledger: Path) -> bool:
    return ledger.exists() and ledger.stat().st_size > 0
