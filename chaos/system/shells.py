"""Open shells on hosts, that answer within a deadline or are given up.

They are opened before anything breaks, so that an operator's first command does not pay for a handshake on a
busy machine, and so that a host that vanishes costs a time-out and no more.
"""

import contextlib
import shlex
import time
from collections.abc import Sequence

from chaos.system.world import WorldError
from inventory.model import Environment, Host
from inventory.ssh import ssh_argv
from processes.child import Completed
from processes.lines import Channel, ChannelClosedError


class Shell:
    """An open bash on a host. Opened at the first command; opened anew after a time-out."""

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
        """Run a command and return how it ended; its standard error is in `stdout`, too.

        Raises:
            WorldError: no end within the time, or the session ended; the command may still have run.
        """
        return self.begin(argv).finish(within_s)

    def begin(self, argv: Sequence[str]) -> "Running":
        """Send a command and return at once; one command at a time."""
        command = shlex.join(argv)
        self.open()
        assert self._channel is not None
        self._count += 1
        token = f"loanstack-end-{self._count}"
        # The empty echo ends a last line that lacks its newline, so that the token stands on its own.
        try:
            self._channel.send(f"{{ {command}; }} </dev/null 2>&1; printf '\\n%s %d\\n' {token} $?\n")
        except ChannelClosedError as gone:
            raise WorldError(f"{self._host.name}: {gone} before {command!r} could be sent") from None
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
        self._sent_s = time.monotonic()

    def finish(self, within_s: float) -> Completed:
        """Return how the command ended; raises WorldError if that is not known in time."""
        deadline = time.monotonic() + within_s
        lines: list[str] = []
        while True:
            try:
                line = self._channel.read_line(deadline - time.monotonic())
            except ChannelClosedError:
                raise WorldError(f"{self._what}: the session ended; {_tail(lines)}") from None
            if line is None:
                self._channel.close()
                raise WorldError(f"{self._what} did not end within {within_s:.1f} s; {_tail(lines)}")
            if line.startswith(f"{self._token} "):
                return Completed(
                    returncode=int(line.split()[1]),
                    seconds=time.monotonic() - self._sent_s,
                    stdout="\n".join(lines).strip(),
                )
            lines.append(line)


class Shells:
    """One open shell a host."""

    def __init__(self, env: Environment) -> None:
        self._env = env
        self._open: dict[str, Shell] = {}

    def get(self, host: Host) -> Shell:
        """Return the shell of `host`; it connects at its first command."""
        return self._open.setdefault(host.name, Shell(self._env, host))

    def check_run(self, host: Host, what: str, argv: Sequence[str], *, within_s: float) -> Completed:
        """Run a command that has to succeed; raises WorldError with its last words."""
        return succeeded(host, what, self.get(host).run(argv, within_s=within_s))

    def forget(self, name: str) -> None:
        """End the shell of a host that was switched off; the next command connects anew."""
        shell = self._open.pop(name, None)
        if shell is not None:
            shell.close()

    def close(self) -> None:
        """End all of them."""
        for name in tuple(self._open):
            self.forget(name)


def succeeded(host: Host, what: str, done: Completed) -> Completed:
    """Return `done` if it ended well; raises WorldError with its last words otherwise."""
    if done.returncode != 0:
        raise WorldError(done.sentence(f"{host.name}: {what}"))
    return done


def _tail(lines: list[str]) -> str:
    said = [line for line in lines if line.strip()]
    return f"it said {said[-1]!r}" if said else "it said nothing"
