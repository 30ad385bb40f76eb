"""The processes of the database's unit: found and killed without any other program.

The control group of a systemd unit lists every process of the unit, also those without a pid file.
"""

import errno
import os
import signal
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_MS_PER_TICK = 1000 // os.sysconf("SC_CLK_TCK")
_STOPPED = frozenset("tT")
_CONNECT_S = 0.2
_READ_BYTES = 65_536
_GONE = (errno.ENOENT, errno.ESRCH, errno.ENODEV)
"""No such file, no such process, and (a control group that is just being removed) no such device."""


class GroupError(RuntimeError):
    """The unit's control group cannot be determined, so the end of its database could not be proven."""


@dataclass(frozen=True, kw_only=True)
class Running:
    """Running processes of the database; no pid: none runs."""

    pids: tuple[int, ...] = ()
    started_at_ms: int = 0
    """Start of the first process on the steady clock: milliseconds since the host booted."""
    stopped: bool = False
    """It was stopped by a signal (state T), and does not work until it is continued."""

    @property
    def identity(self) -> tuple[int, int] | None:
        """Unique identity of the process; None: none runs."""
        return (self.pids[0], self.started_at_ms) if self.pids else None


class Processes:
    """All processes of one unit, and that of one pid file, in case the database was started by hand."""

    def __init__(self, group_file: Path, pid_file: Path, *, program: str = "seekdb") -> None:
        """Watch the processes that `group_file` lists.

        Args:
            group_file: `cgroup.procs` of the unit; it exists only while the unit runs.
            pid_file: where the database itself writes its pid.
            program: name of the program that the pid must belong to, because pids are reused.
        """
        self._group_file = str(group_file)
        self._pid_file = str(pid_file)
        self._program = program

    def look(self) -> Running:
        """Return the running processes; takes two or three small reads below /proc and /sys."""
        pids = self._pids()
        states = [(pid, state) for pid in pids if (state := _state(pid)) is not None]
        if not states:
            return Running()
        return Running(
            pids=tuple(pid for pid, _ in states),
            started_at_ms=states[0][1][1],
            stopped=any(letter in _STOPPED for _, (letter, _) in states),
        )

    def kill(self) -> tuple[int, ...]:
        """Send SIGKILL to all of them; returns those that are still there."""
        pids = self._pids()
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        return tuple(pid for pid in pids if _state(pid) is not None)

    def _pids(self) -> tuple[int, ...]:
        found = list(_numbers(_read(self._group_file)))
        for pid in _numbers(_read(self._pid_file)):
            if pid not in found and self._is_program(pid):
                found.append(pid)
        return tuple(found)

    def _is_program(self, pid: int) -> bool:
        program = _read(f"/proc/{pid}/cmdline").split("\0")[0]
        return program.rpartition("/")[2] == self._program


def group_file_of(unit: str, *, mounts: str | None = None, own_groups: str | None = None) -> Path:
    """Return `cgroup.procs` of a unit in the slice in which this process itself runs as a unit.

    Args:
        unit: name of the unit.
        mounts: text of /proc/self/mounts; None: this host's.
        own_groups: text of /proc/self/cgroup; None: this process's.

    Raises:
        GroupError: no control group file system is mounted, or this process is not in one of them.
    """
    where = _systemd_mount(Path("/proc/self/mounts").read_text() if mounts is None else mounts)
    groups = Path("/proc/self/cgroup").read_text() if own_groups is None else own_groups
    name, mount = where
    for line in groups.splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == name:
            return mount / path.lstrip("/").rpartition("/")[0] / unit / "cgroup.procs"
    raise GroupError(f"this process is in no control group of {mount}")


def is_open(port: int) -> bool:
    """Say whether anything on this host listens on a TCP port."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=_CONNECT_S).close()
    except ConnectionRefusedError:
        return False
    except OSError:
        # A full backlog or a time-out: a process is listening.
        return True
    return True


def _systemd_mount(mounts: str) -> tuple[str, Path]:
    """Return the name of systemd's hierarchy in /proc/self/cgroup, and its mount point."""
    unified: Path | None = None
    for line in mounts.splitlines():
        _, where, kind, options = line.split()[:4]
        if kind == "cgroup" and "name=systemd" in options.split(","):
            return "name=systemd", Path(where)
        if kind == "cgroup2" and unified is None:
            unified = Path(where)
    if unified is None:
        raise GroupError("no control group file system is mounted")
    return "", unified


def _state(pid: int) -> tuple[str, int] | None:
    """Return state letter and start of a process; None: it has ended (it may be a zombie)."""
    text = _read(f"/proc/{pid}/stat")
    # The name in parentheses may contain any character.
    fields = text.rpartition(")")[2].split()
    if len(fields) < 20 or fields[0] in "ZX":
        return None
    return fields[0], int(fields[19]) * _MS_PER_TICK


def _numbers(text: str) -> Iterable[int]:
    return (int(word) for word in text.split() if word.isdigit())


def _read(path: str) -> str:
    """Return the text of a small file; empty if there is none. Called twenty times a second, so kept fast."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as failure:
        if failure.errno in _GONE:
            return ""
        raise
    try:
        return os.read(descriptor, _READ_BYTES).decode(errors="replace")
    except OSError as failure:
        if failure.errno in _GONE:
            return ""
        raise
    finally:
        os.close(descriptor)
