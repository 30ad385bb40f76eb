"""Which build of an artifact a host runs."""

import shlex

from pyinfra.api.facts import FactBase

HASH_FILE = ".artifact-sha256"
"""Written into the unpacked folder as the last step; a folder without it counts as incomplete."""


class InstalledArtifact(FactBase[str | None]):
    """Return the sha256 of the archive of `FOLDER/VERSION`; None if that folder is incomplete or missing."""

    def command(self, folder: str, version: str = "current") -> str:
        """Return the shell command.

        + folder: like `/opt/loanstack/seekdb`
        + version: folder in it; the one in use unless another is named
        """
        # Through no link: a product's folder belongs to its service's user.
        file = shlex.quote(f"{folder}/{version}/{HASH_FILE}")
        return f"dd if={file} iflag=nofollow status=none 2>/dev/null || true"
