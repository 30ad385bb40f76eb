"""The files of a run folder: their names, reading them with checked types, atomic writing."""

import gzip
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, TypeVar

import msgspec
import orjson

from proof.record import Read, Write

LEDGER_FILE = "ledger.jsonl"
READS_FILE = "reads.jsonl"
REPLICATION_FILE = "replication.jsonl"
PROBES_FILE = "probes.jsonl"
CLOCKS_FILE = "clocks.jsonl"
TIMELINE_FILE = "timeline.jsonl"
SEED_FILE = "seed.json"
JOURNAL_FILE = "database/journal.jsonl.gz"
LIMITS_FILE = "database/limits.jsonl.gz"
APPLICATIONS_FILE = "database/applications.jsonl.gz"
CONTENTS_FILE = "database/contents.jsonl"

_T = TypeVar("_T")


def run_folder_name(start: datetime, what: str) -> str:
    """Return the name of a run's folder: UTC time first, so that names sort as the runs followed each other.

    + what: the verb of the command, or the program that made the run
    """
    return f"{start.astimezone(UTC):%Y-%m-%dT%H%M%SZ}-{what}"


class FileError(ValueError):
    """A saved file is damaged; the message names the file, the damage and the remedy."""


class RecordError(FileError):
    """A line of a saved file is damaged; the message names file and line."""

    def __init__(self, path: Path, line: int, problem: str) -> None:
        self.path = path
        self.line = line
        super().__init__(f"{path} line {line}: {problem}; the run proves nothing without a sound record")


def read_json(path: Path, kind: type[_T], *, remedy: str = "restore it from the run") -> _T:
    """Return the `kind` that a JSON file holds; unknown fields are left out.

    + remedy: what to do about a file that is missing or damaged, for the message

    Raises:
        FileNotFoundError: no such file.
        FileError: it cannot be read (it is a folder), is not JSON, lacks a field of `kind`, or has one of
            another type.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except FileNotFoundError:
        raise FileNotFoundError(f"{path} is missing; {remedy}") from None
    except OSError as unreadable:
        raise FileError(f"{path} cannot be read: {unreadable.strerror}; {remedy}") from None
    except (msgspec.DecodeError, RecursionError) as wrong:
        raise FileError(f"{path} is no {kind.__name__}: {wrong}; {remedy}") from None


def read_lines(path: Path, kind: type[_T]) -> Iterator[_T]:
    """Yield one `kind` for each line of a JSONL file (gzip if its name says so); unknown fields are ignored.

    Raises:
        FileNotFoundError: no such file.
        FileError: the file cannot be read, such as a folder with its name.
        RecordError: a line is not JSON, lacks a field of `kind`, or has a field of another type.
    """
    # A run has half a million lines: msgspec reads them in a second, plain Python in half a minute.
    decoder = msgspec.json.Decoder(kind)
    number = 0
    with _opened(path) as file:
        try:
            for line in file:
                number += 1
                yield decoder.decode(line)
        except (msgspec.DecodeError, RecursionError) as broken:
            raise RecordError(path, number, f"not a {kind.__name__}: {broken}") from None
        except (EOFError, gzip.BadGzipFile, zlib.error) as cut:
            raise RecordError(path, number + 1, f"not a whole gzip file: {cut}") from None


def _opened(path: Path) -> BinaryIO | gzip.GzipFile:
    try:
        return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")
    except FileNotFoundError:
        raise FileNotFoundError(f"{path} is missing; restore it from the run") from None
    except OSError as unreadable:
        raise FileError(f"{path} cannot be read: {unreadable.strerror}; restore it from the run") from None


def read_if_there(path: Path, kind: type[_T]) -> tuple[_T, ...]:
    """Return all lines of a file that may be absent."""
    return tuple(read_lines(path, kind)) if path.exists() else ()


def encode(record: Write | Read) -> bytes:
    """Return the JSON line of `record`, with its newline."""
    return orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)


@contextmanager
def replacing(path: Path, *, durably: bool = False) -> Iterator[BinaryIO]:
    """Yield a file that replaces `path` at the end: a reader sees the old content or the new content.

    + durably: sync the file to disk before it is renamed, so that a power cut leaves no empty file
    """
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    with unfinished.open("wb") as file:
        yield file
        if durably:
            file.flush()
            os.fsync(file.fileno())
    unfinished.rename(path)


def write_whole(path: Path, content: str | bytes, *, durably: bool = False) -> None:
    """Write `content` to `path` atomically; + durably: as in `replacing`."""
    with replacing(path, durably=durably) as file:
        file.write(content.encode() if isinstance(content, str) else content)
