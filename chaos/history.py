"""The saved history of a run: what clients were told, what the database holds, what was measured.

Checkers read nothing else, so a verdict can be recomputed from a run folder at any later time.
"""

import gzip
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import msgspec

_T = TypeVar("_T")


class Outcome(StrEnum):
    """What a client knows about a write."""

    ACKNOWLEDGED = "acknowledged"
    """It got the 2xx."""
    REJECTED = "rejected"
    """A definite no: nothing was executed."""
    REFUSED = "refused"
    """A definite no that is a right answer: the limit had no room."""
    INDETERMINATE = "indeterminate"
    """It may have happened: time-out, reset, 502, 504."""
    UNSENT = "unsent"
    """Planned, but never left the client."""


class HistoryError(ValueError):
    """A saved file that is not what its writer promises; carries where."""

    def __init__(self, path: Path, line: int, problem: str) -> None:
        self.path = path
        self.line = line
        super().__init__(f"{path} line {line}: {problem}; the run proves nothing without a sound record")


ACKNOWLEDGED_MIN = 1000
"""Fewer acknowledged writes than this prove nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Write:
    """One line of `ledger.jsonl`: a write as its client saw it. Times are unix seconds."""

    key: str
    entity: str
    operation: str
    route: str
    limit_id: int | None
    customer_id: int | None
    amount_fen: int
    planned_s: float
    started_s: float
    ended_s: float
    outcome: str
    status: int
    error: str | None = None
    response: object = None
    """The answered JSON, unchanged."""


@dataclass(frozen=True, kw_only=True, slots=True)
class JournalRow:
    """One row of the database's journal: what one write did, as a double entry."""

    entity: str
    key: str
    kind: str
    limit_id: int | None
    customer_id: int | None
    amount_fen: int
    debit_account: str | None
    credit_account: str | None
    created_s: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Limit:
    """One credit limit as the database holds it."""

    entity: str
    limit_id: int
    customer_id: int
    cap_fen: int
    used_fen: int
    status: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """One measurement of the replication: both sides' log positions (END_SCN, nanoseconds)."""

    at_s: float
    primary_scn: int | None
    standby_scn: int | None
    lag_ms: float | None
    """None where a side did not answer."""
    primary_host: str
    standby_host: str
    roles: Mapping[str, str | None] | None = None
    """What each database said it was at that moment."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Probe:
    """One line of `probes.jsonl`: an attempt to write into one database directly. Times are unix seconds."""

    host: str
    sent_s: float
    """It was not carried out before this."""
    answered_s: float | None
    """None: nobody answered, so that it proves nothing."""
    accepted: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """One line of `timeline.jsonl`."""

    at_s: float
    event: str
    host: str | None = None
    detail: str | None = None


@dataclass(frozen=True, kw_only=True)
class FaultWindow:
    """When a fault acted, as far as the control side knows it (unix seconds)."""

    started_s: float
    """Before the fault was sent."""
    ended_s: float
    """It had certainly acted by then."""
    promoted_s: float | None = None
    """When the promotion began: from then on answers come from the new primary; None if none was made."""
    promoted_host: str | None = None
    """Which host it made the primary."""
    fenced_s: float | None = None
    """By when the old primary was certain to be none any more: it may be off from then on."""
    silenced: tuple[str, ...] = ()
    """Hosts whose databases the fault keeps from answering: their silence says nothing."""
    resumed_s: float | None = None
    """When they could go on: until then they carried nothing out. None: not while clients wrote."""
    observed_until_s: float | None = None
    """Until when clients wrote, and databases were probed."""


@dataclass(frozen=True, kw_only=True)
class Context:
    """What checkers must know besides the records."""

    entity_numbers: Mapping[str, int]
    """Legal entity code -> its number, the billions of its customer numbers."""
    acknowledged_min: int = ACKNOWLEDGED_MIN
    fault: FaultWindow | None = None
    samples: tuple[Sample, ...] = ()
    sample_interval_ms: float = 250.0
    lag_before_fault_s: float = 5.0
    """How long before the fault the samples count."""


@dataclass(frozen=True, kw_only=True)
class History:
    """Everything a checker may look at."""

    writes: tuple[Write, ...]
    journal: tuple[JournalRow, ...]
    limits: tuple[Limit, ...]
    context: Context
    probes: tuple[Probe, ...] = ()

    @cached_property
    def rows_by_key(self) -> dict[tuple[str, str], JournalRow]:
        """Return the journal by (entity, key)."""
        return {(row.entity, row.key): row for row in self.journal}

    @cached_property
    def acknowledged(self) -> tuple[Write, ...]:
        """Return the acknowledged writes in the order of their acknowledgements."""
        found = [write for write in self.writes if write.outcome == Outcome.ACKNOWLEDGED]
        return tuple(sorted(found, key=lambda write: write.ended_s))

    @cached_property
    def missing(self) -> tuple[Write, ...]:
        """Return the acknowledged writes that the journal does not hold, oldest first."""
        rows = self.rows_by_key
        return tuple(write for write in self.acknowledged if (write.entity, write.key) not in rows)

    @cached_property
    def outcomes(self) -> Counter[str]:
        """Return how many writes had which outcome."""
        return Counter(write.outcome for write in self.writes)


@dataclass(frozen=True, kw_only=True)
class Records:
    """The files of one run folder, read."""

    writes: tuple[Write, ...]
    journal: tuple[JournalRow, ...] = ()
    limits: tuple[Limit, ...] = ()
    samples: tuple[Sample, ...] = ()
    timeline: tuple[Event, ...] = ()
    probes: tuple[Probe, ...] = ()


def entity_numbers(codes: tuple[str, ...]) -> dict[str, int]:
    """Return the number of each legal entity: its place in the inventory, from 1."""
    return {code: number for number, code in enumerate(codes, start=1)}


def read_run(folder: Path) -> Records:
    """Read the records of a load or a drill back from its run folder.

    + folder: holds `ledger.jsonl`, and after an export `database/journal.jsonl.gz` and `limits.jsonl.gz`;
      `replication.jsonl`, `timeline.jsonl` and `probes.jsonl` may be absent

    Raises:
        FileNotFoundError: no ledger.
        HistoryError: a line that is cut off or lacks a field.
    """
    return Records(
        writes=read_lines(folder / "ledger.jsonl", Write),
        journal=_read_if_there(folder / "database" / "journal.jsonl.gz", JournalRow),
        limits=_read_if_there(folder / "database" / "limits.jsonl.gz", Limit),
        samples=_read_if_there(folder / "replication.jsonl", Sample),
        timeline=_read_if_there(folder / "timeline.jsonl", Event),
        probes=_read_if_there(folder / "probes.jsonl", Probe),
    )


def read_lines(path: Path, kind: type[_T]) -> tuple[_T, ...]:
    """Return one `kind` a line of a JSONL file (gzip if its name says so); unknown fields are left out.

    Raises:
        HistoryError: a line that is not JSON, lacks a field of `kind`, or has one of another type.
    """
    text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    # A run has half a million lines: msgspec reads them in a second, plain Python in half a minute.
    decoder = msgspec.json.Decoder(kind)
    try:
        return tuple(decoder.decode_lines(text))
    except msgspec.DecodeError as broken:
        raise HistoryError(path, *_first_broken(text, decoder, broken)) from None


def _first_broken(
    text: bytes, decoder: "msgspec.json.Decoder[_T]", broken: msgspec.DecodeError
) -> tuple[int, str]:
    number = 0
    for number, line in enumerate(text.split(b"\n"), start=1):
        try:
            decoder.decode(line)
        except msgspec.DecodeError as why:
            return number, str(why)
    return number, str(broken)


def _read_if_there(path: Path, kind: type[_T]) -> tuple[_T, ...]:
    return read_lines(path, kind) if path.exists() else ()
