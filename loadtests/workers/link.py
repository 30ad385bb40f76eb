"""A worker's side of a load of several: it says how it stands, and begins and ends when it is told.

One JSON line each. On standard output: `ready` (all users stand), `status` (once a second), `clock` (the
answer to a question), `done` (every arrival has its outcome). On standard input: `clock` (what time is it?)
and `start` (the first arrival is due at `at_s`). The end of standard input ends the load, early if it is
not done: so nothing is left to run where the process that started it is gone.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

import orjson

Message = dict[str, Any]


class MissedStartError(RuntimeError):
    """The order to start came after the first arrival was due: its lateness would be nobody's fault."""


class Link:
    """Orders in, messages out."""

    def __init__(self, readline: Callable[[], bytes], said: BinaryIO) -> None:
        """Read orders with `readline`, empty at their end, and write messages to `said`."""
        self._readline = readline
        self._said = said

    def tell(self, said: str, **more: float) -> None:
        """Send one message; that nobody listens any more is no error here: the orders end then."""
        try:
            self._said.write(orjson.dumps({"said": said, **more}, option=orjson.OPT_APPEND_NEWLINE))
            self._said.flush()
        except BrokenPipeError:
            return

    def starts(self) -> Iterator[float]:
        """Yield the unix time of each order to start; answer what else is asked, until the orders end.

        Raises:
            MissedStartError: that time has passed.
        """
        for line in iter(self._readline, b""):
            order: Message = orjson.loads(line)
            if order["order"] == "clock":
                self.tell("clock", at_s=time.time())
            elif order["order"] == "start":
                late_s = time.time() - order["at_s"]
                if late_s >= 0.0:
                    raise MissedStartError(f"the order to start came {late_s * 1000:.0f} ms too late")
                yield order["at_s"]
