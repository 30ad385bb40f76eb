"""Files that root reads and writes in folders that services own.

Such a service may have put a link where root expects a file, or replace it at any moment. So the folder is
opened once, nothing follows a link in its last part, and what is written is a new file of that folder.
"""

import os
import re
import stat
from contextlib import suppress
from pathlib import Path

from hosttools.errors import ToolError
from hosttools.users import ids_of

_LARGEST_BYTES = 1 << 20
_MOUNTS = Path("/proc/self/mountinfo")
_MOUNT_POINT = 4
"""Number of that field in a line, from 0."""
_ESCAPED = re.compile(r"\\([0-7]{3})")
_LEAST_PARTS = 3
"""Of the path of a folder that may be emptied: /, and two names."""


def read(path: Path, *, at_most_bytes: int = _LARGEST_BYTES) -> str | None:
    """Return the text of the regular file `path`; None: there is none.

    + at_most_bytes: a longer file is refused, because whoever owns it may make it endless

    Raises:
        ToolError: it is a link or no regular file, too long, or cannot be read.
    """
    descriptor = _opened(str(path), path)
    if descriptor is None:
        return None
    with os.fdopen(descriptor, "rb") as file:
        content = file.read(at_most_bytes + 1)
    if len(content) > at_most_bytes:
        raise ToolError(f"{path}: allowed: at most {at_most_bytes} bytes")
    return content.decode(errors="replace")


def size_of(path: Path) -> int | None:
    """Return the size of the regular file `path`, in bytes; None: there is none.

    Raises:
        ToolError: its folder is a link, or it is no regular file.
    """
    descriptor = _opened_below(path)
    if descriptor is None:
        return None
    try:
        return os.fstat(descriptor).st_size
    finally:
        os.close(descriptor)


def read_end(path: Path, *, after_byte: int, at_most_bytes: int = _LARGEST_BYTES) -> str | None:
    """Return the end of the regular file `path`; None: there is none.

    + after_byte: only what comes after so many bytes; all of it, if the file has become shorter since
    + at_most_bytes: at most so many bytes before the end

    Raises:
        ToolError: its folder is a link, or it is no regular file.
    """
    descriptor = _opened_below(path)
    if descriptor is None:
        return None
    with os.fdopen(descriptor, "rb") as file:
        size = os.fstat(descriptor).st_size
        start = after_byte if after_byte <= size else 0
        file.seek(max(start, size - at_most_bytes))
        return file.read(at_most_bytes).decode(errors="replace")


def _opened_below(path: Path) -> int | None:
    """Return a descriptor of the regular file `path`, of which neither folder nor name may be a link."""
    try:
        folder = opened_folder(path.parent)
    except ToolError as failure:
        if isinstance(failure.__cause__, FileNotFoundError):
            return None
        raise
    try:
        return _opened(path.name, path, folder=folder)
    finally:
        os.close(folder)


def opened_folder(path: Path) -> int:
    """Return a descriptor of the folder `path`, which the caller closes.

    Raises:
        ToolError: it is missing, or is a link or another kind of file.
    """
    try:
        return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as failure:
        raise ToolError(f"{path}: {failure.strerror}; allowed: a folder") from failure


def _opened(name: str, path: Path, *, folder: int | None = None) -> int | None:
    try:
        # O_NONBLOCK, because opening a named pipe would wait for whoever writes it.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        descriptor = os.open(name, flags, dir_fd=folder)
    except FileNotFoundError:
        return None
    except OSError as failure:
        raise ToolError(f"{path}: {failure.strerror}; allowed: a regular file") from failure
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise ToolError(f"{path}: allowed: a regular file")
    return descriptor


def write(path: Path, content: str | bytes, *, mode: int = 0o644, owner: str | None = None) -> None:
    """Put a new file with `content` at `path`, atomically and lasting; a link there is replaced.

    + mode: permission bits
    + owner: user whose the file is, with the user's primary group; None: this process's own

    Raises:
        ToolError: the folder is a link or missing, this host has no such user, or the file cannot be written.
    """
    ids = None if owner is None else ids_of(owner, str(path))
    folder = opened_folder(path.parent)
    unfinished = f".{path.name}.loanstack-{os.getpid()}"
    try:
        _write_new(folder, unfinished, content, mode=mode, ids=ids)
        os.rename(unfinished, path.name, src_dir_fd=folder, dst_dir_fd=folder)
        os.fsync(folder)
    except BaseException as failure:  # also a signal that ends the tool: it may be a file with a password
        with suppress(OSError):
            os.unlink(unfinished, dir_fd=folder)
        if isinstance(failure, OSError):
            raise ToolError(f"{path}: {failure.strerror}") from failure
        raise
    finally:
        os.close(folder)


def _write_new(
    folder: int, name: str, content: str | bytes, *, mode: int, ids: tuple[int, int] | None
) -> None:
    with suppress(FileNotFoundError):
        os.unlink(name, dir_fd=folder)
    # O_EXCL follows no link and takes no file that somebody else made.
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(name, flags, 0o600, dir_fd=folder)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)
        file.flush()
        if ids is not None:
            os.fchown(descriptor, *ids)
        os.fchmod(descriptor, mode)
        os.fsync(descriptor)


def empty(folder: Path) -> None:
    """Delete everything in `folder`; a link in it is deleted, not followed.

    The folder may be a file system of its own. One that is mounted in it has data of somebody else.

    Raises:
        ToolError: it is no folder at least two levels below /, something is mounted in it, or something in it
            cannot be deleted.
    """
    # It loads compression libraries, for which no status has to wait.
    import shutil

    if not folder.is_absolute() or len(folder.parts) < _LEAST_PARTS or ".." in folder.parts:
        raise ToolError(f"folder to empty is '{folder}'; allowed: one at least two levels below /")
    opened = opened_folder(folder)
    try:
        _refuse_mounts_in(opened)
        for entry in os.listdir(opened):  # noqa: PTH208 - pathlib lists no folder by its descriptor
            if stat.S_ISDIR(os.stat(entry, dir_fd=opened, follow_symlinks=False).st_mode):
                shutil.rmtree(entry, dir_fd=opened)
            else:
                os.unlink(entry, dir_fd=opened)
    except OSError as failure:
        raise ToolError(f"{folder}: {failure.filename}: {failure.strerror}") from failure
    except RecursionError:
        raise ToolError(f"{folder}: folders in it are too deep; delete them by hand") from None
    finally:
        os.close(opened)


def _refuse_mounts_in(folder: int) -> None:
    path = Path(f"/proc/self/fd/{folder}").readlink()
    inside = [str(each) for each in mount_points(_MOUNTS.read_text()) if path in each.parents]
    if inside:
        raise ToolError(f"{path} has file systems mounted in it: {', '.join(inside)}; unmount them first")


def mount_points(table: str) -> tuple[Path, ...]:
    """Return the mount points in a table of mounts.

    + table: text in the form of /proc/self/mountinfo, which escapes four characters
    """
    points = (line.split(" ")[_MOUNT_POINT] for line in table.splitlines())
    return tuple(Path(_ESCAPED.sub(lambda found: chr(int(found[1], 8)), point)) for point in points)
