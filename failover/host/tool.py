"""Runs `loanstack-db`, the administrator's tool of the database, in the background and with a deadline."""

import asyncio
import fcntl
import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

LOCK_FILE = Path("/run/loanstack-oceanbase/lock")
_SHOWN = 300


class ToolError(RuntimeError):
    """`loanstack-db` refused, failed, or took too long; the message is its last output."""


class Tool:
    """The tool of this host."""

    def __init__(self, program: str, *, lock_file: Path = LOCK_FILE) -> None:
        """Use `program`, which holds `lock_file` while it runs."""
        self._program = program
        self._lock_file = lock_file
        self._running: set[subprocess.Popen[bytes]] = set()

    async def run(self, *arguments: str, deadline_s: float) -> str:
        """Return what the tool printed.

        Raises:
            ToolError: it ended with another status than 0, or not within `deadline_s`.
        """
        command = " ".join(("loanstack-db", *arguments))
        try:
            # Its own session, so that its children can be ended with it. The process is registered before
            # anything is awaited, so that it can be ended at any moment.
            process = subprocess.Popen(
                [self._program, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as failure:
            raise ToolError(f"{command}: {failure}") from failure
        self._running.add(process)
        ending = asyncio.get_running_loop().run_in_executor(None, process.communicate)
        try:
            async with asyncio.timeout(deadline_s):
                output, said = await asyncio.shield(ending)
        except TimeoutError:
            raise ToolError(f"{command} did not end within {deadline_s:g} s") from None
        finally:
            _end(process)
            self._running.discard(process)
        if process.returncode != 0:
            words = " ".join(said.decode(errors="replace").split())[-_SHOWN:]
            raise ToolError(f"{command} ended with status {process.returncode}: {words}")
        return output.decode(errors="replace").strip()

    def kill(self) -> None:
        """End every run of the tool for this agent, so that none starts a database that must be down."""
        for process in tuple(self._running):
            _end(process)

    def is_used_by_others(self) -> bool:
        """Say whether another process (a deploy, an administrator) is using the tool."""
        if self._running:
            return False
        # Called ten times a second, so kept fast.
        try:
            descriptor = os.open(self._lock_file, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False


def _end(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
