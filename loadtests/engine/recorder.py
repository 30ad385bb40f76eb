"""Writes the record of a run while it runs."""

from pathlib import Path
from types import TracebackType

from proof.files import LEDGER_FILE, READS_FILE, encode
from proof.record import Outcome, Read, Write

_BUFFER_BYTES = 4 * 1024 * 1024
"""More than one second of records: files are written by `flush`, and not in the middle of a request."""


class Recorder:
    """Keeps `ledger.jsonl` and `reads.jsonl` of one run, and counts what they hold."""

    def __init__(self, folder: Path) -> None:
        """Create both files in `folder`.

        Raises:
            FileExistsError: the folder holds the record of another run, which is evidence and is not
                overwritten.
        """
        self._ledger = (folder / LEDGER_FILE).open("xb", buffering=_BUFFER_BYTES)
        self._reads = (folder / READS_FILE).open("xb", buffering=_BUFFER_BYTES)
        self.writes = 0
        self.reads = 0
        self.acknowledged = 0
        self.errors = 0

    def write(self, record: Write) -> None:
        """Record a write."""
        self._ledger.write(encode(record))
        self.writes += 1
        if record.outcome is Outcome.ACKNOWLEDGED:
            self.acknowledged += 1
        if record.is_error:
            self.errors += 1

    def read(self, record: Read) -> None:
        """Record a query."""
        self._reads.write(encode(record))
        self.reads += 1
        if record.is_error:
            self.errors += 1

    def flush(self) -> None:
        """Write buffered records to the operating system, so that they survive a killed process."""
        self._ledger.flush()
        self._reads.flush()

    def close(self) -> None:
        """Complete the files."""
        self._ledger.close()
        self._reads.close()

    def __enter__(self) -> "Recorder":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
