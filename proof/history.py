"""The saved history of a run: answers to clients, contents of the databases, measurements.

Checkers read nothing else, so a verdict can be recomputed from a run folder at any later time.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from inventory.model import Environment
from proof.files import (
    APPLICATIONS_FILE,
    CLOCKS_FILE,
    CONTENTS_FILE,
    JOURNAL_FILE,
    LEDGER_FILE,
    LIMITS_FILE,
    PROBES_FILE,
    READS_FILE,
    REPLICATION_FILE,
    SEED_FILE,
    TIMELINE_FILE,
    read_if_there,
    read_json,
    read_lines,
)
from proof.record import (
    Application,
    Event,
    HostClock,
    JournalRow,
    Limit,
    Outcome,
    Read,
    Sample,
    Seeding,
    TableContent,
    Write,
    WriteAttempt,
)

SIGN_OF_KIND = {"drawdown": 1, "repayment": -1}
"""Kind of a journal row -> sign of its amount in the used part of its limit."""
ACKNOWLEDGED_MIN = 1000
"""Fewer acknowledged writes than this prove nothing."""


@dataclass(frozen=True, kw_only=True)
class FaultWindow:
    """When a fault acted, as far as the control side knows it (unix seconds)."""

    started_s: float
    """Before the fault was sent."""
    ended_s: float
    """The fault had certainly acted by then."""
    promoted_s: float | None = None
    """When the promotion began: later answers come from the new primary; None if there was no promotion."""
    promoted_host: str | None = None
    """Host that was promoted."""
    fenced_s: float | None = None
    """When the old primary was certainly fenced; it may be off from then on."""
    silenced: tuple[str, ...] = ()
    """Hosts whose databases cannot answer because of the fault, so that their silence means nothing."""
    resumed_s: float | None = None
    """When these databases were resumed; before, they executed nothing. None: not while clients wrote."""
    observed_until_s: float | None = None
    """When clients stopped writing, and databases were no longer probed."""


@dataclass(frozen=True, kw_only=True)
class Context:
    """Facts that checkers need besides the records."""

    entity_numbers: Mapping[str, int]
    """Legal entity code -> its number, which is the billions of its customers' numbers."""
    reads_limits: bool = True
    """The clients were to read limits: a record without any such read proves nothing about them."""
    customers: int | None = None
    """Number of seeded customers; None: it was not recorded."""
    acknowledged_min: int = ACKNOWLEDGED_MIN
    fault: FaultWindow | None = None
    samples: tuple[Sample, ...] = ()
    sample_interval_ms: float = 250.0
    lag_before_fault_s: float = 5.0
    """Samples within this time before the fault count for the lag."""


@dataclass(frozen=True, kw_only=True)
class History:
    """All data that a checker may use."""

    writes: tuple[Write, ...]
    journal: tuple[JournalRow, ...]
    limits: tuple[Limit, ...]
    context: Context
    reads: tuple[Read, ...] = ()
    probes: tuple[WriteAttempt, ...] = ()
    contents: tuple[TableContent, ...] = ()
    applications: tuple[Application, ...] | None = None
    """Applications of the run; None: they were not read."""

    @cached_property
    def rows_by_key(self) -> dict[tuple[str, str], JournalRow]:
        """Return the journal by (entity, key)."""
        return {(row.entity, row.key): row for row in self.journal}

    @cached_property
    def used_by_journal(self) -> dict[tuple[str, int], int]:
        """Return the used part of each limit as the sum of its journal rows: (entity, limit) -> fen."""
        folded: defaultdict[tuple[str, int], int] = defaultdict(int)
        for row in self.journal:
            sign = SIGN_OF_KIND.get(row.kind)
            if sign is not None and row.limit_id is not None:
                folded[row.entity, row.limit_id] += sign * row.amount_fen
        return dict(folded)

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
        """Return the number of writes with each outcome."""
        return Counter(write.outcome for write in self.writes)


@dataclass(frozen=True, kw_only=True)
class Records:
    """The files of one run folder, read."""

    writes: tuple[Write, ...]
    reads: tuple[Read, ...] = ()
    journal: tuple[JournalRow, ...] = ()
    limits: tuple[Limit, ...] = ()
    samples: tuple[Sample, ...] = ()
    timeline: tuple[Event, ...] = ()
    probes: tuple[WriteAttempt, ...] = ()
    contents: tuple[TableContent, ...] = ()
    applications: tuple[Application, ...] | None = None
    seeding: Seeding | None = None
    clocks: tuple[HostClock, ...] = ()

    def context(self, env: Environment, *, reads_limits: bool) -> Context:
        """Return what checkers must know of a run in `env`.

        + reads_limits: whether its clients were to read limits too
        """
        return Context(
            entity_numbers=entity_numbers(tuple(entity.code for entity in env.entities)),
            reads_limits=reads_limits,
            customers=None if self.seeding is None else self.seeding.customers,
            samples=self.samples,
        )

    def history(self, context: Context) -> History:
        """Return the history for checkers, with `context`."""
        return History(
            writes=self.writes,
            reads=self.reads,
            journal=self.journal,
            limits=self.limits,
            probes=self.probes,
            contents=self.contents,
            applications=self.applications,
            context=context,
        )


def entity_numbers(codes: tuple[str, ...]) -> dict[str, int]:
    """Return the number of each legal entity: its position in the inventory, from 1."""
    return {code: number for number, code in enumerate(codes, start=1)}


def read_run(folder: Path) -> Records:
    """Read the records of a load or a drill from its run folder.

    + folder: holds `ledger.jsonl` and `reads.jsonl`, and after an export `database/journal.jsonl.gz` and
      `limits.jsonl.gz`; `replication.jsonl`, `timeline.jsonl`, `probes.jsonl`, `clocks.jsonl` and
      `seed.json` may be absent

    Raises:
        FileNotFoundError: no ledger, or no reads.
        FileError: a line is incomplete or lacks a field, or a file is damaged.
    """
    seed_file = folder / SEED_FILE
    return Records(
        writes=tuple(read_lines(folder / LEDGER_FILE, Write)),
        reads=tuple(read_lines(folder / READS_FILE, Read)),
        journal=read_if_there(folder / JOURNAL_FILE, JournalRow),
        limits=read_if_there(folder / LIMITS_FILE, Limit),
        samples=read_if_there(folder / REPLICATION_FILE, Sample),
        timeline=read_if_there(folder / TIMELINE_FILE, Event),
        probes=read_if_there(folder / PROBES_FILE, WriteAttempt),
        contents=read_if_there(folder / CONTENTS_FILE, TableContent),
        applications=(
            tuple(read_lines(folder / APPLICATIONS_FILE, Application))
            if (folder / APPLICATIONS_FILE).exists()
            else None
        ),
        clocks=read_if_there(folder / CLOCKS_FILE, HostClock),
        seeding=read_json(seed_file, Seeding) if seed_file.exists() else None,
    )
