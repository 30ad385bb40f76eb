"""Users of this host, by name."""

import pwd

from hosttools.errors import ToolError
from hosttools.numbers import shortened


def ids_of(user: str, of_what: str) -> tuple[int, int]:
    """Return the number of `user`, and the number of its primary group.

    + of_what: a file or program that is for this user, for the message

    Raises:
        ToolError: this host has no such user.
    """
    try:
        known = pwd.getpwnam(user)
    except (KeyError, ValueError):  # a name with a zero character
        raise ToolError(
            f"{of_what}: its user is {shortened(user)}; allowed: a user of this host; deploy this host again"
        ) from None
    return known.pw_uid, known.pw_gid
