"""The data folder, which belongs to the database's user: the role recorded there, and how it is emptied.

Root works in it, so whatever that user puts there is not trusted: links are not followed, and nothing beyond
the folder is touched.
"""

import os

from hosttools import files
from hosttools.errors import ToolError
from hosttools.numbers import shortened
from hosttools.oceanbase.roles import NONE, Role
from hosttools.oceanbase.settings import Settings
from hosttools.users import ids_of

_LONGEST_ROLE_BYTES = 64


def recorded_role(settings: Settings) -> str:
    """Return PRIMARY or STANDBY, as recorded; NONE: the folder holds no complete database.

    Raises:
        ToolError: the record is anything else; the data are neither started nor overwritten then.
    """
    text = files.read(settings.role_file, at_most_bytes=_LONGEST_ROLE_BYTES)
    if text is None:
        return NONE
    role = text.strip()
    if role not in (Role.PRIMARY, Role.STANDBY):
        raise ToolError(
            f"{settings.role_file} says {shortened(text)}; allowed: PRIMARY or STANDBY."
            " If a peer is PRIMARY, run: loanstack-db rejoin SOURCE_IP, which deletes these data"
        )
    return role


def record_role(settings: Settings, role: Role) -> None:
    """Record `role`, lasting: it is what the next start makes of the data."""
    files.write(settings.role_file, f"{role}\n", owner=settings.service_user)


def complete_role(settings: Settings) -> str:
    """Return the recorded role of a complete database.

    Raises:
        ToolError: the folder holds none, or the record cannot be read.
    """
    recorded = recorded_role(settings)
    if recorded == NONE:
        raise ToolError(f"{settings.base_dir} holds no complete database; run: loanstack-db bootstrap auto")
    return recorded


def forget_role(settings: Settings) -> None:
    """Have the data count as half-made from here on.

    Raises:
        ToolError: the record cannot be deleted.
    """
    try:
        settings.role_file.unlink(missing_ok=True)
    except OSError as failure:
        raise ToolError(f"{settings.role_file}: {failure.strerror}; delete it by hand") from failure


def empty(settings: Settings) -> None:
    """Have an empty data folder of the database's user.

    Raises:
        ToolError: this host has no such user, the folder is a link, something is mounted in it, or something
            in it cannot be deleted.
    """
    user_id, group_id = ids_of(settings.service_user, settings.base_dir)
    try:
        settings.data.mkdir(parents=True, exist_ok=True)
    except OSError as failure:
        raise ToolError(f"{settings.data}: {failure.strerror}; allowed: a folder") from failure
    files.empty(settings.data)
    os.chown(settings.data, user_id, group_id, follow_symlinks=False)
    settings.data.chmod(0o750)
