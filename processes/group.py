"""The children of one command: they end with it, the youngest first, also after Ctrl-C."""

import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self

from processes.child import GRACE_S, Child


class Processes:
    """The children of one command: leaving the `with` block ends those that still run."""

    def __init__(self) -> None:
        self._children: list[Child] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end_all()

    def start(
        self,
        argv: Sequence[str],
        *,
        name: str = "",
        log: Path | None = None,
        stdin: str = "",
        stdout: Path | None = None,
        env: Mapping[str, str] | None = None,
        on_line: Callable[[str], None] | None = None,
        grace_s: float = GRACE_S,
    ) -> Child:
        """Start `argv`, as `Child` does.

        + name: what errors call it; without one, its command line
        + log: receives its standard error, and its standard output unless `stdout` is given; without one, its
          output is returned with its end
        + stdin: text for its standard input
        + stdout: file for its standard output
        + env: variables added to ours
        + on_line: called with each line of the log, from another thread
        + grace_s: how long it may take to end on SIGTERM
        """
        assert log is not None or on_line is None, "lines are those of the log"
        with ExitStack() as opened:
            given = opened.enter_context(tempfile.TemporaryFile())
            given.write(stdin.encode())
            given.seek(0)
            out = opened.enter_context(stdout.open("wb")) if stdout is not None else None
            logged = opened.enter_context(log.open("ab")) if log is not None else None
            err = subprocess.PIPE if on_line is not None else logged
            is_merged = log is not None and stdout is None
            with _interrupts_held():
                child = Child(
                    argv,
                    name=name,
                    log=log,
                    stdin=given,
                    stdout=err if is_merged else out,
                    stderr=subprocess.STDOUT if is_merged else err,
                    env=env,
                    grace_s=grace_s,
                )
                self._children.append(child)
        if log is not None and on_line is not None:
            child.copy_lines(log, on_line)
        return child

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
    """Let SIGTERM and SIGHUP do what Ctrl-C does: raise KeyboardInterrupt in the main thread, once.

    A second signal during the clean-up is ignored: cutting the clean-up short is what leaves things behind.
    """
    # Handlers and not SIG_IGN: children inherit ignored signals, and could then not be ended.
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
    """Let no Ctrl-C fall between the start of a child and our note of it."""
    _Interrupts.held = True
    try:
        yield
    finally:
        _Interrupts.held = False
    if _Interrupts.waiting and not _Interrupts.raised:
        _Interrupts.raised = True
        raise KeyboardInterrupt
