"""The predicates of hypotheses: each is a pure function of one observation."""

from chaos.catalogue.model import Observation, Predicate
from chaos.system.world import DOWN, PRIMARY, STANDBY, UNREACHABLE


def one_primary() -> Predicate:
    """Exactly one database reports that it is the primary, and no database is down."""

    def unmet(seen: Observation) -> str | None:
        primaries = _primaries(seen)
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
        if seen.lag_ms > seen.max_healthy_lag_ms:
            return f"the standby is {seen.lag_ms:.0f} ms behind; allowed: {seen.max_healthy_lag_ms:.0f} ms"
        return None

    return Predicate(name="the standby follows within the lag limit", unmet=unmet)


def loans_acknowledged(*, share: float) -> Predicate:
    """The writes that clients ask for are acknowledged.

    + share: smallest share of the asked rate that must be acknowledged
    """

    def unmet(seen: Observation) -> str | None:
        needed = share * seen.rate_asked
        if seen.acknowledged_per_s >= needed:
            return None
        return f"{seen.acknowledged_per_s:.0f} writes/s acknowledged; needed: {needed:.0f}"

    return Predicate(name=f"at least {share:.0%} of the asked writes are acknowledged", unmet=unmet)


def agents_agree() -> Predicate:
    """Every agent answers and names the same leader and epoch, and the leader's database reports PRIMARY."""

    def unmet(seen: Observation) -> str | None:
        silent = [host for host, view in seen.agents.items() if view is None]
        if silent or not seen.agents:
            return f"no agent answers on {', '.join(silent) or 'any host'}"
        named = {
            host: f"{view.primary or 'nobody'} in epoch {view.epoch}"
            for host, view in seen.agents.items()
            if view is not None
        }
        leaders = {view.primary for view in seen.agents.values() if view is not None}
        if len(set(named.values())) == 1 and [*leaders] == _primaries(seen):
            return None
        return "; ".join(f"{host} says that {said} leads" for host, said in named.items())

    return Predicate(name="the agents answer and agree who leads", unmet=unmet)


def standby_in_sync() -> Predicate:
    """The standby has all acknowledged writes: the leader's agent reports that the primary is not alone."""

    def unmet(seen: Observation) -> str | None:
        said = [view.alone for view in seen.agents.values() if view is not None and view.alone is not None]
        if said == ["no"]:
            return None
        return f"the leader's agent says alone: {', '.join(said) or 'nothing'}; needed: no"

    return Predicate(name="the standby has all that was acknowledged", unmet=unmet)


def etcd_is_whole() -> Predicate:
    """Every member of etcd answers as part of its majority."""

    def unmet(seen: Observation) -> str | None:
        away = [host for host, healthy in seen.etcd.items() if not healthy]
        if seen.etcd and not away:
            return None
        there = len(seen.etcd) - len(away)
        return f"{there} of {len(seen.etcd)} members; missing: {', '.join(away) or 'all'}"

    return Predicate(name="etcd has a majority, with all of its members", unmet=unmet)


def unmet_reasons(hypothesis: tuple[Predicate, ...], seen: Observation) -> tuple[str, ...]:
    """Return why the hypothesis does not hold; empty when it does."""
    return tuple(
        f"{predicate.name}: {why}" for predicate in hypothesis if (why := predicate.unmet(seen)) is not None
    )


def _primaries(seen: Observation) -> list[str]:
    return [host for host, role in seen.roles.items() if role == PRIMARY]
