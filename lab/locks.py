"""Lock files that one process holds at a time; the kernel frees a lock when its process ends, however."""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.errors import LabError

_POLL_S = 0.1


@contextmanager
def held(path: Path, *, within_s: float, refusal: str) -> Iterator[None]:
    """Hold the lock on `path`, which is made if there is none.

    + within_s: how long to wait for another process that holds it
    + refusal: what to say if it holds it for longer

    Raises:
        LabError: another process holds it for too long.
    """
    with path.open("w") as file:
        deadline = time.monotonic() + within_s
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise LabError(refusal) from None
                time.sleep(_POLL_S)
            else:
                break
        yield
