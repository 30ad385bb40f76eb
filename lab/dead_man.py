"""Timers that undo a fault of the lab even if whoever caused it is gone by then.

A timer is a sleeping shell in a control group of its own, so that `cancel` and `down` find it.
"""

import subprocess
from collections.abc import Sequence

from lab import cgroups

_STARTS_WITHIN_S = 10.0


def set_timer(name: str, command: Sequence[str], *, after_s: float) -> None:
    """Run `command` after `after_s` seconds, unless it is cancelled before.

    + name: of the fault that it undoes; no timer of that name is set
    """
    waiting = ["/bin/sh", "-c", 'sleep "$1"; shift; exec "$@"', "dead-man", f"{after_s:g}", *command]
    subprocess.run(
        [*cgroups.joining(cgroups.make(_group(name))), *waiting],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        check=True,
        timeout=_STARTS_WITHIN_S,
    )


def cancel(name: str) -> None:
    """End the timer of that name; does nothing if there is none."""
    cgroups.kill(_group(name))
    cgroups.remove(_group(name))


def _group(name: str) -> str:
    return f"timer-{name}"
