"""The children of one command: they end with it, the youngest first, also after or amid a Ctrl-C."""

import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from processes.child import GRACE_S, Child
from processes.interrupts import interrupts_held


class Processes:
    """The children of one command: leaving the `with` block ends those that still run."""

    def __init__(self) -> None:
        self._children: list[Child] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.end_all()
        except KeyboardInterrupt:
            # It may have come before `end_all` could hold it back. There is only one: nothing stops us again.
            self.end_all()
            raise

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
        + on_line: called with each line of the log, from another thread, until it fails: the log is whole all
          the same, and the error goes to standard error when the child has ended
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
            # No interrupt falls between the start of a child and our note of it.
            with interrupts_held():
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
        """End every child that still runs, the youngest first; an interrupt waits until all have ended.

        Raises:
            Exception: the first error of a child that could not be ended; the others have been ended.
            KeyboardInterrupt: one came meanwhile.
        """
        failed: dict[Child, Exception] = {}
        with interrupts_held():
            while left := [child for child in self._children if child not in failed]:
                youngest = left[-1]
                try:
                    youngest.end()
                except Exception as error:
                    failed[youngest] = error
                else:
                    self._children.remove(youngest)
            if failed:
                raise next(iter(failed.values()))
