"""`ended.json`: how the program that did the work of a run ended, if its own files do not tell."""

from dataclasses import dataclass

import msgspec

from loanstack.runs.folder import RunFolder
from proof.files import read_json, write_whole

ENDED_FILE = "ended.json"


@dataclass(frozen=True, kw_only=True)
class Ended:
    """The end of pyinfra, of pytest, or of a drill."""

    status: int
    """Exit status."""
    seconds: float
    """How long the program ran."""
    hosts: tuple[str, ...] = ()
    """Hosts that it was to work on; empty: all."""


def write_ended(folder: RunFolder, ended: Ended) -> None:
    """Write `ended` into `folder`, whole or not at all."""
    write_whole(folder.path / ENDED_FILE, msgspec.json.encode(ended))


def read_ended(folder: RunFolder) -> Ended:
    """Return how the program of the run in `folder` ended.

    Raises:
        FileNotFoundError, FileError: the file is missing or damaged.
    """
    return read_json(folder.path / ENDED_FILE, Ended)
