"""Artifacts and their hashes, as the depot lists them."""

import re
from pathlib import Path

from inventory.model import Arch, Artifact

SEEKDB_VERSION = "1.4.0.post1"
BUNDLE_PYTHON = "3.14"
"""Version of the Python in our own bundles (`bin/python3`)."""
BUNDLE_LIBRARIES = f"lib/python{BUNDLE_PYTHON}/site-packages"
"""Their folder of libraries, in which our packages are too."""

_SUMS_LINE = re.compile(r"^(?P<sha256>[0-9a-f]{64}) [ *](?P<file>\S+)$")
_FILE_NAME = re.compile(
    r"^(?P<name>[a-z][a-z-]*?)-(?P<version>\d[^/]*)-(?P<arch>" + "|".join(Arch) + r")\.(tar\.gz|bin|dat|jar)$"
)


def parse_sums(text: str) -> dict[str, str]:
    """Return {file name: hex sha256} of a ``sha256sum`` listing.

    Raises:
        ValueError: a line is not of the form that ``sha256sum`` writes; names the line.
    """
    sums: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        match = _SUMS_LINE.match(line)
        if match is None:
            raise ValueError(f"SHA256SUMS line {number}: {line!r} is not '<64 hex digits>  <file name>'")
        sums[match["file"]] = match["sha256"]
    return sums


def listed_in(sums_file: Path, *, base_url: str) -> tuple[Artifact, ...]:
    """Return the artifacts of a filled depot; none if the depot is not filled yet.

    + sums_file: the depot's SHA256SUMS on the control machine
    + base_url: URL from which hosts download the files
    """
    if not sums_file.exists():
        return ()
    found = []
    for file_name, sha256 in sorted(parse_sums(sums_file.read_text()).items()):
        match = _FILE_NAME.match(file_name)
        if match is not None:
            found.append(
                Artifact(
                    name=match["name"],
                    version=match["version"],
                    arch=match["arch"],
                    url=f"{base_url}/{file_name}",
                    sha256=sha256,
                )
            )
    return tuple(found)
