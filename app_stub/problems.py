"""Errors as RFC 9457 problem details."""

from dataclasses import dataclass

import msgspec

_TYPE_BASE = "urn:loanstack:problem:"
CONTENT_TYPE = b"application/problem+json"


class FieldError(msgspec.Struct, frozen=True, kw_only=True):
    """One field that cannot be accepted."""

    field: str
    value: object
    allowed: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """What went wrong, for a program (`kind`, `status`) and for a person (`title`, `detail`)."""

    status: int
    kind: str
    title: str
    detail: str
    errors: tuple[FieldError, ...] = ()
    retry_after_s: int | None = None
    allow: str | None = None
    """Value of the `Allow` header of a 405."""

    def body(self) -> bytes:
        """Return the JSON document."""
        document: dict[str, object] = {
            "type": _TYPE_BASE + self.kind,
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
        }
        if self.errors:
            document["errors"] = self.errors
        return msgspec.json.encode(document)


class ProblemError(Exception):
    """Carries a `Problem` up to the edge, which answers with it."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(problem.detail)


def bad_json(detail: str) -> Problem:
    """400: the body is no JSON object."""
    return Problem(status=400, kind="bad-json", title="Body is not a JSON object", detail=detail)


def bad_http(detail: str) -> Problem:
    """400: the bytes are no HTTP request; the connection is closed after it."""
    return Problem(status=400, kind="bad-request", title="Not an HTTP request", detail=detail)


def other_entity(what: str) -> Problem:
    """403: the row belongs to another legal entity; whose it is stays unsaid."""
    return Problem(
        status=403,
        kind="other-entity",
        title="Row of another legal entity",
        detail=f"{what} does not belong to the legal entity of this request",
    )


def not_found(what: str) -> Problem:
    """404: no such row or route."""
    return Problem(status=404, kind="not-found", title="Not found", detail=f"{what} does not exist")


def wrong_method(method: str, allowed: tuple[str, ...]) -> Problem:
    """405: the route exists, the method does not."""
    names = ", ".join(allowed)
    return Problem(
        status=405,
        kind="wrong-method",
        title="Method not allowed",
        detail=f"{method} is not allowed here; allowed: {names}",
        allow=names,
    )


def key_reused() -> Problem:
    """409: the idempotency key already stands for another request."""
    return Problem(
        status=409,
        kind="key-reused",
        title="Idempotency key reused",
        detail="this Idempotency-Key was used before with another route or body; take a new one",
    )


def wrong_state(detail: str) -> Problem:
    """409: the row is not in a state that allows the operation."""
    return Problem(status=409, kind="wrong-state", title="Not possible in this state", detail=detail)


def too_large(limit_bytes: int) -> Problem:
    """413: the body is larger than the service reads."""
    return Problem(
        status=413,
        kind="too-large",
        title="Body too large",
        detail=f"a body may have at most {limit_bytes} bytes",
    )


def invalid_fields(errors: tuple[FieldError, ...]) -> Problem:
    """422: every field that cannot be accepted, all at once."""
    names = ", ".join(error.field for error in errors)
    return Problem(
        status=422, kind="invalid-fields", title="Invalid fields", detail=f"invalid: {names}", errors=errors
    )


def limit_exceeded(detail: str) -> Problem:
    """422: the limit has no room for the amount."""
    return Problem(status=422, kind="limit-exceeded", title="Limit exceeded", detail=detail)


def repayment_exceeds_debt(detail: str) -> Problem:
    """422: more would be repaid than is owed."""
    return Problem(status=422, kind="repayment-exceeds-debt", title="Repayment exceeds debt", detail=detail)


def frozen(limit_id: int) -> Problem:
    """423: an early warning has frozen the limit."""
    return Problem(
        status=423,
        kind="frozen",
        title="Limit frozen",
        detail=f"limit {limit_id} is frozen by an early warning",
    )


def headers_too_large(limit_bytes: int) -> Problem:
    """431: the request head is larger than the service reads."""
    return Problem(
        status=431,
        kind="headers-too-large",
        title="Headers too large",
        detail=f"request line and headers may have at most {limit_bytes} bytes",
    )


def internal() -> Problem:
    """500: a fault of the service before anything was written; the log has the trace."""
    return Problem(status=500, kind="internal", title="Internal error", detail="see the service's log")


def unavailable(detail: str, retry_after_s: int = 1) -> Problem:
    """503: nothing was executed; try again."""
    return Problem(
        status=503, kind="unavailable", title="Not available", detail=detail, retry_after_s=retry_after_s
    )


def indeterminate() -> Problem:
    """504: the write may have happened; only a repeat with the same key tells."""
    return Problem(
        status=504,
        kind="indeterminate",
        title="Outcome unknown",
        detail="the write may have been committed; repeat it with the same Idempotency-Key to learn that",
        retry_after_s=1,
    )
