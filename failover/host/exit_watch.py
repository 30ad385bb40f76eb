"""Notifies at once when a process has ended, so that it need not be polled."""

import asyncio
import ctypes
import logging
import os
from collections.abc import Callable

_LOG = logging.getLogger("failover.database")
_LIBC = ctypes.CDLL(None, use_errno=True)
_PIDFD_OPEN = 434
"""Number of the system call, on x86_64 and on aarch64."""


def pidfd_open(pid: int) -> int:
    """Return a descriptor that becomes readable when the process ends, as `os.pidfd_open` does.

    The Python of our bundles lacks that function, because it is built for systems older than the call.

    Raises:
        OSError: the kernel has no such call, or no descriptor is left.
        ProcessLookupError: there is no such process.
    """
    descriptor: int = _LIBC.syscall(ctypes.c_long(_PIDFD_OPEN), ctypes.c_int(pid), ctypes.c_uint(0))
    if descriptor < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return descriptor


class ExitWatch:
    """The end of one process at a time, by its pidfd.

    Linux has pidfds since 5.3. On an older kernel, such as Kylin V10's 4.19, there is no notification, and
    the next observation finds the end.
    """

    def __init__(self, on_exit: Callable[[], None]) -> None:
        """Call `on_exit`, in the running loop, when the process that is followed ends."""
        self._on_exit = on_exit
        self._identity: tuple[int, int] | None = None
        self._descriptor: int | None = None

    def follow(self, identity: tuple[int, int] | None) -> None:
        """Follow the process with this pid and start from now on; None: none."""
        if identity == self._identity:
            return
        self.close()
        self._identity = identity
        if identity is None:
            return
        try:
            self._descriptor = pidfd_open(identity[0])
        except ProcessLookupError:
            # It has ended since the last observation.
            self._on_exit()
        except OSError as failure:
            _LOG.info("the end of the database is seen by looks only", extra={"error": str(failure)})
        else:
            asyncio.get_running_loop().add_reader(self._descriptor, self._ended)

    def close(self) -> None:
        """Follow nothing any more."""
        self._identity = None
        if self._descriptor is not None:
            asyncio.get_running_loop().remove_reader(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = None

    def _ended(self) -> None:
        # Notify only once, because the descriptor stays readable.
        identity = self._identity
        self.close()
        self._identity = identity
        self._on_exit()
