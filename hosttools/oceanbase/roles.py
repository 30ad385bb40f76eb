"""Roles of databases, and which one of several decides. Pure."""

from collections.abc import Iterable
from enum import StrEnum

NONE = "NONE"
"""Recorded role of a data folder that holds no complete database."""


class Role(StrEnum):
    """What a database says of itself, or why it says nothing."""

    PRIMARY = "PRIMARY"
    STANDBY = "STANDBY"
    DOWN = "DOWN"
    """No process listens; of a peer: its host is alive and says so."""
    UNREACHABLE = "UNREACHABLE"
    """A peer that gives no answer: it may be anything."""
    UNKNOWN = "UNKNOWN"
    """It answers, and with neither of its two roles."""


_WORST_FIRST = (Role.PRIMARY, Role.UNREACHABLE, Role.STANDBY, Role.DOWN)


def role_in(answer: str) -> Role:
    """Return the role that a database answered with."""
    found = answer.strip()
    return Role(found) if found in (Role.PRIMARY, Role.STANDBY) else Role.UNKNOWN


def deciding(roles: Iterable[Role]) -> Role:
    """Return the role that matters most among all peers: one primary anywhere decides."""
    found = frozenset(roles)
    return next((role for role in _WORST_FIRST if role in found), Role.DOWN)
