"""A drill as a value: hypothesis, fault with its heal, expectation, checkers. No effects here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from chaos.system.pair import DrillTopology
from chaos.system.world import AgentView, Pending, World
from inventory.model import Environment, Host, Role
from proof.checkers.checker import Checker


class Target(StrEnum):
    """Target of a fault."""

    PRIMARY = "the primary"
    STANDBY = "the standby"
    ETCD_MEMBER = "etcd's member nearest to the primary"
    ETCD_MAJORITY = "a majority of etcd's members"
    CENTRE = "the primary's centre"
    DIRECTION = "what the primary's centre sends to the standby's"
    PORTAL = "TongWeb and the portal nearest to the primary"
    SERVICE = "the loan services nearest to the primary"
    GATEWAY = "the gateway nearest to the primary"

    def hosts(self, topology: DrillTopology) -> tuple[Host, ...]:
        """Return the hosts of this target, for the timeline."""
        if self is Target.STANDBY:
            return (topology.standby,)
        if self is Target.ETCD_MEMBER:
            return (topology.etcd_member,)
        if self is Target.ETCD_MAJORITY:
            return topology.etcd_majority
        if self in _ROLE_OF:
            found = topology.env.hosts_with(_ROLE_OF[self])
            return (next((host for host in found if host.centre == topology.primary.centre), found[0]),)
        return (topology.primary,)


_ROLE_OF = {Target.PORTAL: Role.TONGWEB, Target.SERVICE: Role.LOAN, Target.GATEWAY: Role.GATEWAY}


class Expect(StrEnum):
    """Expected primary after a fault."""

    NEW_PRIMARY = "the standby becomes the primary"
    SAME_PRIMARY = "the primary stays the primary"
    ONE_PRIMARY = "one of the two is the primary, whichever"
    NO_PRIMARY = "nobody is the primary until the heal"


@dataclass(frozen=True, kw_only=True)
class Observation:
    """State of the system at one moment, with the limits and rate that were asked for."""

    roles: Mapping[str, str]
    """Database host -> PRIMARY, STANDBY, DOWN or UNREACHABLE."""
    lag_ms: float | None
    """Lag of the standby; None if a side does not answer."""
    max_healthy_lag_ms: float
    acknowledged_per_s: float
    rate_asked: float
    agents: Mapping[str, AgentView | None]
    """Database host -> answer of its agent; None if the agent does not answer."""
    etcd: Mapping[str, bool]
    """Member of etcd -> whether it answers as part of a majority."""


@dataclass(frozen=True, kw_only=True)
class Predicate:
    """One part of a hypothesis."""

    name: str
    unmet: Callable[[Observation], str | None]
    """Returns None when it holds, else what is seen instead."""


@dataclass(frozen=True, kw_only=True)
class HealRecord:
    """Data that a later process needs to heal: kept on disk from before the fault until the heal is done."""

    environment: str
    drill: str
    primary: str
    """The database host that was the primary when the drill began."""
    standby: str
    run_folder: str
    registered_at_s: float

    def topology(self, env: Environment) -> DrillTopology:
        """Return the roles of the hosts; raises KeyError for hosts that are no longer in the inventory."""
        return DrillTopology(env=env, primary=env.host(self.primary), standby=env.host(self.standby))


@dataclass(frozen=True, kw_only=True)
class Heal:
    """What undoes a fault."""

    title: str
    undo: Callable[[World, DrillTopology], None]
    """Undoes the fault. Raises WorldError on failure; may run if the fault never acted, and may run twice."""
    failsafe: str
    """Explains what undoes the fault if the control machine dies, or why no timer on the target can."""
    put_back: Callable[[World, DrillTopology], None] | None = None
    """Undoes `prepare`, after there is a primary and a following standby again."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A fault with its heal."""

    title: str
    on: Target
    inject: Callable[[World, DrillTopology, float], Pending]
    """Makes the fault; the last argument limits its seconds, even if the control machine dies."""
    acts: Callable[[World, DrillTopology], str | None]
    """Checks that the fault acts while it lasts: returns None, or evidence against it. Raises WorldError."""
    heal: Heal
    lasts_s: float | None = None
    """Seconds after which the fault is undone while clients go on; None: the heal at the end undoes it."""
    silences: bool = False
    """Whether the database of the target gives no answer at all during the fault, not even `down`."""
    primary_serves_on: bool = False
    """Whether the primary goes on acknowledging writes after the fault acts, until it is fenced."""
    prepare: Callable[[World, DrillTopology], None] | None = None
    """Prepares the hosts before the fault, if needed; the heal undoes this too."""


@dataclass(frozen=True, kw_only=True)
class Drill:
    """One drill."""

    name: str
    title: str
    hypothesis: tuple[Predicate, ...]
    """Must hold before the fault; otherwise the drill is INVALID, and nothing is injected."""
    fault: Fault
    expects: Expect
    observe_s: float
    """How long clients go on writing after the fault."""
    recovery_deadline_s: float
    """Time after the fault by which the expectation must be met and the rate must be back."""
    rate_returns_with_heal: bool = False
    """Whether the rate is back only after the fault is undone, because it cuts off some clients."""
    checkers: tuple[Checker, ...]

    @property
    def may_act_s(self) -> float:
        """Longest time that the fault may act, even if the control machine dies."""
        return (self.fault.lasts_s or self.observe_s) + 60.0
