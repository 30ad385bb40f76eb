"""Operators' commands over the API: parses them, and reports all mistakes together. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from failover.api.problems import FieldError, ProblemError, bad_fields, bad_json
from failover.core.observed import RequestKind

WAIT_MS_LIMIT = 5000
_LAG_MS_LIMIT = 86_400_000
_HOST_LENGTH_LIMIT = 64
_SHOWN = 80
_FLAGS = {
    RequestKind.SWITCHOVER: frozenset({"dry_run", "wait"}),
    RequestKind.FAILOVER: frozenset({"force", "accept_loss", "dry_run", "wait"}),
    RequestKind.REJOIN: frozenset({"dry_run"}),
}


@dataclass(frozen=True, kw_only=True)
class Command:
    """One command with its options."""

    kind: RequestKind
    to: str | None
    """The host that it concerns; None: the agent chooses."""
    flags: Mapping[str, bool] = field(default_factory=dict)

    def is_set(self, flag: str) -> bool:
        """Say whether an option was chosen."""
        return self.flags.get(flag, False)


@dataclass(frozen=True, kw_only=True)
class LongPoll:
    """Options of a query for the primary."""

    unless: str | None
    wait_ms: int


def command_in(body: bytes, kind: RequestKind) -> Command:
    """Return the command in a body.

    Raises:
        ProblemError: 400, the body is not a JSON object; 422, with every field that cannot be accepted.
    """
    found = object_in(body)
    errors = []
    to = found.pop("to", None)
    is_name = isinstance(to, str) and 0 < len(to) <= _HOST_LENGTH_LIMIT
    if not is_name and (to is not None or kind is RequestKind.FAILOVER):
        errors.append(_error("to", to, "name of a database host"))
    flags = {}
    for name in sorted(_FLAGS[kind] & found.keys()):
        value = found.pop(name)
        if not isinstance(value, bool):
            errors.append(_error(name, value, "true or false"))
        flags[name] = value is True
    errors += _unknown(found, ("to", *sorted(_FLAGS[kind])))
    if errors:
        raise ProblemError(bad_fields(tuple(errors)))
    return Command(kind=kind, to=to, flags=flags)


def nothing_in(body: bytes) -> None:
    """Accept only an empty body, or a JSON object without fields.

    Raises:
        ProblemError: 400 or 422.
    """
    errors = tuple(_unknown(object_in(body), ()))
    if errors:
        raise ProblemError(bad_fields(errors))


def long_poll_in(query: Mapping[str, str]) -> LongPoll:
    """Return the options in the query of `GET /primary`.

    Raises:
        ProblemError: 422, with every field that cannot be accepted.
    """
    errors: list[FieldError] = []
    wait_ms = _whole(query, "wait_ms", WAIT_MS_LIMIT, errors)
    errors += _unknown(query, ("unless", "wait_ms"))
    if errors:
        raise ProblemError(bad_fields(tuple(errors)))
    return LongPoll(unless=query.get("unless"), wait_ms=wait_ms or 0)


def max_lag_in(query: Mapping[str, str]) -> int | None:
    """Return the limit in the query of `GET /standby`; None: any lag is accepted.

    Raises:
        ProblemError: 422, with every field that cannot be accepted.
    """
    errors: list[FieldError] = []
    limit_ms = _whole(query, "lag", _LAG_MS_LIMIT, errors)
    errors += _unknown(query, ("lag",))
    if errors:
        raise ProblemError(bad_fields(tuple(errors)))
    return limit_ms


def object_in(body: bytes) -> dict[str, Any]:
    """Return the JSON object in a body; an empty object for an empty body.

    Raises:
        ProblemError: 400.
    """
    try:
        return msgspec.json.decode(body, type=dict[str, Any]) if body.strip() else {}
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise ProblemError(bad_json()) from None


def _whole(query: Mapping[str, str], name: str, limit: int, errors: list[FieldError]) -> int | None:
    text = query.get(name)
    if text is None:
        return None
    # isdecimal also accepts digits of other scripts, and int() accepts a text of any length.
    if text.isascii() and text.isdecimal() and len(text) < len(str(limit)) + 1 and int(text) <= limit:
        return int(text)
    errors.append(_error(name, text, f"whole milliseconds from 0 to {limit}"))
    return None


def _unknown(found: Mapping[str, object], known: tuple[str, ...]) -> list[FieldError]:
    allowed = f"one of {', '.join(known)}" if known else "no field at all"
    return [_error(name, found[name], allowed) for name in found if name not in known]


def _error(name: str, value: object, allowed: str) -> FieldError:
    shown = value if isinstance(value, (bool, int, float, type(None))) else str(value)[:_SHOWN]
    return FieldError(field=name[:_SHOWN], value=shown, allowed=allowed)
