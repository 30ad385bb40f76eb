"""The record of a load: one JSON line for each write and each read, as the client saw it."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

import orjson

LEDGER_FILE = "ledger.jsonl"
READS_FILE = "reads.jsonl"


class Outcome(StrEnum):
    """What the client knows about a request."""

    ACKNOWLEDGED = "acknowledged"
    """It got the 2xx."""
    REJECTED = "rejected"
    """A definite no: nothing was executed."""
    REFUSED = "refused"
    """A definite no that is a right answer: the limit had no room, as the scenario means it to be."""
    INDETERMINATE = "indeterminate"
    """It may have happened: time-out, reset, 502, 504."""
    UNSENT = "unsent"
    """Planned, but never left the client: no user was free for too long."""


_RIGHT = (Outcome.ACKNOWLEDGED, Outcome.REFUSED)


@dataclass(frozen=True, kw_only=True, slots=True)
class Write:
    """One planned write. Times are unix seconds."""

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
    outcome: str
    status: int
    """HTTP status; 0 without an answer."""
    error: str | None = None
    """Why it is no success: also an acknowledged write has one if its body is not what was asked for."""
    response: object = None
    """The answered JSON, unchanged."""
    warm_up: bool = False
    """Planned before what is measured; real, checked and counted among the errors like all others."""

    @property
    def is_error(self) -> bool:
        """Say whether this is anything but a right answer: an acknowledgement with the expected body, or a no
        where that is one."""
        return self.error is not None or self.outcome not in _RIGHT


@dataclass(frozen=True, kw_only=True, slots=True)
class Read:
    """One query that rode along. Times are unix seconds."""

    entity: str
    operation: str
    route: str
    planned_s: float
    started_s: float
    ended_s: float
    outcome: str
    status: int
    error: str | None = None

    @property
    def is_error(self) -> bool:
        """Say whether this is anything but the expected answer."""
        return self.outcome != Outcome.ACKNOWLEDGED or self.error is not None


class LedgerError(ValueError):
    """A record that cannot be trusted; carries where."""

    def __init__(self, path: Path, line: int, problem: str) -> None:
        self.path = path
        self.line = line
        super().__init__(f"{path} line {line}: {problem}; the run proves nothing without a sound record")


_Record = TypeVar("_Record", Write, Read)


def encode(record: Write | Read) -> bytes:
    """Return the JSON line of `record`, with its newline."""
    return orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)


def read_lines(path: Path, kind: type[_Record]) -> Iterator[_Record]:
    """Yield the records of `path`.

    Raises:
        FileNotFoundError: no such file.
        LedgerError: a line that is not JSON, or not a `kind`.
    """
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                yield kind(**orjson.loads(line))
            except orjson.JSONDecodeError as broken:
                raise LedgerError(path, number, f"not JSON ({broken.msg})") from None
            except TypeError as wrong:
                raise LedgerError(path, number, f"not a {kind.__name__}: {wrong}") from None
