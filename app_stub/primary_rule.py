"""Which database is the primary, given what each one last said. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from app_stub.settings import Endpoint


class Role(StrEnum):
    """What an endpoint last said it is."""

    PRIMARY = "PRIMARY"
    STANDBY = "STANDBY"
    UNKNOWN = "UNKNOWN"
    """No answer (yet, or any more)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sight:
    """What is known of one endpoint."""

    endpoint: Endpoint
    role: Role = Role.UNKNOWN
    last_answer: Role = Role.UNKNOWN
    """The last role it said, kept while it is silent."""
    promoted_at_s: float | None = None
    """When it was seen to turn from STANDBY into PRIMARY; None if that was never seen."""


def seen(sight: Sight, role: Role, now_s: float) -> Sight:
    """Return `sight` after its endpoint answered `role`, or fell silent (`UNKNOWN`), at `now_s`."""
    promoted_at_s = sight.promoted_at_s
    if role is Role.PRIMARY and sight.last_answer is Role.STANDBY:
        promoted_at_s = now_s
    elif role is Role.STANDBY:
        promoted_at_s = None
    return Sight(
        endpoint=sight.endpoint,
        role=role,
        last_answer=sight.last_answer if role is Role.UNKNOWN else role,
        promoted_at_s=promoted_at_s,
    )


def two_primaries(sights: tuple[Sight, ...]) -> bool:
    """Say whether more than one endpoint claims to be the primary right now."""
    return sum(sight.role is Role.PRIMARY for sight in sights) > 1


def primary_of(sights: tuple[Sight, ...], current: Endpoint | None) -> Endpoint | None:
    """Return the endpoint to write to, or None where there is none that can be trusted.

    Of two that claim to be the primary, the one that was seen to be promoted last is right: the other is an
    old primary that was paused or cut off and does not know of its successor. A process that has seen no
    promotion keeps to the primary it knows, and trusts neither if it knows none.
    An old primary that comes back after its successor was seen is not followed while the successor is silent.
    """
    claims = [sight for sight in sights if sight.role is Role.PRIMARY]
    latest = max((s for s in sights if s.promoted_at_s is not None), key=_promoted_at, default=None)
    if latest is not None:
        return latest.endpoint if latest in claims else None
    if len(claims) == 1:
        return claims[0].endpoint
    return current if any(claim.endpoint == current for claim in claims) else None


def _promoted_at(sight: Sight) -> float:
    return sight.promoted_at_s or 0.0
