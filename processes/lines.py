"""A child that is spoken to in lines, with deadlines: a shell or a database's client behind SSH."""

import contextlib
import os
import selectors
import subprocess
import time
from collections.abc import Sequence

from processes.child import Child

_GRACE_S = 2.0
_READ_BYTES = 65_536


class ChannelClosedError(ConnectionError):
    """The other side is gone."""

    def __init__(self) -> None:
        super().__init__("the session ended")


class Channel:
    """A child that answers within a deadline or not."""

    def __init__(self, argv: Sequence[str]) -> None:
        # What ssh itself complains about comes as lines too, and so ends up in the error that names it.
        self._child = Child(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            grace_s=_GRACE_S,
        )
        assert self._child.process.stdin is not None
        assert self._child.process.stdout is not None
        self._stdin = self._child.process.stdin
        self._stdout = self._child.process.stdout
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._stdout, selectors.EVENT_READ)
        self._buffer = b""
        self.closed = False

    def send(self, text: str) -> None:
        """Write `text`; raises ChannelClosedError."""
        if self.closed:
            raise ChannelClosedError
        try:
            self._stdin.write(text.encode())
            self._stdin.flush()
        except OSError as gone:
            self.close()
            raise ChannelClosedError from gone

    def read_line(self, within_s: float) -> str | None:
        """Return the next line without its end; None if there is none in time; raises ChannelClosedError."""
        deadline = time.monotonic() + within_s
        while b"\n" not in self._buffer:
            if self.closed:
                raise ChannelClosedError
            if not self._selector.select(max(0.0, deadline - time.monotonic())):
                return None
            chunk = os.read(self._stdout.fileno(), _READ_BYTES)
            if not chunk:
                self.close()
                raise ChannelClosedError
            self._buffer += chunk
        line, self._buffer = self._buffer.split(b"\n", 1)
        return line.decode(errors="replace")

    def close(self) -> None:
        """End the child; does nothing the second time."""
        if self.closed:
            return
        self.closed = True
        self._selector.close()
        with contextlib.suppress(OSError):
            self._stdin.close()
        self._child.end()
        self._stdout.close()
