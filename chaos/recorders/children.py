"""Child processes that run during a drill: started without our terminal's signals, ended with a deadline."""

import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from chaos.system.remote import DIES_WITH_US
from chaos.system.world import WorldError
from inventory.places import PROJECT_ROOT

_LAST_WORDS = 300


class Child:
    """A process whose output goes to a log file."""

    def __init__(self, name: str, argv: Sequence[str], log: Path) -> None:
        self.name = name
        self._log = log
        with log.open("wb") as output:
            # Its own session: Ctrl-C goes to the drill alone, which then ends its children in order.
            self._process = subprocess.Popen(
                [*DIES_WITH_US, *argv],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=PROJECT_ROOT,
                start_new_session=True,
            )

    def ended_because(self) -> str | None:
        """Return a sentence with exit code and last output; None while the child runs."""
        code = self._process.poll()
        if code is None:
            return None
        said = self._log.read_text(errors="replace")[-_LAST_WORDS:].strip() or "nothing"
        return f"{self.name} ended with {code}; it last said: {said} (all of it: {self._log})"

    def stop(self, within_s: float) -> None:
        """Send SIGTERM and wait; kill the child if it still runs after `within_s`.

        Raises:
            WorldError: the child had ended by itself with an error, ended with one now, or had to be killed.
        """
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(within_s)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait(within_s)
                raise WorldError(
                    f"{self.name} did not end within {within_s:.0f} s of SIGTERM and was killed; its record"
                    " may lack its end"
                ) from None
        if self._process.returncode != 0:
            raise WorldError(str(self.ended_because()))
