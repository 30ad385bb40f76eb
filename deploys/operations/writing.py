"""Writes one file atomically, where a service's user cannot turn the write elsewhere.

Root follows links: in a folder of a service's user, this user could put a link to /etc/shadow in the place
of the file, and root would write, or give away, what the link points to. So root writes only below folders
of root. A file in a service's own folder is written by the service's user, who may not write more through a
link.
"""

import shlex
from pathlib import PurePosixPath

from deploys.write_times import noted

ROOT = "root"


def written(path: str, *, digest: str, mode: int, user: str, group: str, by: str = ROOT) -> str:
    """Return the shell command that writes its standard input to `path`, atomically, and notes when.

    + path: absolute path; its folder is made if it is missing
    + digest: sha256 of the content: a broken connection looks like the end of the text
    + user, group: owner; if `by` is not root, that user
    + by: who writes: root, or the owner of the folder
    """
    file = PurePosixPath(path)
    template = shlex.quote(str(file.parent / f".{file.name}.XXXXXXXX"))
    owned = f'chown {shlex.quote(user)}:{shlex.quote(group)} "$new" && ' if by == ROOT else ""
    write = (
        f"umask 022; mkdir -p {shlex.quote(str(file.parent))} && umask 077 && new=$(mktemp {template}) && "
        f'trap \'rm -f "$new"\' EXIT && cat > "$new" && '
        f"printf '%s  %s\\n' {digest} \"$new\" | sha256sum --check --status && "
        f'{owned}chmod {mode:04o} "$new" && sync "$new" && mv -fT "$new" {shlex.quote(path)}'
    )
    return noted(path, done_by(by, group, write, below=path))


def made(path: str, *, mode: int, user: str, group: str, by: str = ROOT) -> str:
    """Return the shell command that makes a folder, or gives it this owner and mode.

    + path: absolute path
    + user, group: owner; if `by` is not root, that user
    + by: who makes it: root, or the owner of the folder above it
    """
    owner = f" -o {shlex.quote(user)} -g {shlex.quote(group)}" if by == ROOT else ""
    return done_by(by, group, f"install -d -m {mode:04o}{owner} {shlex.quote(path)}", below=path)


def done_by(user: str, group: str, command: str, *, below: str) -> str:
    """Return the shell command that runs `command` as `user`; root refuses below a folder not only root's.

    + command: what to run in a shell of its own
    + below: absolute path that it makes or writes
    """
    if user != ROOT:
        who = f"--reuid={shlex.quote(user)} --regid={shlex.quote(group)}"
        return f"setpriv {who} --init-groups --no-new-privs sh -c {shlex.quote(command)}"
    folders = " ".join(shlex.quote(str(folder)) for folder in PurePosixPath(below).parents)
    refusal = shlex.quote(
        f"{below}: root writes nothing below a folder of another user, or that another may write, who could "
        "put a link there. Give the folder to root alone, or name its user in the field `by` of the file:"
    )
    return (
        f"foreign=$({_foreign(folders)}); "
        f'[ -z "$foreign" ] || {{ echo {refusal} $foreign >&2; exit 1; }}; ( {command} )'
    )


def _foreign(folders: str) -> str:
    """Return the shell command that prints those of `folders` in which another user could put a link.

    They are another user's, or everybody may write there (but in one like /tmp, nobody can replace what is
    root's), or a group may that has other members than root.
    """
    # -H: of a link such as `current`, the folder that it points at is looked at.
    look = f"find -H {folders} -maxdepth 0"
    members = (
        "{ getent group $gid | cut -d : -f 4 | tr , '\\n'; "
        'getent passwd | grep "^[^:]*:[^:]*:[^:]*:$gid:" | cut -d : -f 1; }'
    )
    return (
        f'{look} \\( ! -uid 0 ! -uid "$(id -u)" -o -perm -o=w ! -perm -1000 \\) 2>/dev/null; '
        f"{look} -perm -g=w -printf '%G %p\\n' 2>/dev/null | while read -r gid path; do "
        f'! {members} | grep -qvx -e \'\' -e {ROOT} -e "$(id -un)" || echo "$path"; done'
    )
