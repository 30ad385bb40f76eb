"""Errors of the agent's API as RFC 9457 problem details."""

from dataclasses import dataclass

import msgspec

CONTENT_TYPE = "application/problem+json"
_TYPE_BASE = "urn:loanstack:failover:"


@dataclass(frozen=True, kw_only=True)
class FieldError:
    """One field that cannot be accepted."""

    field: str
    value: object
    allowed: str


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One error, for programs (`kind`, `status`) and for people (`title`, `detail`)."""

    status: int
    kind: str
    title: str
    detail: str
    errors: tuple[FieldError, ...] = ()
    refused: tuple[str, ...] = ()
    """Every reason why a command is not carried out."""

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
        if self.refused:
            document["refused"] = self.refused
        return msgspec.json.encode(document)


class ProblemError(Exception):
    """Carries a `Problem` to the request handler, which answers with it."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(problem.detail)


def of_status(status: int, title: str) -> Problem:
    """An error of the server itself: unknown route, wrong method, or a body that is too large."""
    return Problem(status=status, kind="http", title=title, detail=f"{status} {title}")


def bad_json() -> Problem:
    """400: the body is not a JSON object."""
    return Problem(
        status=400, kind="bad-json", title="Not a JSON object", detail="the body must be a JSON object"
    )


def not_signed() -> Problem:
    """401: the signature of a command is missing or wrong."""
    return Problem(
        status=401,
        kind="not-signed",
        title="Signature missing or wrong",
        detail="commands must be signed with the agents' token; loanstack-failover does that",
    )


def stale_command(valid_ms: int) -> Problem:
    """401: a signed command is older than it may be or than this agent's start, or was accepted before."""
    return Problem(
        status=401,
        kind="stale-order",
        title="Command not of now",
        detail=(
            f"a signed command is accepted once, within {valid_ms} ms, and not by an agent that started"
            " since; give it again"
        ),
    )


def not_from_here(address: str) -> Problem:
    """403: commands are taken from this host only."""
    return Problem(
        status=403,
        kind="not-from-here",
        title="Commands are taken from this host only",
        detail=f"asked from {address}; use loanstack-failover on a database host",
    )


def refused(reasons: tuple[str, ...]) -> Problem:
    """409: the command is valid but refused; nothing was changed."""
    return Problem(status=409, kind="refused", title="Refused", detail="; ".join(reasons), refused=reasons)


def bad_fields(errors: tuple[FieldError, ...]) -> Problem:
    """422: every field that cannot be accepted, all at once."""
    names = ", ".join(error.field for error in errors)
    return Problem(
        status=422, kind="bad-fields", title="Fields cannot be accepted", detail=names, errors=errors
    )


def internal() -> Problem:
    """500: a bug of the agent; its log has the traceback."""
    return Problem(status=500, kind="internal", title="Internal error", detail="see the agent's log")


def etcd_silent(detail: str) -> Problem:
    """503: etcd does not answer; it is not known whether it has accepted the change."""
    return Problem(status=503, kind="no-store", title="etcd does not answer", detail=detail)
