"""Which database is written to, given what the failover agents and the databases last said. Pure.

The agents know: who leads stands in etcd. Where none of them answers with knowledge, the
databases are asked for their role and their epoch. Whatever the source, an epoch is never gone back on.
"""

from dataclasses import dataclass
from enum import StrEnum

from app_stub.settings import Endpoint


class Role(StrEnum):
    """What an endpoint last said it is."""

    PRIMARY = "PRIMARY"
    STANDBY = "STANDBY"
    UNKNOWN = "UNKNOWN"
    """No answer (yet, or any more)."""


class Source(StrEnum):
    """Who was believed."""

    AGENT = "agent"
    ROLES = "roles"


@dataclass(frozen=True, kw_only=True, slots=True)
class EndpointStatus:
    """What is known of one endpoint."""

    endpoint: Endpoint
    role: Role = Role.UNKNOWN
    last_answer: Role = Role.UNKNOWN
    """The last role it said, kept while it is silent."""
    epoch: int = 0
    """The last epoch it said, as a primary."""
    promoted_at_s: float = float("-inf")
    """When it was seen to turn from STANDBY into PRIMARY, if that was seen."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Word:
    """What an agent last said of the leadership."""

    epoch: int
    phase: str
    primary: Endpoint | None = None
    """Set if somebody serves."""
    alone: bool = False
    """The primary has no standby, and nobody is promoted in its place: writes need not wait for one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """Where writes go."""

    primary: Endpoint | None
    epoch: int
    is_held: bool = False
    """The primary is about to hand over: what is in flight may finish, nothing new is sent."""
    source: Source = Source.ROLES


_SERVING, _HANDOVER = "serving", "handover"
_PHASES = ("recovering", _SERVING, _HANDOVER, "handed", "fenced")
"""In the order in which one epoch goes through them; an agent that says another one knows nothing."""


def seen(status: EndpointStatus, role: Role, epoch: int, now_s: float) -> EndpointStatus:
    """Return `status` after its endpoint answered `role`, or fell silent (`UNKNOWN`), at `now_s`.

    Args:
        status: what was known before.
        role: what it said.
        epoch: what it said; counts for a primary only.
        now_s: when.
    """
    promoted_at_s = status.promoted_at_s
    if role is Role.PRIMARY and status.last_answer is Role.STANDBY:
        promoted_at_s = now_s
    elif role is Role.STANDBY:
        promoted_at_s = float("-inf")
    return EndpointStatus(
        endpoint=status.endpoint,
        role=role,
        last_answer=status.last_answer if role is Role.UNKNOWN else role,
        epoch=epoch if role is Role.PRIMARY else status.epoch,
        promoted_at_s=promoted_at_s,
    )


def two_primaries(statuses: tuple[EndpointStatus, ...]) -> bool:
    """Say whether more than one endpoint claims to be the primary right now."""
    return sum(status.role is Role.PRIMARY for status in statuses) > 1


def highest_epoch(words: tuple[Word | None, ...], statuses: tuple[EndpointStatus, ...]) -> int:
    """Return the highest epoch that anybody has spoken of."""
    return max((*(word.epoch for word in words if word is not None), *(s.epoch for s in statuses)), default=0)


def choose(
    words: tuple[Word | None, ...], statuses: tuple[EndpointStatus, ...], current: Choice, least_epoch: int
) -> Choice:
    """Return where writes go.

    Args:
        words: of the agents; None for one that does not answer.
        statuses: of the databases; none while they have not all had their say.
        current: where writes go until now.
        least_epoch: the highest epoch heard of so far; nothing below it is followed.
    """
    known = [word for word in words if word is not None and word.phase in _PHASES]
    if known:
        # Of one epoch the furthest phase is the latest: the leader's own agent knows of it first.
        last = max(known, key=lambda word: (word.epoch, _PHASES.index(word.phase)))
        primary = last.primary if last.phase == _SERVING else None
        if last.phase == _HANDOVER and current.epoch == last.epoch:
            primary = current.primary
        if last.epoch < least_epoch:
            primary = None
        return Choice(
            primary=primary,
            epoch=max(last.epoch, least_epoch),
            is_held=last.phase == _HANDOVER,
            source=Source.AGENT,
        )
    primary = primary_among(statuses, current.primary, least_epoch)
    return Choice(primary=primary, epoch=least_epoch)


def primary_among(
    statuses: tuple[EndpointStatus, ...], current: Endpoint | None, least_epoch: int
) -> Endpoint | None:
    """Return the primary as the databases themselves tell it, or None where there is none to be trusted.

    Of two primaries of the latest epoch the one that was seen to be promoted last is right (the table of a
    new primary is a moment behind its promotion, and without agents nobody raises it): the other is an old
    one that was paused or cut off and does not know of its successor. It is not followed while the successor
    is silent. Who has seen no promotion keeps to the primary it knows, and trusts neither if it knows none.
    """
    latest = [s for s in statuses if s.last_answer is Role.PRIMARY and s.epoch >= least_epoch]
    promoted_at_s = max((s.promoted_at_s for s in latest), default=0.0)
    claims = [s.endpoint for s in latest if s.promoted_at_s == promoted_at_s and s.role is Role.PRIMARY]
    if len(claims) == 1:
        return claims[0]
    return current if current in claims else None
