"""A drill as a value: hypothesis, fault with its heal, what is expected, checkers. No effects here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from chaos.system.pair import Scene
from chaos.system.world import AgentView, Pending, World
from inventory.model import Environment, Host, Role
from proof.checkers.checker import Checker


class Target(StrEnum):
    """What a fault hits."""

    PRIMARY = "the primary"
    STANDBY = "the standby"
    STORE_MEMBER = "the store's member nearest to the primary"
    STORE_MAJORITY = "a majority of the store's members"
    CENTRE = "the primary's centre"
    DIRECTION = "what the primary's centre sends to the standby's"
    PORTAL = "TongWeb and the portal nearest to the primary"
    SERVICE = "the loan services nearest to the primary"
    GATEWAY = "the gateway nearest to the primary"

    def hosts(self, scene: Scene) -> tuple[Host, ...]:
        """Return the hosts that it is seen at, for the timeline."""
        if self is Target.STANDBY:
            return (scene.standby,)
        if self is Target.STORE_MEMBER:
            return (scene.store_member,)
        if self is Target.STORE_MAJORITY:
            return scene.store_majority
        if self in _ROLE_OF:
            found = scene.env.hosts_with(_ROLE_OF[self])
            return (next((host for host in found if host.centre == scene.primary.centre), found[0]),)
        return (scene.primary,)


_ROLE_OF = {Target.PORTAL: Role.TONGWEB, Target.SERVICE: Role.LOAN, Target.GATEWAY: Role.GATEWAY}


class Expect(StrEnum):
    """Who leads after a fault."""

    NEW_PRIMARY = "the standby becomes the primary"
    SAME_PRIMARY = "the primary stays the primary"
    ONE_PRIMARY = "one of the two is the primary, whichever"
    NO_PRIMARY = "nobody is the primary until the heal"


@dataclass(frozen=True, kw_only=True)
class Observation:
    """What an operator sees at one moment, and what was asked for."""

    roles: Mapping[str, str]
    """Database host -> PRIMARY, STANDBY, DOWN or UNREACHABLE."""
    lag_ms: float | None
    """How far the standby is behind; None if a side does not answer."""
    lag_limit_ms: float
    acknowledged_per_s: float
    rate_asked: float
    agents: Mapping[str, AgentView | None]
    """Database host -> what its agent says; None if it does not answer."""
    store: Mapping[str, bool]
    """Member of the store -> whether it answers as part of a majority."""


@dataclass(frozen=True, kw_only=True)
class Predicate:
    """One part of a hypothesis."""

    name: str
    unmet: Callable[[Observation], str | None]
    """Returns None when it holds, else what is seen instead."""


@dataclass(frozen=True, kw_only=True)
class HealRecord:
    """What a later process must know to heal: kept on disk from before the fault until it is undone."""

    environment: str
    drill: str
    primary: str
    """The database host that was the primary when the drill began."""
    standby: str
    run_folder: str
    registered_at_s: float

    def scene(self, env: Environment) -> Scene:
        """Return who had which role; raises KeyError for hosts that are not in the inventory any more."""
        return Scene(env=env, primary=env.host(self.primary), standby=env.host(self.standby))


@dataclass(frozen=True, kw_only=True)
class Heal:
    """What undoes a fault."""

    title: str
    undo: Callable[[World, Scene], None]
    """Raises WorldError if it does not succeed; may run when the fault never acted, and may run twice."""
    dead_man: str
    """What undoes the fault if the control machine dies, or why no timer on the target can."""
    put_back: Callable[[World, Scene], None] | None = None
    """What is put back once a primary and a following standby are there again."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Something that breaks, with what mends it."""

    title: str
    on: Target
    inject: Callable[[World, Scene, float], Pending]
    """Gets for how many seconds it may act at most, whatever becomes of us."""
    acts: Callable[[World, Scene], str | None]
    """How it is seen to act, while it lasts: returns None, or what is seen instead. Raises WorldError."""
    heal: Heal
    lasts_s: float | None = None
    """After so long it is undone while clients go on; None: only by the heal at the end."""
    silences: bool = False
    """The database of the host that it hits answers nothing meanwhile, not even that it is down."""
    primary_serves_on: bool = False
    """The primary goes on acknowledging until it is fenced, and not just until the fault acts."""
    prepare: Callable[[World, Scene], None] | None = None
    """What must be there before, if anything; undone by the heal as well."""


@dataclass(frozen=True, kw_only=True)
class Drill:
    """One drill."""

    name: str
    title: str
    hypothesis: tuple[Predicate, ...]
    """Must hold before the fault; unmet: INVALID, and nothing is injected."""
    fault: Fault
    expects: Expect
    observe_s: float
    """How long clients go on writing after the fault."""
    recovery_deadline_s: float
    """By then what is expected has happened and the rate is back, counted from the fault."""
    rate_returns_with_heal: bool = False
    """Not before the fault is undone: until then some clients are cut off from every primary."""
    checkers: tuple[Checker, ...]

    @property
    def may_act_s(self) -> float:
        """For how long the fault may act at most, whatever becomes of us."""
        return (self.fault.lasts_s or self.observe_s) + 60.0
