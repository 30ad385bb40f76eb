"""The processes of several workers: their start, what passes between us, their end.

A worker on a host is an SSH session to its keeper there (`host_worker`).
"""

import os
import selectors
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import orjson

LOG_FILE = "locust.log"
_READ_BYTES = 65_536
_POLL_S = 0.05
TERMINATE_AFTER_S = 20.0
"""A worker that is stopped waits for answers for up to a client's deadline and some seconds."""
_KILL_AFTER_S = 5.0


class Said(NamedTuple):
    """One message."""

    number: int
    message: dict[str, Any]


class Ended(NamedTuple):
    """The end of a process."""

    number: int
    status: int
    """Exit code, or minus the signal that killed it."""


class Crew:
    """The processes, by their number (from 1).

    They stay in this process's group: whoever ends that, ends them. And if it alone is killed, their standard
    input ends, which ends them too. Only sessions to hosts have groups of their own: Ctrl-C at a terminal
    would cut them off at once.
    """

    def __init__(self) -> None:
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self._selector = selectors.DefaultSelector()
        self._rests: dict[int, bytes] = {}
        self._heard_of: set[int] = set()
        self._far: set[int] = set()
        self._statuses: dict[int, int] = {}

    def start(self, number: int, argv: Sequence[str], *, cwd: Path, log: Path, far: bool = False) -> None:
        """Start worker `number`; what it says on standard error goes to `log`.

        + far: it is a session to the worker's keeper on a host
        """
        with log.open("ab") as errors:
            process = subprocess.Popen(
                list(argv),
                cwd=cwd,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                bufsize=0,
                start_new_session=far,
            )
        if far:
            self._far.add(number)
        assert process.stdout is not None
        os.set_blocking(process.stdout.fileno(), False)
        self._processes[number] = process
        self._rests[number] = b""
        self._selector.register(process.stdout, selectors.EVENT_READ, number)

    def tell(self, number: int, order: str, **more: float) -> None:
        """Send an order; that the worker has gone is heard of by its end."""
        pipe = self._processes[number].stdin
        assert pipe is not None
        with suppress(OSError):
            pipe.write(orjson.dumps({"order": order, **more}, option=orjson.OPT_APPEND_NEWLINE))

    def events(self, within_s: float) -> list[Said | Ended]:
        """Return what was said, and who ended, waiting at most `within_s` for the first; ends come last."""
        found: list[Said | Ended] = []
        for key, _ in self._selector.select(within_s):
            found += self._said(key.data)
        ended = [number for number, process in self._processes.items() if process.poll() is not None]
        for number in ended:
            if number not in self._heard_of:
                self._heard_of.add(number)
                # How it ended is the last word of a keeper.
                found += self._said(number)
                found.append(Ended(number, self.status(number)))
        return found

    def status(self, number: int) -> int:
        """Return how worker `number` ended: exit code, or minus the signal that killed it."""
        status = self._processes[number].wait()
        return self._statuses.get(number, status)

    def end(self, *, unheard: Sequence[int], finish_within_s: float) -> list[Said]:
        """End all and return what they still say: those that hang are killed, the orders of the others end.

        + unheard: numbers of those that would not hear it
        + finish_within_s: how long a worker may take to complete its record
        """
        for number, process in self._processes.items():
            if number in unheard and number in self._far:
                self.tell(number, "kill")
            elif number in unheard:
                process.kill()
            assert process.stdin is not None
            with suppress(OSError):
                process.stdin.close()
        said = self._wait(TERMINATE_AFTER_S + finish_within_s)
        for process in self._running():
            process.terminate()
        said += self._wait(_KILL_AFTER_S)
        for process in self._running():
            process.kill()
        for process in self._processes.values():
            process.wait()
            assert process.stdout is not None
            process.stdout.close()
        self._selector.close()
        return said

    def _said(self, number: int) -> list[Said | Ended]:
        stdout = self._processes[number].stdout
        assert stdout is not None
        try:
            data = os.read(stdout.fileno(), _READ_BYTES)
        except BlockingIOError:
            return []
        if not data and stdout in self._selector.get_map():
            self._selector.unregister(stdout)
        *lines, self._rests[number] = (self._rests[number] + data).split(b"\n")
        found: list[Said | Ended] = []
        for line in lines:
            # Whatever else a library prints there is no message.
            with suppress(orjson.JSONDecodeError):
                match orjson.loads(line):
                    case {"said": "ended", "status": status}:
                        self._statuses[number] = status
                    case message:
                        found.append(Said(number, message))
        return found

    def _running(self) -> list["subprocess.Popen[bytes]"]:
        return [process for process in self._processes.values() if process.poll() is None]

    def _wait(self, within_s: float) -> list[Said]:
        """Wait until all have ended, and return what they say: a full pipe would hold them."""
        deadline_s, said = time.monotonic() + within_s, []
        while self._running() and time.monotonic() < deadline_s:
            said += [event for event in self.events(_POLL_S) if isinstance(event, Said)]
        return said
