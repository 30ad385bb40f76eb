"""Child processes that end with this one: each has its own session; its leader is ended first.

Only the leader gets SIGTERM, because it may need its own children (ssh, a load generator) to undo its work.
When the leader has ended, or its grace is over, the rest of its process group is killed. If this process is
killed with SIGKILL, the kernel sends SIGTERM to each leader.
"""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType
from typing import IO, Self

from inventory.places import PROJECT_ROOT
from inventory.ssh import DIES_WITH_US

GROUP_GRACE_S = 2.0
"""Time between SIGTERM and SIGKILL for the rest of a group after its leader has ended."""
_POLL_S = 0.05


class CommandTimeoutError(TimeoutError):
    """A child did not finish by its deadline, and has been ended."""


@dataclass(frozen=True, kw_only=True)
class Completed:
    """A child that has ended."""

    argv: tuple[str, ...]
    returncode: int
    seconds: float


class Child:
    """One running child; its standard error (and output, if asked) is copied line by line to a log file."""

    def __init__(self, argv: Sequence[str], process: "subprocess.Popen[bytes]", grace_s: float) -> None:
        self.argv = tuple(argv)
        self.process = process
        self.grace_s = grace_s
        self.started = time.monotonic()
        self._copier: threading.Thread | None = None

    def copy_lines(self, stream: IO[bytes], log: Path, on_line: Callable[[str], None] | None) -> None:
        """Start copying `stream` to `log`, handing each line to `on_line`."""
        self._copier = threading.Thread(target=_copy, args=(stream, log, on_line), daemon=True)
        self._copier.start()

    def wait(self, timeout_s: float) -> Completed:
        """Wait until the child ends by itself.

        Raises:
            CommandTimeoutError: the child did not end within `timeout_s`; it has been ended.
        """
        try:
            self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.end()
            raise CommandTimeoutError(
                f"{' '.join(self.argv)!r} did not finish within {timeout_s:g} s and was ended"
            ) from None
        return self._finish()

    def end(self) -> Completed:
        """End the child: SIGTERM to the leader, its grace, then the rest of the group."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(self.grace_s)
            except subprocess.TimeoutExpired:
                _signal_group(self.process.pid, signal.SIGKILL)
                self.process.wait()
        return self._finish()

    def _finish(self) -> Completed:
        _clear_group(self.process.pid)
        if self._copier is not None:
            self._copier.join(timeout=GROUP_GRACE_S)
        seconds = time.monotonic() - self.started
        return Completed(argv=self.argv, returncode=self.process.returncode, seconds=seconds)


class Processes:
    """The children of one command; leaving the `with` block ends those that still run."""

    def __init__(self) -> None:
        self._children: list[Child] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end_all()

    def start(
        self,
        argv: Sequence[str],
        *,
        log: Path,
        stdout: Path | None = None,
        env: Mapping[str, str] | None = None,
        on_line: Callable[[str], None] | None = None,
        grace_s: float = 10.0,
    ) -> Child:
        """Start `argv` in the project's root and in its own session.

        Call it from a thread that lives as long as the child: the kernel ends the child with that thread.

        + log: file for its standard error, and for its standard output unless `stdout` is given
        + stdout: file for its standard output
        + env: variables added to this process's environment
        + on_line: called with each line of the log, from another thread
        + grace_s: how long the child may take to end on SIGTERM
        """
        out = stdout.open("wb") if stdout is not None else None
        try:
            with _interrupts_held():
                process = subprocess.Popen(
                    [*DIES_WITH_US, *argv],
                    cwd=PROJECT_ROOT,
                    env={**os.environ, **(env or {})},
                    stdin=subprocess.DEVNULL,
                    stdout=out if out is not None else subprocess.PIPE,
                    stderr=subprocess.PIPE if out is not None else subprocess.STDOUT,
                    start_new_session=True,
                )
                child = Child(argv, process, grace_s)
                self._children.append(child)
        finally:
            if out is not None:
                out.close()
        stream = process.stderr if out is not None else process.stdout
        assert stream is not None
        child.copy_lines(stream, log, on_line)
        return child

    def run(
        self,
        argv: Sequence[str],
        *,
        log: Path,
        timeout_s: float,
        stdout: Path | None = None,
        env: Mapping[str, str] | None = None,
        on_line: Callable[[str], None] | None = None,
        grace_s: float = 10.0,
    ) -> Completed:
        """Start `argv` as `start` does and wait for its end.

        Raises:
            CommandTimeoutError: it did not end within `timeout_s`; it has been ended.
        """
        child = self.start(argv, log=log, stdout=stdout, env=env, on_line=on_line, grace_s=grace_s)
        return child.wait(timeout_s)

    def end_all(self) -> None:
        """End every child that still runs, the youngest first."""
        while self._children:
            self._children.pop().end()


class _Interrupts:
    """Whether a Ctrl-C may be raised now, and whether one already was."""

    held = False
    waiting = False
    raised = False


def interrupt_on_signals() -> None:
    """Let SIGTERM and SIGHUP act like Ctrl-C: raise KeyboardInterrupt in the main thread, once.

    A second signal is ignored, because an interrupted clean-up would leave things behind.
    """
    # Handlers and not SIG_IGN: children inherit ignored signals, and then SIGTERM could not end them.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)


def _interrupt(number: int, frame: FrameType | None) -> None:
    if _Interrupts.held:
        _Interrupts.waiting = True
    elif not _Interrupts.raised:
        _Interrupts.raised = True
        raise KeyboardInterrupt


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Hold Ctrl-C back between the start of a child and its registration."""
    _Interrupts.held = True
    try:
        yield
    finally:
        _Interrupts.held = False
    if _Interrupts.waiting and not _Interrupts.raised:
        _Interrupts.raised = True
        raise KeyboardInterrupt


def _copy(stream: IO[bytes], log: Path, on_line: Callable[[str], None] | None) -> None:
    with log.open("ab") as file, stream:
        for line in stream:
            file.write(line)
            file.flush()
            if on_line is not None:
                on_line(line.decode(errors="replace").rstrip("\r\n"))


def _signal_group(group: int, number: signal.Signals) -> None:
    # The group may have just ended by itself, which is fine.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _clear_group(group: int) -> None:
    if not _is_alive(group):
        return
    _signal_group(group, signal.SIGTERM)
    deadline = time.monotonic() + GROUP_GRACE_S
    while time.monotonic() < deadline:
        if not _is_alive(group):
            return
        time.sleep(_POLL_S)
    _signal_group(group, signal.SIGKILL)


def _is_alive(group: int) -> bool:
    """Say whether the group has a process other than zombies, which an idle init may leave for long."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            # After the name, which may contain any character, come state, parent and group.
            state, _, found = stat.read_text().rpartition(")")[2].split()[:3]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(found) == group and state not in "ZX":
            return True
    return False
