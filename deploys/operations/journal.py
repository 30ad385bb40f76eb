"""The last log lines of a service, as a shell command for operations that find it broken."""

import shlex

_LINES = 10
# syslog's numbers, emergency to notice.
_NOTICE_OR_WORSE = range(6)


def last_words(unit: str) -> str:
    """Return the command that prints the output of `unit`'s processes, and how they ended.

    systemd's lines of level info are left out: those about a new try come after the reason of a failure, and
    would hide it if only the last lines are shown.

    Args:
        unit: full name, like `nginx.service`

    Returns:
        A command of a POSIX shell; it writes to its standard output.
    """
    said = f"_SYSTEMD_UNIT={unit}"
    ended = ("_PID=1", f"UNIT={unit}", *(f"PRIORITY={number}" for number in _NOTICE_OR_WORSE))
    words = ("journalctl", "--no-pager", "--quiet", f"--lines={_LINES}", said, "+", *ended)
    return " ".join(shlex.quote(word) for word in words)
