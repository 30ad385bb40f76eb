"""Versions of an artifact, side by side in one folder: shell commands that check, link and remove them."""

import shlex

from deploys.facts.artifacts import HASH_FILE
from deploys.write_times import noted
from inventory.model import Arch

_FIRST_BYTES = 4 * 1024 * 1024
"""Programs are at the beginning of our archives (`bin/`), so only this part is read to find one."""
_ELF_BYTES = 20
"""Bytes of a file's head, up to and including `e_machine` (System V ABI, "ELF Header")."""
_MACHINES = {Arch.X86_64: "3e 00", Arch.AARCH64: "b7 00"}
"""`e_machine` of each architecture, as `od` prints its two bytes."""


def fits(archive: str, *, arch: str, url: str) -> str:
    """Return the command that deletes and refuses an archive whose first program is for another machine.

    An archive without a program is for every machine.

    + archive: path of a verified .tar.gz
    + arch: architecture of the host, as `uname -m` prints it
    + url: where the archive comes from, for the message
    """
    each = shlex.quote(f"head --bytes={_ELF_BYTES} | od -An -v -tx1 -w{_ELF_BYTES}")
    refusal = shlex.quote(
        f"this host is {arch}, and the programs in {url} are built for another machine; nothing was unpacked."
        " List the archive for this architecture in the inventory, or mend the depot. Head of a program:"
    )
    path = shlex.quote(archive)
    return (
        f"head --bytes={_FIRST_BYTES} {path} | tar --extract --gzip --to-command={each} 2>/dev/null | "
        f"grep --max-count=1 '^ 7f 45 4c 46' | {{ read -r found || exit 0; case $found in "
        f"*' {_MACHINES[Arch(arch)]}') ;; *) echo {refusal} \"$found\" >&2; rm -f {path}; exit 1 ;; esac; }}"
    )


def linked(folder: str, version: str) -> str:
    """Return the command that points `folder`/current at `version`, and `folder`/previous at the one before.

    A version that is installed once more, such as one that was built anew, is not its own version of before.

    + folder: where the versions are
    + version: name of the version's folder
    """
    new = shlex.quote(version)
    switch = f"ln -sfn {new} .current-new && mv -fT .current-new current"
    return (
        f'cd {shlex.quote(folder)} && if [ -e current ] && [ "$(readlink current)" != {new} ]; then '
        'ln -sfn "$(readlink current)" .previous-new && mv -fT .previous-new previous; fi && '
        + noted(f"{folder}/current/{HASH_FILE}", switch)
    )


def old_ones_removed(folder: str, version: str) -> str:
    """Return the command that removes the versions that nobody needs any more.

    What stays: `version`, those that `current` and `previous` point at, those that a process has mapped, has
    opened or stands in, and whatever is no complete version of ours.

    + folder: where the versions are
    + version: the one just installed
    """
    return (
        f"cd {shlex.quote(folder)} && here=$(pwd -P) && for each in */; do old=${{each%/}}; "
        f'[ -e "$old/{HASH_FILE}" ] && [ ! -L "$old" ] || continue; case $old in '
        f'{shlex.quote(version)} | "$(readlink current)" | "$(readlink previous)") continue ;; esac; '
        'if grep --quiet --no-messages --fixed-strings "$here/$old/" /proc/[0-9]*/maps || '
        "find /proc/[0-9]*/cwd /proc/[0-9]*/fd -maxdepth 1 "
        '\\( -lname "$here/$old" -o -lname "$here/$old/*" \\) -print -quit 2>/dev/null | grep --quiet .; '
        'then continue; fi; rm -rf "$old"; done'
    )
