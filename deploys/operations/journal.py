"""What a service said last, as a shell command for the operations that found it not to work."""

import shlex

_LINES = 10
# syslog's numbers, emergency to notice.
_NOTICE_OR_WORSE = range(6)


def last_words(unit: str) -> str:
    """Name the command that prints what `unit`'s processes wrote, and how they ended.

    systemd's plain information is left out: that it tries again comes after the reason, and hides it where
    only the last lines are shown.

    Args:
        unit: full name, like `nginx.service`

    Returns:
        A command of a POSIX shell; it writes to its standard output.
    """
    said = f"_SYSTEMD_UNIT={unit}"
    ended = ("_PID=1", f"UNIT={unit}", *(f"PRIORITY={number}" for number in _NOTICE_OR_WORSE))
    words = ("journalctl", "--no-pager", "--quiet", f"--lines={_LINES}", said, "+", *ended)
    return " ".join(shlex.quote(word) for word in words)
