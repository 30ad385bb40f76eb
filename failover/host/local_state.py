"""The local state, a file next to the data: the role that a start of the data may give, and their timeline.

It is in the database's own folder, so that emptying the folder deletes it too. `loanstack-db` keeps
its own file there, which contains only the role: without that file the data are incomplete, whatever the
local state says.
"""

import contextlib
import errno
import os
import stat
from dataclasses import dataclass
from pathlib import Path

import msgspec

from failover.core.observed import Role

_STATE_FILE, _ROLE_FILE = "loanstack-failover", "loanstack-role"
_LIMIT_BYTES = 4096
"""More than either file ever has."""


@dataclass(frozen=True, kw_only=True)
class LocalState:
    """Knowledge about the data on disk."""

    role: Role | None = None
    """Role that a start of the data may give; None: there are no complete data."""
    epoch: int = 0
    timeline: int | None = None


class _StoredState(msgspec.Struct, frozen=True, kw_only=True):
    role: Role
    epoch: int
    timeline: int | None = msgspec.field(name="lineage")
    """The file keeps the name that earlier versions wrote."""
    role_file_ns: int
    """Change time of the role file when the local state was written; a later change is newer."""


class LocalStateFile:
    """The local state of one data folder."""

    def __init__(self, base_dir: Path) -> None:
        """Keep it in `base_dir`."""
        self._state_file = base_dir / _STATE_FILE
        self._role_file = base_dir / _ROLE_FILE
        self._read: tuple[tuple[int, ...], LocalState] | None = None

    def read(self) -> LocalState:
        """Return the combined content of both files; if they differ, the more careful one."""
        state = (*_state_of(self._role_file), *_state_of(self._state_file))
        if self._read is None or self._read[0] != state:
            self._read = (state, self._read_both())
        return self._read[1]

    def _read_both(self) -> LocalState:
        try:
            changed_ns = self._role_file.lstat().st_mtime_ns
            role = Role(_content_of(self._role_file).decode().strip())
        except (FileNotFoundError, ValueError):
            return LocalState()
        stored = self._read_stored()
        if stored is None:
            return LocalState(role=role)
        if stored.role_file_ns == changed_ns:
            role = stored.role
        elif Role.PRIMARY in (role, stored.role):
            role = Role.PRIMARY
        return LocalState(role=role, epoch=stored.epoch, timeline=stored.timeline)

    def write(self, local_state: LocalState) -> None:
        """Write `local_state`; it is on the disk when this returns.

        Raises:
            OSError: the disk is full or fails, or there are no data.
        """
        assert local_state.role is not None, "for no data there is no file"
        stored = _StoredState(
            role=local_state.role,
            epoch=local_state.epoch,
            timeline=local_state.timeline,
            role_file_ns=self._role_file.lstat().st_mtime_ns,
        )
        folder = os.open(self._state_file.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            self._write_in(folder, msgspec.json.encode(stored))
            os.fsync(folder)
        finally:
            os.close(folder)

    def _write_in(self, folder: int, content: bytes) -> None:
        """Write the file as a new one of an open folder.

        The folder belongs to the database's user, and this process is root. So nothing that is already there
        is opened: a link in its place would have root write what the link leads to.
        """
        unfinished = f"{_STATE_FILE}.new"
        with contextlib.suppress(FileNotFoundError):
            os.unlink(unfinished, dir_fd=folder)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        with os.fdopen(os.open(unfinished, flags, 0o644, dir_fd=folder), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.rename(unfinished, _STATE_FILE, src_dir_fd=folder, dst_dir_fd=folder)

    def _read_stored(self) -> _StoredState | None:
        try:
            return msgspec.json.decode(_content_of(self._state_file), type=_StoredState)
        except FileNotFoundError:
            return None
        except (msgspec.MsgspecError, ValueError):
            # We write the file atomically, so a damaged file is not ours: the history is then unknown.
            return None


def _content_of(path: Path) -> bytes:
    """Return the content of a file that root reads in a folder of the database's user.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it is a link, a pipe or a device; nothing of ours makes one there.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as refused:
        if refused.errno == errno.ELOOP:
            raise ValueError(f"{path} is a link") from None
        raise
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError(f"{path} is no file")
        return file.read(_LIMIT_BYTES)


def _state_of(path: Path) -> tuple[int, ...]:
    """Return a text that changes whenever a file is written or replaced; empty if there is no file."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return ()
    return found.st_ino, found.st_mtime_ns, found.st_size
