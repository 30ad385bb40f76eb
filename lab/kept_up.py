"""Keeping a server of the lab serving: the parent of two processes starts the other again when it ends."""

import multiprocessing
import sys
import time
from collections.abc import Callable
from typing import ParamSpec

_P = ParamSpec("_P")
_PAUSE_S = 1.0


def keep_up(serve: Callable[_P, None], *args: _P.args, **kwargs: _P.kwargs) -> None:
    """Run `serve` in a process of its own, again and again: a crash costs a second and not the lab.

    Never returns; both processes end with the lab, which kills them.
    """
    while True:
        worker = multiprocessing.Process(target=serve, args=args, kwargs=kwargs)
        worker.start()
        worker.join()
        sys.stderr.write(f"the serving process ended with {worker.exitcode}; starting it again\n")
        time.sleep(_PAUSE_S)
