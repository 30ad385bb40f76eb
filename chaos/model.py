"""A drill as a value: hypothesis, fault with its heal, observation, recovery, checkers. No effects here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from chaos.checkers import Checker
from chaos.world import DOWN, PRIMARY, STANDBY, UNREACHABLE, Pending, World
from inventory.model import Host


class Target(StrEnum):
    """Whom a fault hits: a role at the moment of the drill, so that a second drill swaps them back."""

    PRIMARY = "primary"
    STANDBY = "standby"


@dataclass(frozen=True, kw_only=True)
class Pair:
    """The two databases, as they stand when a drill begins."""

    primary: Host
    standby: Host

    def hit_by(self, target: Target) -> Host:
        """Return the host that a fault on `target` hits."""
        return self.primary if target is Target.PRIMARY else self.standby


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
    victim: str
    """The host that was broken."""
    survivor: str
    """The other database host."""
    run_folder: str
    registered_at_s: float
    promoted: str | None = None
    """The host that was made primary; None until a promotion began."""


@dataclass(frozen=True, kw_only=True)
class Heal:
    """What undoes a fault."""

    title: str
    undo: Callable[[World, HealRecord], None]
    """Raises WorldError if it does not succeed; may run when the fault never acted, and may run twice."""
    dead_man: str
    """What undoes the fault if the control machine dies, or why no timer on the target can."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Something that breaks, with what mends it."""

    title: str
    on: Target
    inject: Callable[[World, Host], Pending]
    heal: Heal


@dataclass(frozen=True, kw_only=True)
class Drill:
    """One drill."""

    name: str
    title: str
    hypothesis: tuple[Predicate, ...]
    """Must hold before the fault; unmet: INVALID, and nothing is injected."""
    fault: Fault
    observe_s: float
    """How long clients go on writing after the fault."""
    recovery_deadline_s: float
    """By then the rate must be back, counted from the fault."""
    checkers: tuple[Checker, ...]


def one_primary() -> Predicate:
    """Exactly one database says that it is the primary, and none is down."""

    def unmet(seen: Observation) -> str | None:
        primaries = [host for host, role in seen.roles.items() if role == PRIMARY]
        away = [f"{host} is {role}" for host, role in seen.roles.items() if role in (DOWN, UNREACHABLE)]
        if len(primaries) == 1 and not away:
            return None
        return ", ".join((f"{len(primaries)} primaries ({', '.join(primaries) or 'none'})", *away))

    return Predicate(name="exactly one primary, no database down", unmet=unmet)


def standby_following() -> Predicate:
    """A standby follows within the environment's lag limit."""

    def unmet(seen: Observation) -> str | None:
        if STANDBY not in seen.roles.values():
            return "no standby"
        if seen.lag_ms is None:
            return "the lag cannot be measured"
        if seen.lag_ms > seen.lag_limit_ms:
            return f"the standby is {seen.lag_ms:.0f} ms behind; allowed: {seen.lag_limit_ms:.0f} ms"
        return None

    return Predicate(name="the standby follows within the lag limit", unmet=unmet)


def loans_acknowledged(*, share: float) -> Predicate:
    """Clients get the rate they ask for.

    + share: least share of the asked rate that must be acknowledged
    """

    def unmet(seen: Observation) -> str | None:
        needed = share * seen.rate_asked
        if seen.acknowledged_per_s >= needed:
            return None
        return f"{seen.acknowledged_per_s:.0f} writes/s acknowledged; needed: {needed:.0f}"

    return Predicate(name=f"at least {share:.0%} of the asked writes are acknowledged", unmet=unmet)


def unmet_reasons(hypothesis: tuple[Predicate, ...], seen: Observation) -> tuple[str, ...]:
    """Return why the hypothesis does not hold; empty when it does."""
    return tuple(
        f"{predicate.name}: {why}" for predicate in hypothesis if (why := predicate.unmet(seen)) is not None
    )
