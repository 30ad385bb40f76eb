"""Open shells on hosts over SSH; each command has a deadline, after which its session is given up.

Sessions are opened before anything breaks, so that the first command does not wait for a handshake on a busy
machine, and so that a host that vanishes costs one time-out only.
"""

import contextlib
import os
import selectors
import shlex
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass

from chaos.system.world import WorldError
from inventory.model import Environment, Host
from inventory.ssh import DIES_WITH_US as DIES_WITH_US
from inventory.ssh import ssh_argv as ssh_argv

_LAST_WORDS = 400


class ChannelClosedError(WorldError):
    """The session has ended."""


@dataclass(frozen=True, kw_only=True)
class Completed:
    """Exit status and output of a remote command."""

    returncode: int
    output: str
    """Standard output and standard error together."""


class Channel:
    """A child process that exchanges lines, with deadlines."""

    def __init__(self, argv: Sequence[str]) -> None:
        # Its own session: Ctrl-C on the terminal must not end the sessions that the heal needs.
        # Error messages of ssh come as lines too, so that our error message can contain them.
        self._process = subprocess.Popen(
            list(argv),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            bufsize=0,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._stdin = self._process.stdin
        self._stdout = self._process.stdout
        os.set_blocking(self._stdout.fileno(), False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._stdout, selectors.EVENT_READ)
        self._buffer = b""
        self.closed = False

    def send(self, text: str) -> None:
        """Write `text`; raises ChannelClosedError."""
        try:
            self._stdin.write(text.encode())
        except OSError as gone:
            self.close()
            raise ChannelClosedError("the session ended") from gone

    def read_line(self, within_s: float) -> str | None:
        """Return the next line without its newline; None if none comes in time; raises ChannelClosedError."""
        deadline = time.monotonic() + within_s
        while b"\n" not in self._buffer:
            if not self._selector.select(max(0.0, deadline - time.monotonic())):
                return None
            chunk = self._stdout.read(65536)
            if not chunk:
                self.close()
                raise ChannelClosedError("the session ended")
            self._buffer += chunk
        line, self._buffer = self._buffer.split(b"\n", 1)
        return line.decode(errors="replace")

    def close(self) -> None:
        """End the child; a second call does nothing."""
        if self.closed:
            return
        self.closed = True
        self._selector.close()
        with contextlib.suppress(OSError):
            self._stdin.close()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGTERM)
        try:
            self._process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(timeout=2)
        self._stdout.close()


class Shell:
    """An open bash on a host. Opened at the first command, and opened again after a time-out."""

    def __init__(self, env: Environment, host: Host) -> None:
        self._env = env
        self._host = host
        self._channel: Channel | None = None
        self._count = 0

    def open(self) -> None:
        """Connect now; the first command then does not wait for it."""
        with contextlib.suppress(ChannelClosedError):
            while self._channel is not None and not self._channel.closed:
                if self._channel.read_line(0.0) is None:
                    return
        self._channel = Channel(ssh_argv(self._env, self._host, "exec bash --noprofile --norc"))

    def run(self, argv: Sequence[str], *, within_s: float) -> Completed:
        """Run a command and return its exit status and output.

        Raises:
            WorldError: the command timed out, or the session ended; the command may still have run.
        """
        return self.begin(argv).finish(within_s)

    def begin(self, argv: Sequence[str]) -> "Running":
        """Send a command and return at once; the previous command must have ended."""
        command = shlex.join(argv)
        self.open()
        assert self._channel is not None
        self._count += 1
        token = f"loanstack-end-{self._count}"
        # The leading newline ends a last line that lacks one, so that the token is on its own line.
        try:
            self._channel.send(f"{{ {command}; }} </dev/null 2>&1; printf '\\n%s %d\\n' {token} $?\n")
        except ChannelClosedError as gone:
            raise ChannelClosedError(f"{self._host.name}: {gone} before {command!r} could be sent") from None
        return Running(self._channel, token, f"{self._host.name}: {command!r}")

    def close(self) -> None:
        """End the session."""
        if self._channel is not None:
            self._channel.close()


class Running:
    """A command that was sent to a shell."""

    def __init__(self, channel: Channel, token: str, what: str) -> None:
        self._channel = channel
        self._token = token
        self._what = what

    def finish(self, within_s: float) -> Completed:
        """Return exit status and output of the command; raises WorldError if it does not end in time."""
        deadline = time.monotonic() + within_s
        lines: list[str] = []
        while True:
            try:
                line = self._channel.read_line(deadline - time.monotonic())
            except ChannelClosedError:
                raise ChannelClosedError(f"{self._what}: the session ended; {_tail(lines)}") from None
            if line is None:
                self._channel.close()
                raise WorldError(f"{self._what} did not end within {within_s:.1f} s; {_tail(lines)}")
            if line.startswith(f"{self._token} "):
                return Completed(returncode=int(line.split()[1]), output="\n".join(lines).strip())
            lines.append(line)


class Shells:
    """One open shell for each host."""

    def __init__(self, env: Environment) -> None:
        self._env = env
        self._open: dict[str, Shell] = {}

    def of(self, host: Host) -> Shell:
        """Return the shell of `host`; it connects at its first command."""
        return self._open.setdefault(host.name, Shell(self._env, host))

    def must(self, host: Host, what: str, argv: Sequence[str], *, within_s: float) -> Completed:
        """Run a command that must succeed; raises WorldError with its last output."""
        return succeeded(host, what, self.of(host).run(argv, within_s=within_s))

    def forget(self, name: str) -> None:
        """End the shell of a host that was switched off; the next command connects again."""
        shell = self._open.pop(name, None)
        if shell is not None:
            shell.close()

    def close(self) -> None:
        """End all of them."""
        for name in tuple(self._open):
            self.forget(name)


def succeeded(host: Host, what: str, done: Completed) -> Completed:
    """Return `done` if the command succeeded; raises WorldError with its last output otherwise."""
    if done.returncode != 0:
        said = done.output[-_LAST_WORDS:] or "nothing"
        raise WorldError(f"{host.name}: {what} ended with {done.returncode} and said {said!r}")
    return done


def _tail(lines: list[str]) -> str:
    said = [line for line in lines if line.strip()]
    return f"it said {said[-1]!r}" if said else "it said nothing"
