"""The answer of `GET /history`: every event of every kept epoch, oldest first. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from failover.core.states import Guarantee

Json = dict[str, Any]
GUARANTEE_EVENT = "guarantee"
"""Event whose detail begins with the guarantee, which applies to later events of its epoch."""


@dataclass(frozen=True, kw_only=True)
class HistoryEvent:
    """One event, with all context that a reader needs."""

    epoch: int
    at_s: float
    """Unix time by the clock of `host`."""
    event: str
    host: str
    guarantee: str | None
    """Guarantee that no former leader could write any more, if there was one by then."""
    detail: str
    request: str | None = None
    """Operator's request that caused the event."""


def history_of(found: Mapping[int, Sequence[Json]]) -> tuple[HistoryEvent, ...]:
    """Return the events of each epoch as one list.

    Args:
        found: events by epoch, as `History.read` returns them.
    """
    return tuple(event for epoch in sorted(found) for event in _events_of(epoch, found[epoch]))


def refusal_in(found: Mapping[int, Sequence[Json]], request: str) -> str | None:
    """Return why an operator's request was refused; None: it was not refused (yet)."""
    return next(
        (
            str(line.get("detail", ""))
            for lines in found.values()
            for line in lines
            if line.get("request") == request and line.get("event") == "refused"
        ),
        None,
    )


def _events_of(epoch: int, lines: Sequence[Json]) -> list[HistoryEvent]:
    events, guarantee = [], None
    for line in lines:
        detail = str(line.get("detail", ""))
        if line.get("event") == GUARANTEE_EVENT:
            guarantee = _guarantee_in(detail)
        events.append(
            HistoryEvent(
                epoch=epoch,
                at_s=float(line.get("at_s", 0)),
                event=str(line.get("event", "")),
                host=str(line.get("host", "")),
                guarantee=guarantee,
                detail=detail,
                request=line.get("request"),
            )
        )
    return events


def _guarantee_in(detail: str) -> str | None:
    first = detail.split(maxsplit=1)[0].rstrip(":;,.") if detail.strip() else ""
    return first if first in list(Guarantee) else None
