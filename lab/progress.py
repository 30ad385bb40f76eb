"""Progress of a long command on stderr; stdout is kept for results."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TextIO

_STILL_AFTER_S = 15.0


@dataclass(kw_only=True)
class Progress:
    """Prints each step with its duration, and reminders while a step takes long."""

    out: TextIO = field(default_factory=lambda: sys.stderr)

    def say(self, words: str) -> None:
        """Print one line."""
        print(f"lab: {words}", file=self.out, flush=True)

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Measure the time of the block and print it at the end; remind now and then that it still runs."""
        started = time.monotonic()
        ended = threading.Event()

        def remind() -> None:
            while not ended.wait(_STILL_AFTER_S):
                self.say(f"{title}: still at it after {time.monotonic() - started:.0f} s")

        reminder = threading.Thread(target=remind, daemon=True)
        reminder.start()
        try:
            yield
        except BaseException:
            self.say(f"{title}: gave up after {time.monotonic() - started:.1f} s")
            raise
        else:
            self.say(f"{title}: {time.monotonic() - started:.1f} s")
        finally:
            ended.set()
