"""The words in which an agent describes itself and the others: what is, never what to do."""

from enum import StrEnum


class Process(StrEnum):
    """The database's process, as the agent's own host sees it."""

    DOWN = "down"
    """No process of the database is left: looked up, not assumed."""
    STARTING = "starting"
    """It runs and has not answered since it was started."""
    RUNNING = "running"
    """It runs and has answered since it was started; `silent_ms` says how long ago."""
    HUNG = "hung"
    """It runs and certainly does not work, such as one that was stopped (state T); silence alone is
    RUNNING."""


class Role(StrEnum):
    """What a database is."""

    PRIMARY = "PRIMARY"
    STANDBY = "STANDBY"


class Phase(StrEnum):
    """How far the leader named in the store is."""

    RECOVERING = "recovering"
    """It claimed; its database is not writable yet, or nobody has been told."""
    SERVING = "serving"
    """Its database takes writes."""
    HANDOVER = "handover"
    """Planned: services hold their writes while its database is drained for `to`."""
    HANDED = "handed"
    """Planned: its database is drained at `final_scn` and stays so; `to` may claim."""
    FENCED = "fenced"
    """It confirmed that its database is down, and will not start it without a new claim."""


class Alone(StrEnum):
    """Whether writes may be acknowledged that the primary alone has: nobody else may lead by itself then."""

    NO = "no"
    """Every acknowledged write is, or was in time, on the standbys that may lead."""
    YES = "yes"
    """There is no standby that follows, and services need not wait for one."""
    ENDING = "ending"
    """One follows again, and services wait for it again; it may lack what was acknowledged before."""


class Guarantee(StrEnum):
    """Why no former leader's database can take writes any more; from the strongest to the weakest."""

    SELF = "self"
    """Its own agent confirmed it, or there was none to be fenced."""
    DEVICE = "device"
    """The fence device says that its host is off."""
    LEASE = "lease"
    """Its agent has fenced it by its own clock, unless the whole host stood still and comes back."""


class FenceState(StrEnum):
    """What came of asking a fence device to switch a host off."""

    UNKNOWN = "unknown"
    """Not asked since this claim."""
    ASKED = "asked"
    """Asked, and no answer yet."""
    CONFIRMED = "confirmed"
    """The device itself, asked after this claim, says that the host is off."""
    RELEASED = "released"
    """It was confirmed to be off after this claim, and has been switched on again: as good a guarantee."""
    FAILED = "failed"
    """It cannot be reached, refuses, or there is none."""


class RequestKind(StrEnum):
    """What an operator may ask for."""

    SWITCHOVER = "switchover"
    FAILOVER = "failover"
    REJOIN = "rejoin"


class TaskKind(StrEnum):
    """What an agent may be in the middle of: every action that takes longer than a loop, except fencing."""

    PROMOTE = "promote"
    TAKE_OVER = "take_over"
    START_PRIMARY = "start_primary"
    START_STANDBY = "start_standby"
    REJOIN = "rejoin"
    HAND_OVER = "hand_over"
