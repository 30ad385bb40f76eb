"""A child that is spoken to in lines, with deadlines: a shell or a database's client behind SSH."""

import contextlib
import os
import selectors
import subprocess
import time
from collections.abc import Sequence

from processes.child import Child
from processes.interrupts import interrupts_held

LINE_MAX_BYTES = 16 * 1024 * 1024
"""A line that has no end by then, which only a broken other side sends, closes the channel."""
SEND_WITHIN_S = 5.0
"""How long the other side may take to read what it is sent, unless somebody knows better."""
_GRACE_S = 2.0
_READ_BYTES = 65_536
"""As much as a pipe holds."""
_LATE_READS = 2
"""What a pipe holds at the deadline is still taken: its content, and its end."""


class ChannelClosedError(ConnectionError):
    """The other side is gone, or was given up."""

    def __init__(self, why: str = "the session ended") -> None:
        super().__init__(why)


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
        # Otherwise a write waits until all of it is read, however long that takes.
        os.set_blocking(self._stdin.fileno(), False)
        self._writable = selectors.DefaultSelector()
        self._writable.register(self._stdin, selectors.EVENT_WRITE)
        self._readable = selectors.DefaultSelector()
        self._readable.register(self._stdout, selectors.EVENT_READ)
        self._buffer = bytearray()
        self._searched_bytes = 0
        self.closed = False

    def send(self, text: str, within_s: float = SEND_WITHIN_S) -> None:
        """Write `text`.

        + within_s: how long the other side may take to read what the pipe cannot hold

        Raises:
            ChannelClosedError: the other side is gone, or did not read in time and was ended.
        """
        if self.closed:
            raise ChannelClosedError
        deadline_s = time.monotonic() + within_s
        left = memoryview(text.encode())
        while left:
            if not self._writable.select(max(0.0, deadline_s - time.monotonic())):
                self.close()
                raise ChannelClosedError(f"the session was ended: it did not read within {within_s:g} s")
            try:
                left = left[os.write(self._stdin.fileno(), left) :]
            except OSError as gone:
                self.close()
                raise ChannelClosedError from gone

    def read_line(self, within_s: float) -> str | None:
        """Return the next line without its end; None if there is none within `within_s`.

        Raises:
            ChannelClosedError: the other side is gone, or its line had no end and it was ended.
        """
        deadline_s = time.monotonic() + within_s
        late_reads = 0
        while (line := self._take_line()) is None:
            if self.closed:
                raise ChannelClosedError
            left_s = deadline_s - time.monotonic()
            if left_s <= 0.0:
                if late_reads == _LATE_READS:
                    return None
                late_reads += 1
            if not self._readable.select(max(0.0, left_s)):
                return None
            chunk = os.read(self._stdout.fileno(), _READ_BYTES)
            if not chunk:
                self.close()
                raise ChannelClosedError
            self._buffer += chunk
        return line

    def _take_line(self) -> str | None:
        end = self._buffer.find(b"\n", self._searched_bytes)
        if end < 0:
            self._searched_bytes = len(self._buffer)
            if self._searched_bytes > LINE_MAX_BYTES:
                self.close()
                raise ChannelClosedError(f"the session was ended: a line had over {LINE_MAX_BYTES} bytes")
            return None
        self._searched_bytes = 0
        line = self._buffer[:end].decode(errors="replace")
        del self._buffer[: end + 1]
        return line

    def close(self) -> None:
        """End the child, an interrupt waits for that; does nothing the second time."""
        if self.closed:
            return
        with interrupts_held():
            self.closed = True
            self._writable.close()
            self._readable.close()
            with contextlib.suppress(OSError):
                self._stdin.close()
            self._child.end()
            self._stdout.close()
