"""The reasons for which a service is out of rotation: one file each, in a folder that the service owns.

The service may put links there, or make the folder one. So everything is done below the opened folder, and
nothing follows a link.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hosttools import files
from hosttools.errors import ToolError

_MODE = 0o755


class Reasons:
    """The reasons of one service."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def add(self, reason: str) -> None:
        """Add `reason`, if it is not there.

        Raises:
            ToolError: the folder is a link, or cannot be written.
        """
        with self._opened() as folder, suppress(FileExistsError):
            # O_EXCL follows no link, and a link by this name is a reason as well.
            os.close(os.open(reason, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644, dir_fd=folder))

    def remove(self, reason: str) -> None:
        """Remove `reason`, if it is there.

        Raises:
            ToolError: the folder is a link, or cannot be written.
        """
        with self._opened() as folder, suppress(FileNotFoundError):
            os.unlink(reason, dir_fd=folder)

    def names(self) -> list[str]:
        """Return all reasons, sorted.

        Raises:
            ToolError: the folder is a link, or cannot be read.
        """
        with self._opened() as folder:
            found = os.listdir(folder)  # noqa: PTH208 - pathlib lists no folder by its descriptor
        # The service may have put a name there that is no text.
        return sorted(os.fsencode(name).decode(errors="replace") for name in found)

    @contextmanager
    def _opened(self) -> Iterator[int]:
        try:
            self._folder.mkdir(mode=_MODE, parents=True, exist_ok=True)
        except OSError as failure:
            raise ToolError(f"{self._folder}: {failure.strerror}; allowed: a folder") from failure
        folder = files.opened_folder(self._folder)
        try:
            yield folder
        except OSError as failure:
            raise ToolError(f"{self._folder}: {failure.strerror}") from failure
        finally:
            os.close(folder)
