"""One child process, in a session of its own, and how it ended.

Ctrl-C at a terminal does not reach it: we answer that, and end our children in order. To end a child, its
leader gets SIGTERM alone, because it may need its own children (ssh, a load generator) to undo what it did;
whatever of its group is left when it has gone, or when its grace is over, is killed. If we are killed with
SIGKILL, the kernel gives each leader its SIGTERM.
"""

import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from inventory.places import PROJECT_ROOT

_DIES_WITH_US = ("setpriv", "--pdeathsig", "TERM")
"""In front of a command line: the child ends even if this process is killed with SIGKILL."""
GRACE_S = 10.0
"""How long a child may take to end on SIGTERM, unless somebody knows better."""
GROUP_GRACE_S = 2.0
"""How long the rest of a group gets between SIGTERM and SIGKILL once its leader has gone."""
_POLL_S, _POLL_MIN_S, _POLL_SHARE = 0.05, 0.001, 0.02
"""How long to wait between two looks: a share of how long it has been so far, within these."""
_LAST_WORDS = 400


class CommandTimeoutError(TimeoutError):
    """A child that did not finish by its deadline; it has been ended."""


@dataclass(frozen=True, kw_only=True)
class Completed:
    """A command that has ended, here or on a host."""

    returncode: int
    """Exit status, or minus the number of the signal that ended it."""
    seconds: float
    """From its start to its end."""
    stdout: str = ""
    stderr: str = ""
    """Both are empty if they went elsewhere, such as to a log."""

    def sentence(self, what: str) -> str:
        """Return how `what`, the command, ended, and its last words."""
        said = (self.stderr.strip() or self.stdout.strip())[-_LAST_WORDS:] or "nothing"
        if self.returncode < 0:
            return f"{what} was ended by signal {-self.returncode} and said {said!r}"
        return f"{what} ended with {self.returncode} and said {said!r}"


class Child:
    """One running child; `processes.group` starts those that end with a command."""

    def __init__(
        self,
        argv: Sequence[str],
        *,
        name: str = "",
        log: Path | None = None,
        stdin: int | IO[bytes] = subprocess.DEVNULL,
        stdout: int | IO[bytes] | None = None,
        stderr: int | IO[bytes] | None = None,
        env: Mapping[str, str] | None = None,
        grace_s: float = GRACE_S,
        outlives_us: bool = False,
    ) -> None:
        """Start `argv` in the project's root.

        Call it from a thread that lives as long as the child: the kernel ends the child with that thread.

        + name: what errors call it; without one, its command line
        + log: the file that its last words are in, if its output goes to one
        + stdin, stdout, stderr: as `subprocess.Popen` takes them; None: the output is returned with its end
        + env: variables added to ours
        + grace_s: how long it may take to end on SIGTERM
        + outlives_us: what it began must be finished whatever becomes of us, and what it leaves stays
        """
        self.argv = tuple(argv)
        self.name = name or repr(" ".join(argv))
        self.grace_s = grace_s
        self.was_killed = False
        self._kept = [_keep() if given is None else None for given in (stdout, stderr)]
        self._log = log
        self._outlives_us = outlives_us
        self._copier: threading.Thread | None = None
        self._completed: Completed | None = None
        self._started_s = time.monotonic()
        self.process = subprocess.Popen(
            self.argv if outlives_us else (*_DIES_WITH_US, *self.argv),
            cwd=PROJECT_ROOT,
            env={**os.environ, **(env or {})},
            stdin=stdin,
            stdout=self._kept[0] or stdout,
            stderr=self._kept[1] or stderr,
            start_new_session=True,
        )

    def copy_lines(self, log: Path, on_line: Callable[[str], None]) -> None:
        """Start copying what it says on its pipe to `log`; hand each line to `on_line`, until that fails."""
        stream = self.process.stderr or self.process.stdout
        assert stream is not None
        copier = threading.Thread(target=_copy, args=(stream, log, on_line), daemon=True)
        copier.start()
        # Only now: our end waits for the copier, and a thread that never started cannot be waited for.
        self._copier = copier

    def ended(self, within_s: float = 0.0) -> Completed | None:
        """Return how it ended by itself; None if it still runs after `within_s`."""
        since_s = time.monotonic()
        while self.process.poll() is None:
            waited_s = time.monotonic() - since_s
            if waited_s >= within_s:
                return None
            # A drill takes the end of a switch's command for the moment of its fault; Popen.wait may see it
            # 50 ms late.
            time.sleep(min(max(_POLL_MIN_S, _POLL_SHARE * waited_s), _POLL_S, within_s - waited_s))
        return self._finish()

    def wait(self, within_s: float) -> Completed:
        """Wait until it ends by itself.

        Raises:
            CommandTimeoutError: it did not within `within_s`; it has been ended.
        """
        done = self.ended(within_s)
        if done is None:
            self.end()
            raise CommandTimeoutError(f"{self.name} did not finish within {within_s:g} s and was ended")
        return done

    def end(self) -> Completed:
        """End it, if it has not ended: SIGTERM to the leader, its grace, then the rest of the group."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(self.grace_s)
            except subprocess.TimeoutExpired:
                self.was_killed = True
                _signal_group(self.process.pid, signal.SIGKILL)
                self.process.wait()
        return self._finish()

    def ended_because(self) -> str | None:
        """Return how it ended and its last words as a sentence; None while it runs."""
        done = self.ended()
        if done is None:
            return None
        if self._log is None:
            return done.sentence(self.name)
        said = replace(done, stderr=self._log.read_text(errors="replace"))
        return f"{said.sentence(self.name)} (all of it: {self._log})"

    def _finish(self) -> Completed:
        if self._completed is None:
            if not self._outlives_us:
                _clear_group(self.process.pid)
            if self._copier is not None:
                self._copier.join(timeout=GROUP_GRACE_S)
            stdout, stderr = (_read(file) for file in self._kept)
            self._completed = Completed(
                returncode=self.process.returncode,
                seconds=time.monotonic() - self._started_s,
                stdout=stdout,
                stderr=stderr,
            )
            # Only now: if an interrupt stops us above, the next call reads them again.
            for file in self._kept:
                if file is not None:
                    file.close()
        return self._completed


def _keep() -> IO[bytes]:
    # A file and no pipe: a child never waits for us to read, however much it says.
    return tempfile.TemporaryFile()


def _read(kept: IO[bytes] | None) -> str:
    if kept is None:
        return ""
    kept.seek(0)
    return kept.read().decode(errors="replace")


def _copy(stream: IO[bytes], log: Path, on_line: Callable[[str], None]) -> None:
    """Copy all of `stream` to `log`; an error of `on_line` is raised at the end, which prints it."""
    failed: BaseException | None = None
    with log.open("ab") as file, stream:
        for line in stream:
            file.write(line)
            file.flush()
            if failed is None:
                try:
                    on_line(line.decode(errors="replace").rstrip("\r\n"))
                except BaseException as error:
                    # Without a reader the child would end on SIGPIPE, and its log with it.
                    failed = error
    if failed is not None:
        raise RuntimeError(f"the lines of {log} were not handed on to their end") from failed


def _signal_group(group: int, number: int) -> None:
    # The group may have gone by itself a moment ago, which is what we want.
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
    """Say whether the group has a process that is no zombie: an idle init may leave those for long."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            # Behind the name, which may hold anything: state, parent, group.
            state, _, found = stat.read_text().rpartition(")")[2].split()[:3]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(found) == group and state not in "ZX":
            return True
    return False
