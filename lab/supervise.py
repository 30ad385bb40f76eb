"""Keeps a server of the lab running: a parent process starts the server again whenever it ends."""

import multiprocessing
import sys
import time
from collections.abc import Callable
from typing import ParamSpec

_P = ParamSpec("_P")
_PAUSE_S = 1.0


def keep_up(serve: Callable[_P, None], *args: _P.args, **kwargs: _P.kwargs) -> None:
    """Run `serve` in a child process, again and again, so that a crash costs one second only.

    Never returns; the lab kills both processes when it is taken down.
    """
    while True:
        worker = multiprocessing.Process(target=serve, args=args, kwargs=kwargs)
        worker.start()
        worker.join()
        sys.stderr.write(f"the serving process ended with {worker.exitcode}; starting it again\n")
        time.sleep(_PAUSE_S)
