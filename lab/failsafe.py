"""Timers that undo a fault of the lab even if the process that caused it has ended.

A timer is a sleeping shell in its own control group, so that `cancel` and `down` find it.
"""

import subprocess
from collections.abc import Sequence

from lab import cgroups

_STARTS_WITHIN_S = 10.0


def set_timer(name: str, command: Sequence[str], *, after_s: float) -> None:
    """Run `command` after `after_s` seconds, unless it is cancelled before.

    + name: name of the fault that it undoes; there must be no timer of that name
    """
    waiting = ["/bin/sh", "-c", 'sleep "$1"; shift; exec "$@"', "failsafe", f"{after_s:g}", *command]
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
