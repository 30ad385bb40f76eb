"""When a deploy wrote a file, by the clock that nobody sets: notes on the host, gone with a reboot.

A service must restart for files that are newer than its process. The files' own times come from the wall
clock: after a step back of that clock, each deploy would restart the service until the clock has caught up.
So whoever writes a file notes the host's uptime, which is also the clock of systemd's start times. A file
without a note was written before the boot, and every process of this boot has read it.
"""

import shlex
from collections.abc import Mapping

FOLDER = "/run/loanstack/write-times"
_RESOLUTION_S = 0.01
"""Of /proc/uptime, which cuts the rest off."""


def noted(path: str, write: str) -> str:
    """Return the shell command that runs `write` and notes its time, before and after.

    The first note remains if the run is interrupted in between. The second one is newer than a process that
    started in between, and so has read the file of before.

    + path: the file that it writes
    + write: shell command
    """
    note = shlex.quote(f"{FOLDER}{path}")
    now = f"cut -d ' ' -f 1 /proc/uptime > {note}"
    folder = shlex.quote(f"{FOLDER}{path}".rpartition("/")[0])
    return f"mkdir -p {folder} && {now} && {{ {write}; }} && {now}"


def asked(paths: tuple[str, ...]) -> str:
    """Return the shell command that prints the uptime, and the notes of those of `paths` that have one.

    + paths: absolute paths
    """
    notes = " ".join(shlex.quote(f"{FOLDER}{path}") for path in paths)
    read = f" grep --with-filename --no-messages '' {notes};" if paths else ""
    return f"sed 's/ .*//; s/^/uptime=/' /proc/uptime;{read}"


def ages_s(output: list[str], uptime_s: float) -> Mapping[str, float]:
    """Return {path: seconds since it was written} from the output of `asked`.

    + output: its lines
    + uptime_s: the uptime that it printed
    """
    notes = (line.rpartition(":") for line in output if line.startswith(f"{FOLDER}/"))
    return {
        note.removeprefix(FOLDER): uptime_s - (float(when_s) + _RESOLUTION_S) for note, _, when_s in notes
    }
