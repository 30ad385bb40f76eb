"""Enumerations of states: of processes, databases, leaders, fence devices, requests and tasks."""

from enum import StrEnum


class Process(StrEnum):
    """The database's process, as the agent's own host sees it."""

    DOWN = "down"
    """No process of the database is left; this was checked, not assumed."""
    STARTING = "starting"
    """It runs and has not answered since it was started."""
    RUNNING = "running"
    """It runs and has answered since it was started; `silent_ms` says how long ago."""
    HUNG = "hung"
    """It runs and certainly does not work, for example because it was stopped (state T). Silence alone
    counts as RUNNING."""


class Role(StrEnum):
    """Role of a database."""

    PRIMARY = "PRIMARY"
    STANDBY = "STANDBY"


class Phase(StrEnum):
    """Phase of the leader in etcd."""

    RECOVERING = "recovering"
    """It has the leader lock; its database is not writable yet, or that is not announced yet."""
    SERVING = "serving"
    """Its database takes writes."""
    HANDOVER = "handover"
    """Planned: services hold their writes while its database is drained for `to`."""
    HANDED = "handed"
    """Planned: its database is drained at `final_scn` and stays so; `to` may acquire the leader lock."""
    FENCED = "fenced"
    """It confirmed that its database is down, and will not start it without a new epoch."""


class UnprotectedMode(StrEnum):
    """Whether the primary may acknowledge writes that no standby has; no other host may lead then."""

    NO = "no"
    """Every acknowledged write is, or was in time, on the standbys that may lead."""
    YES = "yes"
    """There is no standby that follows, and services need not wait for one."""
    ENDING = "ending"
    """A standby follows again, and services wait for it; it may lack writes that were acknowledged before."""


class Guarantee(StrEnum):
    """Why no former leader's database can take writes any more; from the strongest to the weakest."""

    SELF = "self"
    """Its own agent confirmed it, or there was none to be fenced."""
    DEVICE = "device"
    """The fence device says that its host is off."""
    LEASE = "lease"
    """Its agent has fenced it by its own clock, unless the whole host was frozen and is thawed later."""


class FenceState(StrEnum):
    """Result of asking a fence device to switch a host off."""

    UNKNOWN = "unknown"
    """Not asked in this epoch."""
    ASKED = "asked"
    """Asked, and no answer yet."""
    CONFIRMED = "confirmed"
    """The device itself, asked in this epoch, reports that the host is off."""
    RELEASED = "released"
    """It was confirmed to be off in this epoch and switched on again later: as good a guarantee."""
    FAILED = "failed"
    """It cannot be reached, refuses, or there is none."""


class RequestKind(StrEnum):
    """Kinds of operators' requests."""

    SWITCHOVER = "switchover"
    FAILOVER = "failover"
    REJOIN = "rejoin"


class TaskKind(StrEnum):
    """Kinds of tasks in progress: every action that takes longer than a loop, except fencing."""

    PROMOTE = "promote"
    TAKE_OVER = "take_over"
    START_PRIMARY = "start_primary"
    START_STANDBY = "start_standby"
    REJOIN = "rejoin"
    HAND_OVER = "hand_over"
