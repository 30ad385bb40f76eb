"""The data folder, which belongs to the database's user: the role recorded there, and how it is emptied.

Root works in it, so whatever that user puts there is not trusted: links are not followed, and nothing beyond
the folder is touched.
"""

import os
import pwd
from pathlib import Path

from hosttools import files
from hosttools.errors import ToolError
from hosttools.numbers import shortened
from hosttools.oceanbase.roles import NONE, Role
from hosttools.oceanbase.settings import Settings

_MOUNTS = Path("/proc/self/mountinfo")
_MOUNT_POINT = 4
"""Number of its field in a line of that file, from 0."""
_ESCAPED = {"\\040": " ", "\\011": "\t", "\\012": "\n", "\\134": "\\"}
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


def forget_role(settings: Settings) -> None:
    """Have the data count as half-made from here on."""
    settings.role_file.unlink(missing_ok=True)


def empty(settings: Settings) -> None:
    """Have an empty data folder of the database's user.

    Raises:
        ToolError: the folder is a link, something is mounted below it, or an entry cannot be deleted.
    """
    # Only a rejoin and a bootstrap come here, so no other command waits for this import.
    import shutil

    user = pwd.getpwnam(settings.service_user)
    try:
        settings.data.mkdir(parents=True, exist_ok=True)
        folder = os.open(settings.data, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as failure:
        raise ToolError(f"{settings.data}: {failure.strerror}; allowed: a folder") from failure
    try:
        _refuse_mounts_below(folder)
        os.fchown(folder, user.pw_uid, user.pw_gid)
        os.fchmod(folder, 0o750)
        with os.scandir(folder) as entries:
            found = [(each.name, each.is_dir(follow_symlinks=False)) for each in entries]
        for name, is_folder in found:
            if is_folder:
                shutil.rmtree(name, dir_fd=folder)
            else:
                os.unlink(name, dir_fd=folder)
    except (OSError, RecursionError) as failure:
        raise ToolError(f"{settings.data} cannot be emptied: {failure}") from failure
    finally:
        os.close(folder)


def _refuse_mounts_below(folder: int) -> None:
    """Refuse to go on where the folder has another file system in it, whose data are not the database's.

    The folder itself may be one.
    """
    path = Path(f"/proc/self/fd/{folder}").readlink()
    below = [each for each in mount_points(_MOUNTS.read_text()) if path in each.parents]
    if below:
        names = ", ".join(str(each) for each in below)
        raise ToolError(f"{path} has a file system mounted in it: {names}; unmount it first")


def mount_points(table: str) -> tuple[Path, ...]:
    """Return the mount points in a table of mounts, in the form of /proc/self/mountinfo."""
    found = []
    for line in table.splitlines():
        point = line.split(" ")[_MOUNT_POINT]
        for escaped, character in _ESCAPED.items():
            point = point.replace(escaped, character)
        found.append(Path(point))
    return tuple(found)
