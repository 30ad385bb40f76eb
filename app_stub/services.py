"""What every operation of the journey works with, and the shapes of requests and answers."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec

from app_stub import problems, sql
from app_stub.database import Rows
from app_stub.idempotency import stored_in
from app_stub.idempotent_write import IdempotentWrite, Writer, Written
from app_stub.ids import Ids
from app_stub.metrics import Metrics
from app_stub.pool import Pool
from app_stub.reads import Reader

JSON = b"application/json"
RowT = TypeVar("RowT")


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One request whose headers, path and fields are valid."""

    route: str
    """Template, such as `/v1/limits/{id}/drawdowns`."""
    row_id: int | None
    entity_code: str
    idempotency_key: str
    """Empty on reads."""
    request_hash: str
    """Empty on reads."""
    give_up_s: float
    """The deadline of its answer, by the monotonic clock."""
    fields: dict[str, object] = msgspec.field(default_factory=dict)
    query: str = ""

    @property
    def id(self) -> int:
        """The id in the path.

        Raises:
            ValueError: the route has none, which is a mistake in the table of routes.
        """
        if self.row_id is None:
            raise ValueError(f"{self.route} has no id in its path")
        return self.row_id

    def integer(self, name: str) -> int:
        """Return a validated whole number of the body."""
        value = self.fields[name]
        if not isinstance(value, int):
            raise TypeError(f"{self.route}: {name} was validated as something else than a whole number")
        return value

    def text(self, name: str) -> str:
        """Return a validated text of the body."""
        value = self.fields[name]
        if not isinstance(value, str):
            raise TypeError(f"{self.route}: {name} was validated as something else than text")
        return value


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What is sent back."""

    status: int
    body: bytes
    content_type: bytes = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Services:
    """The effects an operation may use."""

    pool: Pool
    writer: Writer
    reader: Reader
    metrics: Metrics
    clock_s: Callable[[], float] = time.time
    ids: Ids = field(default_factory=Ids)

    async def read(self, request: Request, *queries: str) -> list[Rows]:
        """Run queries on the primary in one round trip.

        Raises:
            problems.ProblemError: 503, no primary or no connection in time.
        """
        return await self.reader.read(queries, request.give_up_s)

    async def first_answer_or(self, request: Request, raised: problems.ProblemError) -> Answer:
        """Return the first answer to a known key, whatever has become of the rows since; else raise `raised`.

        Raises:
            problems.ProblemError: `raised`, or 409 (key reused), 503, or 504 (not safe in time).
        """
        lookup = sql.select_stored(entity_code=request.entity_code, idempotency_key=request.idempotency_key)
        while True:
            (rows,), term = await self.reader.read_of_epoch((lookup,), request.give_up_s)
            stored = stored_in(rows)
            if stored is None:
                raise raised
            written = self.writer.replayed(stored, request.request_hash, term)
            if await self.writer.is_safe(written, request.idempotency_key, request.give_up_s):
                return created(written)
            # What was found may be lost with its primary; and what was judged, was judged by its rows.
            raised = problems.ProblemError(problems.unavailable("the primary has just changed; try again"))

    async def write(self, request: Request, write: IdempotentWrite) -> Answer:
        """Run an idempotent write; 201 with its answer, or with the first answer if the key is known."""
        return created(await self.writer.perform(write, request.give_up_s))


Operation = Callable[[Services, Request], Awaitable[Answer]]

_REPLAYED = ((b"Idempotent-Replayed", b"true"),)


def created(written: Written) -> Answer:
    """Return the 201 of a write; a replayed one says so in a header."""
    return Answer(status=201, body=written.answer, headers=_REPLAYED if written.is_replay else ())


def ok(document: object) -> Answer:
    """Return a 200 with `document` as JSON."""
    return Answer(status=200, body=msgspec.json.encode(document))


def owned(rows: Rows, row_type: type[RowT], request: Request, what: str) -> RowT:
    """Return the row in `rows` as `row_type`; its first column must be the entity that owns it.

    Raises:
        problems.ProblemError: 404 (no row) or 403 (another entity's).
    """
    if not rows:
        raise problems.ProblemError(problems.not_found(what))
    if rows[0][0] != request.entity_code:
        raise problems.ProblemError(problems.other_entity(what))
    return msgspec.convert(rows[0], row_type, strict=False)
