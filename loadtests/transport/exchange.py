"""One request of the journey and its outcome. Pure: connection and clock are arguments."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

import orjson

from loadtests.plan.schedule import Arrival
from loadtests.transport import outcomes
from loadtests.users.steps import Answer, Step, validate_response
from proof.record import Outcome, Read, Write

ENTRY_OPERATIONS = ("drawdown", "repayment")
"""Writes whose answer must contain the request's key as the number of the entry."""


class NotSentError(OSError):
    """No connection was made, so nothing can have been executed."""


class NoAnswerError(OSError):
    """The request was sent, at least in part, and no complete answer came back."""


class Reply(NamedTuple):
    """An HTTP answer."""

    status: int
    body: bytes
    retry_after: bool


class Exchange(Protocol):
    """Something that sends a request and returns its answer."""

    def send(self, head: str, body: bytes) -> Reply:
        """Return the answer.

        + head: request line and headers of the request, each with its line end
        + body: JSON, or empty

        Raises:
            NotSentError, NoAnswerError: there is no answer.
        """


class _Result(NamedTuple):
    outcome: Outcome
    status: int
    error: str | None
    answer: Answer | None
    """JSON of an acknowledgement with the expected body."""
    response: object


def write(
    exchange: Exchange, step: Step, *, key: str, arrival: Arrival, clock: Callable[[], float]
) -> tuple[Write, Answer | None]:
    """Send a write; return its record, and the answer if it is an acknowledgement with the expected body.

    + key: idempotency key, 32 hex digits
    + arrival: the arrival that the write belongs to
    + clock: returns unix seconds
    """
    started_s = clock()
    head = (
        f"{step.method} {step.path} HTTP/1.1\r\nX-Legal-Entity: {step.entity}\r\nIdempotency-Key: {key}\r\n"
    )
    result = _send(exchange, step, head, key)
    return _write(step, key, arrival, started_s, clock(), result), result.answer


def interrupted(step: Step, *, key: str, arrival: Arrival, started_s: float, ended_s: float) -> Write:
    """Return the record of a write whose user was ended while it waited for the answer."""
    lost = _Result(outcomes.of_failure(sent=True), 0, "ended while waiting", None, None)
    return _write(step, key, arrival, started_s, ended_s, lost)


def unsent(arrival: Arrival, *, key: str, ended_s: float) -> Write:
    """Return the record of an arrival for which no user was free in time."""
    return Write(
        key=key,
        entity="",
        operation=arrival.operation,
        route="",
        limit_id=None,
        customer_id=None,
        amount_fen=0,
        planned_s=arrival.planned_s,
        started_s=ended_s,
        ended_s=ended_s,
        outcome=Outcome.UNSENT,
        status=0,
        error="no user was free in time",
        warm_up=arrival.warm_up,
    )


def read(
    exchange: Exchange, step: Step, *, clock: Callable[[], float], late_s: float = 0.0
) -> tuple[Read, Answer | None]:
    """Send a query; return its record, and the answer if it is the expected one.

    + late_s: how much later than planned the user began with the query's arrival
    """
    started_s = clock()
    head = f"{step.method} {step.path} HTTP/1.1\r\nX-Legal-Entity: {step.entity}\r\n"
    result = _send(exchange, step, head, None)
    answer = result.answer if step.operation == "limit" else None
    record = Read(
        entity=step.entity,
        operation=step.operation,
        route=step.route,
        planned_s=started_s - late_s,
        started_s=started_s,
        ended_s=clock(),
        outcome=result.outcome,
        status=result.status,
        error=result.error,
        limit_id=None if answer is None else answer["limit_id"],
        used_fen=None if answer is None else answer["used_fen"],
        cap_fen=None if answer is None else answer["cap_fen"],
    )
    return record, result.answer


def _write(
    step: Step, key: str, arrival: Arrival, started_s: float, ended_s: float, result: _Result
) -> Write:
    return Write(
        key=key,
        entity=step.entity,
        operation=step.operation,
        route=step.route,
        limit_id=step.limit_id,
        customer_id=step.customer_id,
        amount_fen=step.amount_fen,
        planned_s=arrival.planned_s,
        started_s=started_s,
        ended_s=ended_s,
        outcome=result.outcome,
        status=result.status,
        error=result.error,
        response=result.response,
        warm_up=arrival.warm_up,
    )


def _send(exchange: Exchange, step: Step, head: str, key: str | None) -> _Result:
    try:
        reply = exchange.send(head, step.body)
    except NotSentError as failed:
        return _Result(outcomes.of_failure(sent=False), 0, str(failed), None, None)
    except NoAnswerError as failed:
        return _Result(outcomes.of_failure(sent=True), 0, str(failed), None, None)
    outcome = outcomes.of_answer(reply.status, retry_after=reply.retry_after)
    try:
        answer = orjson.loads(reply.body)
    except orjson.JSONDecodeError:
        words = "body: not JSON" if outcome is Outcome.ACKNOWLEDGED else f"HTTP {reply.status}"
        return _Result(outcome, reply.status, words, None, None)
    # Parsed once for the check, and recorded unchanged: encoding it again would cost as much as sending.
    # Newlines are removed, because a record is one line; in JSON a newline is never part of a value.
    response = orjson.Fragment(reply.body.replace(b"\r", b" ").replace(b"\n", b" "))
    if outcome is not Outcome.ACKNOWLEDGED:
        kind = _problem(answer)
        if outcome is Outcome.REJECTED and kind and kind == step.allowed_refusal:
            return _Result(Outcome.REFUSED, reply.status, None, None, response)
        return _Result(outcome, reply.status, f"HTTP {reply.status} {kind}".rstrip(), None, response)
    error = validate_response(step, answer)
    if error is None and step.operation in ENTRY_OPERATIONS and answer["entry_id"] != key:
        error = f"body: entry_id is {answer['entry_id']!r}; expected: the request's key"
    return _Result(outcome, reply.status, error, answer if error is None else None, response)


def _problem(answer: object) -> str:
    kind = answer.get("type") if isinstance(answer, dict) else None
    # `urn:loanstack:problem:frozen` and `https://.../frozen` both end in the kind that errors are counted by.
    return str(kind).replace("/", ":").rsplit(":", 1)[-1] if kind else ""
