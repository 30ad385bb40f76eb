"""The hypothesis: starts the clients, and waits until every predicate has held for some time."""

from chaos.catalogue.model import Drill, Observation
from chaos.catalogue.predicates import unmet_reasons
from chaos.engine.run import HypothesisUnmetError
from chaos.system.pair import database_hosts, lag_of
from chaos.system.world import DOWN, PRIMARY, STANDBY, World, WorldError, wait_until
from inventory.model import Environment

STEADY_WITHIN_S = 60.0
"""Default time within which the hypothesis must hold; the load needs a few seconds to start."""

STEADY_FOR_S = 5.0
"""Time for which the hypothesis must hold before the fault: the baseline for comparisons."""

_VIEW_WITHIN_MS = 1000.0


def observe(env: Environment, world: World, *, rate: float) -> Observation:
    """Return the current state of the system.

    + rate: writes per second that the clients ask for
    """
    hosts = database_hosts(env)
    seen = {host.name: world.databases.read(host, within_ms=1000) for host in hosts}
    roles = {name: reading.role if reading else DOWN for name, reading in seen.items()}
    positions = {name: reading.scn for name, reading in seen.items() if reading}
    is_pair = sorted(roles.values()) == [PRIMARY, STANDBY]
    return Observation(
        roles=roles,
        lag_ms=lag_of(positions, roles) if is_pair else None,
        max_healthy_lag_ms=env.database.max_healthy_lag_ms,
        acknowledged_per_s=world.clients.acknowledged_per_s(),
        rate_asked=rate,
        agents={host.name: world.agents.view(host, _VIEW_WITHIN_MS) for host in hosts},
        etcd=world.etcd.healthy(),
    )


def wait_until_steady(
    env: Environment, world: World, drill: Drill, *, rate: float, within_s: float
) -> Observation:
    """Wait until the hypothesis of `drill` has held for `STEADY_FOR_S`, and return the last observation.

    Raises:
        HypothesisUnmetError: the hypothesis did not hold in time, or the load ended by itself; says why.
    """
    clock = world.clock
    held_since_s: float | None = None
    last: list[Observation] = []

    def steady() -> str | None:
        nonlocal held_since_s
        ended = world.clients.stopped_because()
        if ended is not None:
            raise HypothesisUnmetError(f"the load ended by itself: {ended}")
        last[:] = [observe(env, world, rate=rate)]
        unmet = unmet_reasons(drill.hypothesis, last[0])
        if unmet:
            held_since_s = None
            return "; ".join(unmet)
        held_since_s = clock.now_s() if held_since_s is None else held_since_s
        held_s = clock.now_s() - held_since_s
        return None if held_s >= STEADY_FOR_S else f"it holds since {held_s:.1f} s"

    try:
        wait_until(
            clock,
            steady,
            what=f"the hypothesis to hold for {STEADY_FOR_S:.0f} s",
            within_s=within_s,
            every_s=0.5,
        )
    except HypothesisUnmetError:
        raise
    except WorldError as late:
        raise HypothesisUnmetError(str(late)) from late
    return last[0]
