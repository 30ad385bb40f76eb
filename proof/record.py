"""The records of a run, one line each, as clients, databases, samplers and drills wrote them.

Times are unix seconds. Amounts are fen.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """Outcome of a request, as far as its client knows."""

    ACKNOWLEDGED = "acknowledged"
    """The client got the 2xx."""
    REJECTED = "rejected"
    """A definite no: nothing was executed."""
    REFUSED = "refused"
    """A definite no that is the right answer: the scenario uses the limit up, and it had no room."""
    INDETERMINATE = "indeterminate"
    """It may have happened: time-out, reset, 502, 504."""
    UNSENT = "unsent"
    """Planned, but never left the client: no user was free for too long."""


NOT_EXECUTED = frozenset({Outcome.REJECTED, Outcome.REFUSED, Outcome.UNSENT})
"""Outcomes of writes that were not executed: a definite no, or never sent."""
_RIGHT = (Outcome.ACKNOWLEDGED, Outcome.REFUSED)


@dataclass(frozen=True, kw_only=True, slots=True)
class Write:
    """One line of `ledger.jsonl`: a planned write as its client saw it."""

    key: str
    """Idempotency key: 32 hex digits."""
    entity: str
    operation: str
    route: str
    """Route template: the id in the path is `{id}`."""
    limit_id: int | None
    customer_id: int | None
    amount_fen: int
    planned_s: float
    started_s: float
    ended_s: float
    outcome: Outcome
    status: int
    """HTTP status; 0 without an answer."""
    error: str | None = None
    """Why the write is an error; an acknowledged write has one too, if its body is not the expected one."""
    response: object = None
    """The JSON of the answer, unchanged."""
    warm_up: bool = False
    """Planned before the measured time; such a write is real, checked, and counted for errors like others."""

    @property
    def is_error(self) -> bool:
        """Say whether the answer is wrong or missing; a refusal is right if the limit has no room."""
        return self.error is not None or self.outcome not in _RIGHT


@dataclass(frozen=True, kw_only=True, slots=True)
class Read:
    """One line of `reads.jsonl`: a query as its client saw it."""

    entity: str
    operation: str
    route: str
    planned_s: float
    started_s: float
    ended_s: float
    outcome: Outcome
    status: int
    error: str | None = None
    limit_id: int | None = None
    """For a limit that was read without an error: its number, used part and cap."""
    used_fen: int | None = None
    cap_fen: int | None = None

    @property
    def is_error(self) -> bool:
        """Say whether the answer is not the expected one."""
        return self.outcome != Outcome.ACKNOWLEDGED or self.error is not None


@dataclass(frozen=True, kw_only=True, slots=True)
class JournalRow:
    """One row of the database's journal: the effect of one write, as a double entry."""

    entity: str
    key: str
    kind: str
    limit_id: int | None
    customer_id: int | None
    amount_fen: int
    debit_account: str | None
    credit_account: str | None
    created_s: float
    """When its statement began, by the clock of the database host."""


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
class Application:
    """One application as the database holds it."""

    entity: str
    application_id: int
    customer_id: int
    status: str
    score: int | None
    grade: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class TableContent:
    """Row count and checksum of one table in one database."""

    host: str
    role: str
    table: str
    rows: int
    checksum: int
    """The sum of the CRC-32 of all rows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Seeding:
    """What the seeding before the run said; `seed.json`."""

    customers: int
    """There afterwards, over all legal entities."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """One line of `replication.jsonl`: both sides' log positions (END_SCN, nanoseconds) at one moment."""

    at_s: float
    primary_scn: int | None
    standby_scn: int | None
    lag_ms: float | None
    """None if a side did not answer, or if neither database follows the other."""
    primary_host: str = ""
    standby_host: str = ""
    roles: Mapping[str, str | None] | None = None
    """Role that each database reported at that moment."""

    @property
    def was_heard(self) -> bool:
        """Say whether any side answered; if none did, the sampler failed and not the standby."""
        return self.primary_scn is not None or self.standby_scn is not None


@dataclass(frozen=True, kw_only=True, slots=True)
class WriteAttempt:
    """One line of `probes.jsonl`: an attempt to write into one database directly."""

    host: str
    sent_s: float
    """Earliest time at which it can have been executed."""
    answered_s: float | None
    """None: there was no answer, so the attempt proves nothing."""
    accepted: bool


class Moment(StrEnum):
    """When hosts were asked for their time."""

    BEGIN = "begin"
    END = "end"


@dataclass(frozen=True, kw_only=True, slots=True)
class HostClock:
    """One line of `clocks.jsonl`: how far the clock of a host was from the control machine's."""

    host: str
    moment: Moment
    """Of the run: before its traffic, or after it."""
    ahead_ms: float | None
    """Negative: behind. None: the host did not answer; so with the other."""
    give_or_take_ms: float | None
    """How well that is known."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """One line of `timeline.jsonl`."""

    at_s: float
    event: str
    host: str | None = None
    detail: str | None = None
