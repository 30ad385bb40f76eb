"""Which fact failed on which host, and what the host said: pyinfra tells that to its log alone.

Without it, a host that a fact has failed looks like one whose connection broke.
"""

import logging
import re
from collections import defaultdict, deque

from click import unstyle

_LINES = 3
_SHOWN = 200
"""Longest text of a line: a fact's arguments may name a hundred files."""
_OF_HOST = re.compile(r"\[(?P<host>[^]]+)\]\s+(?P<said>.*)")
_FAILED = re.compile(r"Error: (?P<what>could not (?:load|process) fact: .*)")


class FactFailures(logging.Handler):
    """Listens to pyinfra's log; `of` returns the last failure of a host."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self._last_lines: defaultdict[str, deque[str]] = defaultdict(lambda: deque(maxlen=_LINES))
        self._failures: dict[str, str] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Remember an error of a host; what the host said comes before the name of the fact."""
        found = _OF_HOST.match(unstyle(record.getMessage()))
        if found is None:
            return
        host, said = found["host"], found["said"]
        if failed := _FAILED.match(said):
            self._failures[host] = " / ".join(
                (failed["what"][:_SHOWN].strip(), *self._last_lines.pop(host, ()))
            )
        else:
            self._last_lines[host].append(said[:_SHOWN])

    def of(self, host: str) -> str | None:
        """Return the fact that failed on `host` and the host's last lines; None: no fact failed."""
        return self._failures.get(host)
