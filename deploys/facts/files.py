"""The state of a list of paths, in one round trip."""

import shlex
from dataclasses import dataclass

from pyinfra.api.facts import FactBase


@dataclass(frozen=True, kw_only=True)
class PathState:
    """State of a file or folder."""

    kind: str
    """Kind in the words of `stat`: `regular file`, `regular empty file`, `directory`, `symbolic link`, ..."""
    mode: int
    user: str
    group: str
    sha256: str | None
    """SHA-256 of a regular file's content."""


class PathStates(FactBase[dict[str, PathState]]):
    """Return {path: state} of those of the asked paths that exist."""

    @staticmethod
    def default() -> dict[str, PathState]:
        """Return the value if the command printed nothing: no path exists."""
        return {}

    def command(self, paths: tuple[str, ...]) -> str:
        """Return the shell command; missing paths are no error.

        + paths: absolute paths
        """
        quoted = " ".join(shlex.quote(path) for path in paths)
        return (
            f"for path in {quoted}; do "
            '[ -e "$path" ] || [ -L "$path" ] || continue; '
            'stat --format="%a|%U|%G|%F|%n" "$path"; '
            '[ -f "$path" ] && [ ! -L "$path" ] && sha256sum "$path"; '
            "done; true"
        )

    def process(self, output: list[str]) -> dict[str, PathState]:
        """Return the states from `stat` and `sha256sum` lines."""
        found: dict[str, PathState] = {}
        hashes = {}
        for line in output:
            head, _, path = line.partition("  ")
            if len(head) == 64 and "|" not in head:
                hashes[path] = head
        for line in output:
            if line.count("|") < 4:
                continue
            mode, user, group, kind, path = line.split("|", 4)
            found[path] = PathState(
                kind=kind, mode=int(mode, 8), user=user, group=group, sha256=hashes.get(path)
            )
        return found


class TextFile(FactBase[str | None]):
    """Return the text of one file for a diff; None if there is no file."""

    def command(self, path: str) -> str:
        """Return the shell command.

        + path: absolute path
        """
        # Through no link: in a folder of its own, a service's user could show its link's target in the diff.
        return f"dd if={shlex.quote(path)} iflag=nofollow status=none 2>/dev/null || true"

    def process(self, output: list[str]) -> str:
        """Return the lines with their newlines."""
        return "".join(f"{line}\n" for line in output)
